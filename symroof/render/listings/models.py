"""The built-in models as a table."""

from collections.abc import Sequence
from typing import Any

from symroof.errors import shorten
from symroof.render.text_columns import fit_columns
from symroof.units import iec_cell, si_cell

HEADS = ("Model", "Family", "Parameters", "Active", "Layers", "Context", "Cache/token", "Attention", "Source")
NUMBERS = frozenset(HEADS) - {"Model", "Family", "Attention", "Source"}
OPTIONAL = ("Source", "Attention", "Family", "Layers", "Active")  # left out of a narrow table, in this order


def models_table(rows: Sequence[tuple[Any, ...]], width: int = 0) -> str:
    """One row per model; as many of the OPTIONAL columns as fit `width`, 0 for all of them."""
    text, left_out = fit_columns([HEADS, *map(_model_cells, rows)], OPTIONAL, NUMBERS, width)
    return text + (f"\nLeft out to fit the width: {', '.join(left_out)}; --json has all.\n" if left_out else "")


def _model_cells(row: tuple[Any, ...]) -> tuple[str, ...]:
    name, family, total, active, layers, context, attention, cache, source = row
    sizes = (si_cell(total), si_cell(active), str(layers), "-" if context is None else f"{context:,}", iec_cell(cache))
    return (name, family, *sizes, shorten(attention, 40), source)
