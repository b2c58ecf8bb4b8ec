"""Sums over the queries of a large batch with numpy's 64-bit integers, if no intermediate value can overflow."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

from symroof.algebra.arithmetic import SPACE, definitions_in
from symroof.cost.batch import Batch

LIMIT = 2**63
BLOCK = 8192  # queries at a time: the arrays fit the CPU's caches


class Inexact(ArithmeticError):
    """A quotient is not an integer."""


@dataclass(frozen=True)
class Range:
    """All integers from `low` to `high`; `peak` records the largest absolute value of any result computed from them."""

    low: int
    high: int
    peak: list[int]

    def _spanning(self, *ends: int) -> "Range":
        self.peak[0] = max(self.peak[0], *map(abs, ends))
        return Range(min(ends), max(ends), self.peak)

    def __add__(self, other: Any) -> "Range":
        low, high = bounds(other)
        return self._spanning(self.low + low, self.high + high)

    def __sub__(self, other: Any) -> "Range":
        low, high = bounds(other)
        return self._spanning(self.low - high, self.high - low)

    def __rsub__(self, other: int) -> "Range":
        return self._spanning(other - self.high, other - self.low)

    def __mul__(self, other: Any) -> "Range":
        return self._spanning(*(x * y for x in (self.low, self.high) for y in bounds(other)))

    def __pow__(self, exponent: int) -> "Range":
        return self._spanning(0, self.low**exponent, self.high**exponent)

    def __floordiv__(self, other: Any) -> "Range":
        return self._spanning(*(x // y for x in (self.low, self.high) for y in bounds(other)))

    __radd__ = __add__
    __rmul__ = __mul__


def bounds(x: Any) -> tuple[int, int]:
    """The least and the largest value of a number or range."""
    return (x.low, x.high) if isinstance(x, Range) else (x, x)


def extremum_of(pick: Callable[..., int]) -> Callable[..., Any]:
    """`min` or `max` (`pick`) of numbers and ranges."""

    def extremum(*numbers: Any) -> Any:
        peaks = [x.peak for x in numbers if isinstance(x, Range)]
        low, high = map(pick, zip(*map(bounds, numbers), strict=True))
        return Range(low, high, peaks[0]) if peaks else low

    return extremum


RANGES = {
    **SPACE,
    "over": lambda above, below: above // below,
    "__builtins__": {"min": extremum_of(min), "max": extremum_of(max)},
}


@lru_cache(64)
def range_program(text: str) -> Callable[..., Any]:
    """A program's `per_query` (what one query adds to each sum), evaluated on ranges."""
    return definitions_in(text, RANGES)["per_query"]  # type: ignore[no-any-return]


@lru_cache(64)
def array_program(text: str) -> Callable[..., Any]:
    """A program's `per_query`, evaluated on numpy arrays. Raises Inexact for a quotient that is not an integer."""
    import numpy

    def over(above: Any, below: Any) -> Any:
        quotient = above // below
        if numpy.any(quotient * below != above):
            raise Inexact
        return quotient

    pick = {"min": lambda *x: reduce(numpy.minimum, x), "max": lambda *x: reduce(numpy.maximum, x)}
    return definitions_in(text, {**SPACE, "over": over, "__builtins__": pick})["per_query"]  # type: ignore[no-any-return]


def array_sums(text: str, known: tuple[Any, ...], batch: Batch) -> tuple[int, ...] | None:
    """The sums over a batch by a program's text; None where numpy is not installed, or 64 bits do not suffice."""
    try:
        import numpy

        new, cached = numpy.asarray(batch.new, dtype=numpy.int64), numpy.asarray(batch.cached, dtype=numpy.int64)
    except (ImportError, OverflowError):
        return None
    if may_overflow(text, known, new, cached):
        return None
    try:
        return tuple(x * batch.times for x in array_sums_by_block(text, known, new, cached))
    except Inexact:
        return None


def may_overflow(text: str, known: tuple[Any, ...], new: Any, cached: Any) -> bool:
    """Whether any value, or the sum over a block of queries, can exceed 64 bits."""
    peak = [0]
    ranges = (Range(int(x.min()), int(x.max()), peak) for x in (new, cached))
    summands = [max(map(abs, bounds(x))) for x in range_program(text)(*ranges, *known)]
    return max([*peak, *(x * BLOCK for x in summands)]) >= LIMIT


def array_sums_by_block(text: str, known: tuple[Any, ...], new: Any, cached: Any) -> list[int]:
    """The sums over queries given as arrays, in blocks; totals are Python integers. Raises Inexact."""
    import numpy

    per_query, blocks = array_program(text), []
    for start in range(0, len(new), BLOCK):
        some = new[start : start + BLOCK]
        summands = per_query(some, cached[start : start + BLOCK], *known)
        blocks.append([int(numpy.sum(numpy.broadcast_to(y, some.shape))) for y in summands])
    return [sum(column) for column in zip(*blocks, strict=True)]
