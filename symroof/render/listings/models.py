"""The built-in models as a table."""

from collections.abc import Sequence
from typing import Any

from symroof.errors import shorten
from symroof.render.text_columns import NARROWEST, fit_columns, wrap_line
from symroof.units import iec_cell, si_cell

HEADS = (
    "Model",
    "Family",
    "Parameters",
    "Active",
    "Layers",
    "Context",
    "Cache/token",
    "Full cache",
    "Attention",
    "Grade",
    "Source",
)
NUMBERS = frozenset(HEADS) - {"Model", "Family", "Attention", "Grade", "Source"}
OPTIONAL = ("Source", "Attention", "Family", "Layers", "Active", "Context")  # left out of a narrow table, in this order


def models_table(rows: Sequence[tuple[Any, ...]], width: int = 0) -> str:
    """One row per model; as many of the OPTIONAL columns as fit `width`, 0 for all of them."""
    text, left_out = fit_columns([HEADS, *map(_model_cells, rows)], OPTIONAL, NUMBERS, width)
    note = f"Left out to fit the width: {', '.join(left_out)}; --json has all."
    return f"{text}\n{wrap_line(note, max(width, NARROWEST))}\n" if left_out else text


def _model_cells(row: tuple[Any, ...]) -> tuple[str, ...]:
    name, family, total, active, layers, context, attention, cache, full, grade, source = row
    sizes = (si_cell(total), si_cell(active), str(layers), "-" if context is None else f"{context:,}")
    caches = (iec_cell(cache), "-" if full is None else iec_cell(full))
    return (name, family, *sizes, *caches, shorten(attention, 40), grade, source)
