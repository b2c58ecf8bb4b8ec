"""A report as an HTML table, for notebooks."""

from collections.abc import Sequence
from html import escape

from symroof.model.report import Report
from symroof.render.report.lines import COLUMNS, path_lines, report_notes, report_title, storage_cells


def report_html(report: Report) -> str:
    """Title, operators, storage, notes."""
    title = f"<p><b>{escape(report_title(report))}</b></p>"
    operators = html_table([(line.cells, line.kind != "op") for line in path_lines(report)], COLUMNS)
    storage = html_table([(row, row[0] == "minimum storage") for row in storage_cells(report)])
    return title + operators + storage + "".join(f"<p>{escape(note)}</p>" for note in report_notes(report))


def html_table(rows: Sequence[tuple[Sequence[str], bool]], heads: Sequence[str] = ()) -> str:
    """Rows of cells, flagged ones in bold."""
    head_cells = "".join(f"<th>{escape(head)}</th>" for head in heads)
    head_row = f"<thead><tr>{head_cells}</tr></thead>" if heads else ""
    body = "".join(f"<tr>{''.join(html_cell(x, bold, i) for i, x in enumerate(row))}</tr>" for row, bold in rows)
    return f"<table>{head_row}<tbody>{body}</tbody></table>"


def html_cell(text: str, bold: bool, column: int) -> str:
    """One cell; figures are right-aligned, with all their spaces."""
    inner = f"<b>{escape(text)}</b>" if bold else escape(text)
    side = "left" if column == 0 else "right"
    return f'<td style="text-align:{side};white-space:pre">{inner}</td>'
