"""A report as CSV: one row per operator with the figures of one layer and of all; then the totals."""

import csv
from io import StringIO

from symroof.files import spreadsheet_cell
from symroof.model.report import FIGURES, Report, cost_figures

KEYS = ("path", "role", "layers", "of_layers")


def report_csv(report: Report) -> str:
    """Columns: path, role, layers, of_layers, each figure, then each figure with `_all_layers`."""
    out = StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write([*KEYS, *FIGURES, *(f"{name}_all_layers" for name in FIGURES)])
    for row in report.rows:
        keys = [spreadsheet_cell(str(getattr(row, key))) for key in KEYS]
        write([*keys, *cost_figures(row.cost).values(), *cost_figures(row.all).values()])
    write(["total", "", "", "", *("" for _ in FIGURES), *cost_figures(report.total).values()])
    return out.getvalue()
