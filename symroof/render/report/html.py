"""A report as an HTML table, for notebooks."""

from html import escape

from symroof.model.report import Report
from symroof.render.report import lines


def render(report: Report) -> str:
    """Title, operators, storage, notes."""
    notes = "".join(f"<p>{escape(note)}</p>" for note in lines.notes(report))
    rows = [(line.cells, line.kind != "op") for line in lines.flat(report)]
    kept: list[tuple[tuple[str, ...], bool]] = [
        ((name, size), name == "minimum storage") for name, size in lines.storage(report)
    ]
    return f"<p><b>{escape(lines.title(report))}</b></p>{table(lines.COLUMNS, rows)}{table((), kept)}{notes}"


def table(heads: tuple[str, ...], rows: list[tuple[tuple[str, ...], bool]]) -> str:
    """Rows of cells, those flagged in bold."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    top = f"<thead><tr>{top}</tr></thead>" if heads else ""
    body = "".join(f"<tr>{''.join(map(cell, row, [flag] * len(row), range(len(row))))}</tr>" for row, flag in rows)
    return f"<table>{top}<tbody>{body}</tbody></table>"


def cell(text: str, bold: bool, column: int) -> str:
    """One cell; figures are flush right and keep their spaces."""
    inner = f"<b>{escape(text)}</b>" if bold else escape(text)
    side = "left" if column == 0 else "right"
    return f'<td style="text-align:{side};white-space:pre">{inner}</td>'
