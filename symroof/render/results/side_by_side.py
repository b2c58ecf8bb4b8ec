"""Models side by side as text, one line each."""

from fractions import Fraction

from symroof.analysis.side_by_side import Lineup
from symroof.model.report import Report
from symroof.render.report import lines
from symroof.render.text_columns import aligned
from symroof.units import iec_cell, ratio, si_cell

HEAD = (
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


def render(found: Lineup, width: int = 0) -> str:
    """The totals of every model; with figures as lines and models as columns where a line does not fit `width`."""
    rows = [HEAD, *map(_cells, found.reports, found.cache_per_token)]
    title = lines.title(found.reports[0]).partition(": ")[2]
    text = aligned(rows, right=set(range(1, len(HEAD))))
    if width and max(map(len, text.splitlines())) > width:
        text = aligned(list(zip(*rows, strict=True)), right=set(range(1, len(rows))))
    return f"{title}\n\n{text}\nCache/token: what each further token adds once all windows are full.\n"


def _cells(report: Report, cache: Fraction) -> tuple[str, ...]:
    total = report.total
    moved = map(iec_cell, (total.weight_read, total.input, total.output))
    return (
        report.model,
        si_cell(report.parameters.total),
        si_cell(report.parameters.active),
        si_cell(total.flops),
        *moved,
        ratio(total.intensity),
        *map(iec_cell, (cache, report.storage.cache, report.storage.total)),
    )
