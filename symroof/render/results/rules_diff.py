"""A comparison of two sets of rules as text: figures side by side, reasons as numbered notes."""

from collections.abc import Sequence
from typing import Any

from symroof.analysis.rules_diff import Comparison
from symroof.cost.cost import Cost
from symroof.render.phrases import warning_notes
from symroof.render.report.lines import report_title, storage_cells
from symroof.render.text_columns import align_columns, hanging_text, wrap_line
from symroof.units import iec_cell, si_cell

HEADS = ("Operator, all layers", "Compute (1)", "Compute (2)", "Bytes (1)", "Bytes (2)", "Why")


def comparison_text(comparison: Comparison, width: int = 0) -> str:
    """Every operator under both sets, all its layers; `width` wraps the notes, 0 leaves them on one line."""
    ours, theirs = (", ".join(x.rules) for x in (comparison.ours, comparison.theirs))
    reasons = list(dict.fromkeys(why for row in comparison.rows for why in row.why))
    notes = [hanging_text(f"[{i}] ", why, width).rstrip("\n") for i, why in enumerate(reasons, 1)]
    head = f"{report_title(comparison.ours)}\n(1) {ours}   (2) {theirs}   Compute in FLOP, bytes moved.\n"
    storage = align_columns(storage_rows(comparison), right={1, 2})
    warnings = [wrap_line(x, width) for x in warning_notes(comparison.ours.warnings)]
    return "\n".join([head, operator_rows(comparison, reasons), storage, *notes, *warnings]) + "\n"


def operator_rows(comparison: Comparison, reasons: Sequence[str]) -> str:
    """Operators and their total, with the numbers of the reasons."""
    rows = [
        (row.path, *compute_and_bytes(row.ours, row.theirs), " ".join(f"[{reasons.index(x) + 1}]" for x in row.why))
        for row in comparison.rows
    ]
    total = ("total", *compute_and_bytes(comparison.ours.total, comparison.theirs.total), "")
    return align_columns([HEADS, *rows, total], right={1, 2, 3, 4})


def compute_and_bytes(ours: Cost | None, theirs: Cost | None) -> tuple[str, ...]:
    """FLOP under both sets, then bytes moved under both."""
    return (*_both(ours, theirs, lambda x: si_cell(x.flops)), *_both(ours, theirs, lambda x: iec_cell(x.moved)))


def _both(ours: Cost | None, theirs: Cost | None, cell: Any) -> tuple[str, ...]:
    return tuple("-" if x is None else cell(x) for x in (ours, theirs))


def storage_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """The parts of the minimum storage under both sets."""
    ours, theirs = (dict(storage_cells(x)) for x in (comparison.ours, comparison.theirs))
    parts = sorted({**ours, **theirs}, key=lambda x: x == "minimum storage")
    return [(part, ours.get(part, "-"), theirs.get(part, "-")) for part in parts]
