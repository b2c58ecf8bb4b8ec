"""A report as a rich table that fits the width it is given."""

from io import StringIO
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from symroof.render import lines
from symroof.report import Report

HEADINGS = {
    "wide": ("Node", "Block\ncount", "Compute\n(FLOP)", "Bandwidth\n(weight)", "Bandwidth\n(input)",
             "Bandwidth\n(output)", "Operational\nintensity"),
    "narrow": ("Node", "", "Compute\n(FLOP)", "Weight", "Input", "Output", "FLOP/B"),
}  # fmt: skip
STYLES = {"block": "bold", "op": "", "subtotal": "italic", "total": "bold"}


def render(report: Report, width: int = 100) -> str:
    """The table as text without colour."""
    console = Console(file=StringIO(), width=fitting(report, width), color_system=None, force_terminal=False)
    console.print(layout(report, console.width))
    out: Any = console.file
    return str(out.getvalue())


def fitting(report: Report, width: int) -> int:
    """The width to print at: the one there is, but never so little that a figure is cut."""
    return max(width, natural(main(report, "narrow")))


def layout(report: Report, width: int) -> RenderableType:
    """Title, table, storage and notes for a terminal of `width` columns."""
    wide = main(report, "wide")
    table = wide if natural(wide) <= width else main(report, "narrow")
    notes = (Text(note, style="dim") for note in lines.notes(report))
    return Group(Text(lines.title(report), style="bold"), Text(), table, Text(), storage(report), Text(), *notes)


def natural(table: Table) -> int:
    """The columns a table takes when nothing is folded."""
    return int(Console(width=10**4).measure(table).maximum)


def main(report: Report, shape: str) -> Table:
    """The operators; `narrow` puts the block count behind the block's name."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1 if shape == "wide" else 0, 0, 1))
    narrow = shape == "narrow"
    for i, heading in enumerate(HEADINGS[shape]):
        if not (narrow and i == 1):
            table.add_column(Text(heading, justify="left" if i == 0 else "right"), no_wrap=True)
    shown = list(lines.lines(report))
    titles = [max(map(len, heading.split("\n"))) for heading in HEADINGS[shape]]
    widths = [
        max(title, *map(len, column))
        for title, column in zip(titles, zip(*(x.cells for x in shown), strict=True), strict=True)
    ]
    for line, following in zip(shown, [*shown[1:], None], strict=True):
        name, blocks, *figures = line.cells[:1] + tuple(map(str.rjust, line.cells[1:], widths[1:]))
        label = f"{name} {blocks.replace(' ', '')}" if narrow and line.kind == "block" else name
        label = label if line.kind in ("block", "total") else "  " + label
        cells = [label, *([] if narrow else [blocks]), *figures]
        last = following is None or following.kind in ("block", "total")
        table.add_row(*map(Text, cells), style=STYLES[line.kind], end_section=last)
    return table


def storage(report: Report) -> Table:
    """What has to be kept."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for name, size in lines.storage(report):
        table.add_row(Text(name), Text(size), style="bold" if name == "minimum storage" else "")
    return table
