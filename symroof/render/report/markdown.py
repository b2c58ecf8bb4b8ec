"""A report as GitHub-flavoured Markdown."""

import re
from collections.abc import Sequence

from symroof.model.report import Report
from symroof.render.report.lines import COLUMNS, path_lines, report_notes, report_title, storage_cells

MARKUP = re.compile(r"[\\`*<>|\[\]~$&]|(?<!\w)_|_(?!\w)")
BAR = re.compile(r"(?<!\\)\|")  # of a formula; that of a text is escaped


def report_markdown(report: Report) -> str:
    """Title, operators, storage, notes."""
    operators = markdown_table(COLUMNS, [[markdown_text(cell.strip()) for cell in x.cells] for x in path_lines(report)])
    storage = markdown_table(("Storage", "Bytes"), [[name, size.strip()] for name, size in storage_cells(report)])
    notes = "\n".join(f"- {markdown_text(note)}" for note in report_notes(report))
    return f"**{markdown_text(report_title(report))}**\n\n{operators}\n{storage}\n{notes}\n"


def markdown_text(text: str) -> str:
    """A text in which nothing is markup: names are the user's. An underscore within a word is none."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]], alignment: str = "---:") -> str:
    """A table; `alignment` marks that of all columns but the first."""
    cells = [[BAR.sub(r"\|", cell) for cell in row] for row in rows]
    marks = ["---"] + [alignment] * (len(heads) - 1)
    return "".join(f"| {' | '.join(row)} |\n" for row in [heads, marks, *cells])
