"""A report as GitHub-flavoured Markdown."""

from symroof.model.report import Report
from symroof.render.report import lines


def render(report: Report) -> str:
    """Title, operators, storage, notes."""
    rows = [[cell.strip() for cell in line.cells] for line in lines.flat(report)]
    kept = [[name, size.strip()] for name, size in lines.storage(report)]
    notes = "\n".join(f"- {note}" for note in lines.notes(report))
    return f"**{lines.title(report)}**\n\n{table(lines.COLUMNS, rows)}\n{table(('Storage', 'Bytes'), kept)}\n{notes}\n"


def table(heads: tuple[str, ...], rows: list[list[str]], rest: str = "---:") -> str:
    """A table whose first column is flush left; `rest` marks how the others are."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    marks = ["---"] + [rest] * (len(heads) - 1)
    return "".join(f"| {' | '.join(row)} |\n" for row in [list(heads), marks, *cells])
