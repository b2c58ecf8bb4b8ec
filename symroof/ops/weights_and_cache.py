"""What operators have in memory: weights, entries of a cache."""

from typing import Any

from sympy import Expr

from symroof.cost.cost import Cost


def stored_weights(size: Any) -> Cost:
    """Weights of `size` bytes: read once per step, and held."""
    return Cost(weight_read=size, weight_held=size)


def cache_entries(read: Any, new: Any, held: Any, size: Expr) -> Cost:
    """Entries of `size` bytes in a cache: those a step reads, those it appends, and all that are held after it."""
    return Cost(cache_read=read * size, cache_write=new * size, cache_held=held * size)
