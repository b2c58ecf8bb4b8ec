"""A report as a LaTeX array, which notebooks display."""

from symroof.model.report import Report
from symroof.render.report.lines import path_lines

LATEX = {
    **{c: f"\\{c}" for c in "_%&#${}"},
    "\\": "\\textbackslash{}",
    "^": "\\textasciicircum{}",
    "~": "\\textasciitilde{}",
}
HEADS = ("node", "blocks", "FLOP", "weight", "input", "output", "FLOP/B")


def report_latex(report: Report) -> str:
    """The operators and totals."""
    rows = [HEADS, *(line.cells for line in path_lines(report))]
    body = " \\\\\n".join(" & ".join(map(upright_latex, row)) for row in rows)
    return f"$$\\begin{{array}}{{l{'r' * (len(HEADS) - 1)}}}\n{body}\n\\end{{array}}$$"


def upright_latex(text: str) -> str:
    """A text in upright type."""
    escaped = "".join(LATEX.get(c, c) for c in text.strip())
    return f"\\text{{{escaped}}}"
