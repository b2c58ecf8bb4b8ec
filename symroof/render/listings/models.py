"""The built-in models as a table."""

from collections.abc import Sequence
from typing import Any

from symroof.errors import shorten
from symroof.render.text_columns import fitting
from symroof.units import iec_cell, si_cell

HEAD = ("Model", "Family", "Parameters", "Active", "Layers", "Context", "Cache/token", "Attention", "Source")
NUMBERS = frozenset(HEAD) - {"Model", "Family", "Attention", "Source"}
SPARED = ("Source", "Attention", "Family", "Layers", "Active")  # where a line is too long, in this order


def table(rows: Sequence[tuple[Any, ...]], width: int = 0) -> str:
    """One line a model; of the columns of SPARED those that fit `width`, 0 for all of them."""
    text, left_out = fitting([HEAD, *map(_cells, rows)], SPARED, NUMBERS, width)
    named = ", ".join(left_out)
    return text + (f"\nLeft out for want of room: {named}; --json has all.\n" if named else "")


def _cells(row: tuple[Any, ...]) -> tuple[str, ...]:
    name, family, total, active, layers, context, attention, cache, source = row
    longest = "-" if context is None else f"{context:,}"
    return (
        name,
        family,
        si_cell(total),
        si_cell(active),
        str(layers),
        longest,
        iec_cell(cache),
        shorten(attention, 40),
        source,
    )
