"""A report as GitHub-flavoured Markdown."""

from collections.abc import Sequence

from symroof.model.report import Report
from symroof.render.report.lines import COLUMNS, path_lines, report_notes, report_title, storage_cells


def report_markdown(report: Report) -> str:
    """Title, operators, storage, notes."""
    operators = markdown_table(COLUMNS, [[cell.strip() for cell in line.cells] for line in path_lines(report)])
    storage = markdown_table(("Storage", "Bytes"), [[name, size.strip()] for name, size in storage_cells(report)])
    notes = "\n".join(f"- {note}" for note in report_notes(report))
    return f"**{report_title(report)}**\n\n{operators}\n{storage}\n{notes}\n"


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]], alignment: str = "---:") -> str:
    """A table; `alignment` marks that of all columns but the first."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    marks = ["---"] + [alignment] * (len(heads) - 1)
    return "".join(f"| {' | '.join(row)} |\n" for row in [heads, marks, *cells])
