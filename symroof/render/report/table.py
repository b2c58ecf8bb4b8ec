"""A report as a table on a rich console. It is laid out here: rich would measure each cell several times."""

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.segment import Segment, Segments
from rich.text import Text

from symroof.model.report import Report
from symroof.render.report.lines import Line, report_notes, report_title, storage_cells, table_lines

WIDE_HEADINGS = (
    ("", "Block", "Compute", "Bandwidth", "Bandwidth", "Bandwidth", "Operational"),
    ("Node", "count", "(FLOP)", "(weight)", "(input)", "(output)", "intensity"),
)
NARROW_HEADINGS = (("", "Compute", "", "", "", ""), ("Node", "(FLOP)", "Weight", "Input", "Output", "FLOP/B"))
STYLES = {"block": "bold", "op": "", "subtotal": "italic", "total": "bold"}
Rows = Sequence[Sequence[str]]


def report_table(report: Report, width: int = 100) -> str:
    """The table as text without colour."""
    console = Console(file=StringIO(), color_system=None, force_terminal=False)
    print_report_table(report, console, width)
    out: Any = console.file
    return str(out.getvalue())


def print_report_table(report: Report, console: Console, width: int) -> None:
    """Print title, table, storage and notes `width` columns wide, but never so few that a figure is cut."""
    lines = list(table_lines(report))
    wide, narrow = wide_rows(lines), narrow_rows(lines)
    console.width = max(width, table_width(narrow))
    table = Segments(draw_table(lines, wide if table_width(wide) <= console.width else narrow, console))
    notes = (Text(note, style="dim") for note in report_notes(report))
    title = Text(report_title(report), style="bold")
    console.print(Group(title, Text(), table, Text(), Segments(draw_storage(report, console)), Text(), *notes))


def wide_rows(lines: Sequence[Line]) -> Rows:
    """Headings and lines with a column for the block count."""
    return pad_columns([*WIDE_HEADINGS, *((line_label(x), *x.cells[1:]) for x in lines)], " ")


def narrow_rows(lines: Sequence[Line]) -> Rows:
    """Headings and lines with the block count after the block's name."""
    counts = (f" {x.blocks.replace(' ', '')}" if x.kind == "block" else "" for x in lines)
    rows = ((line_label(x) + n, *x.cells[2:]) for x, n in zip(lines, counts, strict=True))
    return pad_columns([*NARROW_HEADINGS, *rows])


def line_label(line: Line) -> str:
    """The line's name, indented for an operator; `?` replaces what cannot be printed."""
    name = "".join(x if x.isprintable() else "?" for x in line.name)
    return name if line.kind in ("block", "total") else f"  {name}"


def pad_columns(rows: Rows, after: str = "") -> Rows:
    """The first column left-aligned, others right-aligned after a blank; `after` follows all but the last."""
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    first = [set_cell_size(x, widths[0]) + after for x in columns[0]]
    others = [[f" {x:>{n}}{after}" for x in column] for column, n in zip(columns[1:-1], widths[1:-1], strict=True)]
    last = [f" {x:>{widths[-1]}}" for x in columns[-1]]
    return list(zip(first, *others, last, strict=True))


def table_width(rows: Rows) -> int:
    """Terminal columns of the rows, dividers included."""
    return sum(map(cell_len, rows[0])) + len(rows[0]) - 1


def draw_table(lines: Sequence[Line], rows: Rows, console: Console) -> Iterator[Segment]:
    """The rows with a rule below the headings and a blank one below each block."""
    form = box.SIMPLE_HEAD.substitute(console.options, safe=console.safe_box)
    widths = list(map(cell_len, rows[0]))
    for row in rows[:2]:
        yield from row_segments(row, console, "table.header", form.head_vertical)
    yield from (Segment(form.get_row(widths, "head", edge=False)), Segment.line())
    for line, following, row in zip(lines, [*lines[1:], None], rows[2:], strict=True):
        yield from row_segments(row, console, STYLES[line.kind], form.mid_vertical)
        if following and following.kind in ("block", "total"):
            yield from (Segment(form.get_row(widths, "row", edge=False)), Segment.line())


def draw_storage(report: Report, console: Console) -> Iterator[Segment]:
    """The parts of the minimum storage, the sum in bold."""
    for name, size in pad_columns([(name, size.rstrip()) for name, size in storage_cells(report)], " "):
        yield from row_segments((name, size), console, "bold" if name.startswith("minimum storage") else "", "")


def row_segments(row: Sequence[str], console: Console, style: str, divider: str) -> Iterator[Segment]:
    """The cells of a line with dividers between them."""
    cell_style = console.get_style(style)
    yield Segment(row[0], cell_style)
    for cell in row[1:]:
        yield from (Segment(divider), Segment(cell, cell_style))
    yield Segment.line()
