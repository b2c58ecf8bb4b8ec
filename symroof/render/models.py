"""The built-in models as a table."""

from collections.abc import Sequence
from typing import Any

from symroof.errors import shorten
from symroof.render.columns import aligned
from symroof.render.numbers import iec_cell, si_cell

HEAD = ("Model", "Family", "Parameters", "Active", "Layers", "Context", "Cache/token", "Attention", "Source")
SPARED = ("Source", "Attention", "Family", "Layers", "Active")  # where a line is too long, in this order


def table(rows: Sequence[tuple[Any, ...]], width: int = 0) -> str:
    """One line a model; of the columns of SPARED those that fit `width`, 0 for all of them."""
    cells = [HEAD, *map(_cells, rows)]
    for left_out in range(len(SPARED) + 1):
        spared = SPARED[:left_out]
        heads = [x for x in HEAD if x not in spared]
        shown = [[x for x, head in zip(row, HEAD, strict=True) if head not in spared] for row in cells]
        numbers = {i for i, head in enumerate(heads) if head not in ("Model", "Family", "Attention", "Source")}
        text = aligned(shown, right=numbers)
        if not width or max(map(len, text.splitlines())) <= width:
            break
    named = ", ".join(head for head in HEAD if head in spared)
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
