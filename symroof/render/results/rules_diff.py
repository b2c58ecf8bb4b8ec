"""A comparison of two sets of rules as text: figures side by side, reasons as numbered notes."""

from itertools import zip_longest
from textwrap import wrap
from typing import Any

from symroof.analysis.rules_diff import Comparison
from symroof.cost.cost import Cost
from symroof.render.report import lines
from symroof.render.text_columns import aligned
from symroof.units import iec_cell, si_cell


def render(comparison: Comparison, width: int = 0) -> str:
    """Every operator under both sets, all its layers; `width` folds the notes, 0 leaves them on one line."""
    names = [", ".join(x.rules) for x in (comparison.ours, comparison.theirs)]
    reasons = list(dict.fromkeys(why for row in comparison.rows for why in row.why))
    head = ("Operator, all layers", "Compute (1)", "Compute (2)", "Bytes (1)", "Bytes (2)", "Why")
    rows = [
        (row.path, *cells(row.ours, row.theirs), " ".join(f"[{reasons.index(why) + 1}]" for why in row.why))
        for row in comparison.rows
    ]
    total = ("total", *cells(comparison.ours.total, comparison.theirs.total), "")
    return (
        "\n".join(
            [
                lines.title(comparison.ours),
                f"(1) {names[0]}   (2) {names[1]}   Compute in FLOP, bytes moved.\n",
                aligned([head, *rows, total], right={1, 2, 3, 4}),
                aligned(storage(comparison), right={1, 2}),
                *(note(i, why, width) for i, why in enumerate(reasons, 1)),
            ]
        )
        + "\n"
    )


def cells(ours: Cost | None, theirs: Cost | None) -> tuple[str, ...]:
    """Compute and bytes moved, each under both sets."""
    return (*_both(ours, theirs, lambda x: si_cell(x.flops)), *_both(ours, theirs, lambda x: iec_cell(x.moved)))


def _both(ours: Cost | None, theirs: Cost | None, figure: Any) -> tuple[str, str]:
    left, right = ("-" if x is None else figure(x) for x in (ours, theirs))
    return left, right


def storage(comparison: Comparison) -> list[tuple[str, ...]]:
    """The parts of the minimum storage under both sets."""
    left, right = dict(lines.storage(comparison.ours)), dict(lines.storage(comparison.theirs))
    parts = sorted({**left, **right}, key=lambda x: x == "minimum storage")
    return [(part, left.get(part, "-"), right.get(part, "-")) for part in parts]


def note(number: int, why: str, width: int) -> str:
    """A reason under its number, folded to `width`."""
    tag = f"[{number}] "
    folded = wrap(why, width - len(tag), break_long_words=False, break_on_hyphens=False) if width else [why]
    return "\n".join(a + b for a, b in zip_longest([tag], folded, fillvalue=" " * len(tag)))
