"""A report as a LaTeX array, which notebooks display."""

from symroof.model.report import Report
from symroof.render.report import lines

HEADS = ("node", "blocks", "FLOP", "weight", "input", "output", "FLOP/B")


def render(report: Report) -> str:
    """The operators and totals."""
    rows = [HEADS, *(line.cells for line in lines.flat(report))]
    body = " \\\\\n".join(" & ".join(map(text, row)) for row in rows)
    return f"$$\\begin{{array}}{{l{'r' * (len(HEADS) - 1)}}}\n{body}\n\\end{{array}}$$"


def text(cell: str) -> str:
    """A cell in upright type."""
    escaped = "".join("\\" + c if c in "_%&#$" else c for c in cell.strip())
    return f"\\text{{{escaped}}}"
