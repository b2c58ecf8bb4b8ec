"""Models side by side as text, one row per model."""

from symroof.analysis.side_by_side import SideBySide
from symroof.model.report import Report
from symroof.render.phrases import warning_notes
from symroof.render.report.lines import report_title
from symroof.render.text_columns import align_columns, wrap_lines
from symroof.results import ExactFloat
from symroof.units import iec_cell, ratio_text, si_cell

HEADS = (
    "Model",
    "Parameters",
    "Active",
    "Compute (FLOP)",
    "Weights",
    "Input",
    "Output",
    "FLOP/B",
    "Cache/token",
    "Cache",
    "Storage",
)


def side_by_side_text(comparison: SideBySide, width: int = 0) -> str:
    """The totals of every model; one row per figure and one column per model where a row does not fit `width`."""
    rows = [HEADS, *map(_totals, comparison.reports, comparison.cache_per_token)]
    title = report_title(comparison.reports[0]).partition(": ")[2]
    text = align_columns(rows, right=set(range(1, len(HEADS))))
    if width and max(map(len, text.splitlines())) > width:
        text = align_columns(list(zip(*rows, strict=True)), right=set(range(1, len(rows))))
    formats = dict.fromkeys(f"Note: {x}." for report in comparison.reports for x in report.precision.notes)
    growth = "Cache/token: what a further token adds while the cache grows."
    last = wrap_lines((growth, *formats, *warning_notes(comparison.warnings)), width)
    return f"{title}\n\n{text}\n{last}\n"


def _totals(report: Report, cache: int | ExactFloat) -> tuple[str, ...]:
    total, parameters = report.total, report.parameters
    counts = map(si_cell, (parameters.total, parameters.active, total.flops))
    moved = map(iec_cell, (total.weight_read, total.input, total.output))
    stored = map(iec_cell, (cache, report.storage.cache, report.storage.total))
    return (report.model, *counts, *moved, ratio_text(total.intensity), *stored)
