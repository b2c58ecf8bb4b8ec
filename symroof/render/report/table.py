"""A report as a table on a rich console. It is laid out here: rich would measure each cell of it several times."""

from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.segment import Segment, Segments
from rich.text import Text

from symroof.model.report import Report
from symroof.render.report import lines
from symroof.render.report.lines import Line

HEADINGS = {
    "wide": (
        ("", "Block", "Compute", "Bandwidth", "Bandwidth", "Bandwidth", "Operational"),
        ("Node", "count", "(FLOP)", "(weight)", "(input)", "(output)", "intensity"),
    ),
    "narrow": (("", "Compute", "", "", "", ""), ("Node", "(FLOP)", "Weight", "Input", "Output", "FLOP/B")),
}
STYLES = {"block": "bold", "op": "", "subtotal": "italic", "total": "bold"}
Rows = Sequence[Sequence[str]]


def render(report: Report, width: int = 100) -> str:
    """The table as text without colour."""
    console = Console(file=StringIO(), color_system=None, force_terminal=False)
    show(report, console, width)
    out: Any = console.file
    return str(out.getvalue())


def show(report: Report, console: Console, width: int) -> None:
    """Print title, table, storage and notes `width` columns wide, but never so few that a figure is cut."""
    shown = list(lines.lines(report))
    wide, narrow = main(shown, "wide"), main(shown, "narrow")
    console.width = max(width, natural(narrow))
    table = drawn(shown, wide if natural(wide) <= console.width else narrow, console)
    notes = (Text(note, style="dim") for note in lines.notes(report))
    head = Text(lines.title(report), style="bold")
    console.print(Group(head, Text(), Segments(table), Text(), Segments(storage(report, console)), Text(), *notes))


def main(shown: Sequence[Line], shape: str) -> Rows:
    """The rows, headings first; `narrow` puts the block count behind the block's name."""
    if shape == "wide":
        return padded([*HEADINGS[shape], *((label(x), *x.cells[1:]) for x in shown)], " ")
    counted = (f" {x.blocks.replace(' ', '')}" if x.kind == "block" else "" for x in shown)
    return padded([*HEADINGS[shape], *((label(x) + n, *x.cells[2:]) for x, n in zip(shown, counted, strict=True))])


def label(line: Line) -> str:
    """The line's name; those of operators are indented."""
    name = "".join(x if x.isprintable() else "?" for x in line.name)
    return name if line.kind in ("block", "total") else f"  {name}"


def padded(rows: Rows, after: str = "") -> Rows:
    """The rows with the cells of each column at one width, the first column set left, others right with a blank ahead;
    `after` stands behind all but the last.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    first = [set_cell_size(x, widths[0]) + after for x in columns[0]]
    others = [[f" {x:>{n}}{after}" for x in column] for column, n in zip(columns[1:-1], widths[1:-1], strict=True)]
    last = [f" {x:>{widths[-1]}}" for x in columns[-1]]
    return list(zip(first, *others, last, strict=True))


def natural(rows: Rows) -> int:
    """The columns of a terminal that rows take, with what parts them."""
    return sum(map(cell_len, rows[0])) + len(rows[0]) - 1


def drawn(shown: Sequence[Line], rows: Rows, console: Console) -> Iterator[Segment]:
    """The rows with a rule below the headings, and a blank one below each block."""
    form = box.SIMPLE_HEAD.substitute(console.options, safe=console.safe_box)
    widths = list(map(cell_len, rows[0]))
    for row in rows[:2]:
        yield from cells(row, console, "table.header", form.head_vertical)
    yield from (Segment(form.get_row(widths, "head", edge=False)), Segment.line())
    for line, following, row in zip(shown, [*shown[1:], None], rows[2:], strict=True):
        yield from cells(row, console, STYLES[line.kind], form.mid_vertical)
        if following and following.kind in ("block", "total"):
            yield from (Segment(form.get_row(widths, "row", edge=False)), Segment.line())


def storage(report: Report, console: Console) -> Iterator[Segment]:
    """What has to be kept."""
    for name, size in padded([(name, size.rstrip()) for name, size in lines.storage(report)], " "):
        yield from cells((name, size), console, "bold" if name.startswith("minimum storage") else "", "")


def cells(row: Sequence[str], console: Console, style: str, divider: str) -> Iterator[Segment]:
    """The cells of a line and what parts them."""
    shown = console.get_style(style)
    yield Segment(row[0], shown)
    for cell in row[1:]:
        yield from (Segment(divider), Segment(cell, shown))
    yield Segment.line()
