"""What the queries of a large batch add up to, in numpy's whole numbers of 64 bits wherever none can overflow."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

from symroof.algebra.arithmetic import SPACE, module
from symroof.cost.batch import Batch

LIMIT = 2**63
BLOCK = 8192  # queries at a time: their numbers stay in the processor's caches


class Inexact(ArithmeticError):
    """A quotient is no whole number."""


@dataclass(frozen=True)
class Range:
    """All whole numbers from `low` to `high`; how large those made of it can be is noted in `peak`."""

    low: int
    high: int
    peak: list[int]

    def _made(self, *ends: int) -> "Range":
        self.peak[0] = max(self.peak[0], *map(abs, ends))
        return Range(min(ends), max(ends), self.peak)

    def __add__(self, other: Any) -> "Range":
        low, high = ends(other)
        return self._made(self.low + low, self.high + high)

    def __sub__(self, other: Any) -> "Range":
        low, high = ends(other)
        return self._made(self.low - high, self.high - low)

    def __rsub__(self, other: int) -> "Range":
        return self._made(other - self.high, other - self.low)

    def __mul__(self, other: Any) -> "Range":
        return self._made(*(x * y for x in (self.low, self.high) for y in ends(other)))

    def __pow__(self, exponent: int) -> "Range":
        return self._made(0, self.low**exponent, self.high**exponent)

    def __floordiv__(self, other: Any) -> "Range":
        return self._made(*(x // y for x in (self.low, self.high) for y in ends(other)))

    __radd__ = __add__
    __rmul__ = __mul__


def ends(x: Any) -> tuple[int, int]:
    """The least and the largest that a number can be."""
    return (x.low, x.high) if isinstance(x, Range) else (x, x)


def picked(pick: Callable[..., int]) -> Callable[..., Any]:
    """The least or largest of some numbers."""

    def run(*found: Any) -> Any:
        peaks = [x.peak for x in found if isinstance(x, Range)]
        low, high = (pick(each) for each in zip(*map(ends, found), strict=True))
        return Range(low, high, peaks[0]) if peaks else low

    return run


RANGES = {
    **SPACE,
    "over": lambda above, below: above // below,
    "__builtins__": {"min": picked(min), "max": picked(max)},
}


@lru_cache(64)
def in_ranges(text: str) -> Callable[..., Any]:
    """What one query adds to each sum, by a program's text, in ranges."""
    return module(text, RANGES)["added"]  # type: ignore[no-any-return]


@lru_cache(64)
def in_arrays(text: str) -> Callable[..., Any]:
    """The same in numpy's arrays. Raises Inexact for a quotient that is no whole number."""
    import numpy

    def over(above: Any, below: Any) -> Any:
        quotient = above // below
        if numpy.any(quotient * below != above):
            raise Inexact
        return quotient

    pick = {"min": lambda *x: reduce(numpy.minimum, x), "max": lambda *x: reduce(numpy.maximum, x)}
    return module(text, {**SPACE, "over": over, "__builtins__": pick})["added"]  # type: ignore[no-any-return]


def sums(text: str, known: tuple[Any, ...], batch: Batch) -> tuple[int, ...] | None:
    """The sums over a batch under a program; None where numpy is not there, or 64 bits are too few."""
    try:
        import numpy

        new, cached = numpy.asarray(batch.new, dtype=numpy.int64), numpy.asarray(batch.cached, dtype=numpy.int64)
    except (ImportError, OverflowError):
        return None
    peak = [0]
    whole = (Range(int(x.min()), int(x.max()), peak) for x in (new, cached))
    summands = [max(map(abs, ends(x))) for x in in_ranges(text)(*whole, *known)]
    if max(peak[0], *(x * BLOCK for x in summands)) >= LIMIT:
        return None
    added, totals = in_arrays(text), [0] * len(summands)
    try:
        for start in range(0, len(new), BLOCK):
            some = new[start : start + BLOCK]
            found = added(some, cached[start : start + BLOCK], *known)
            totals = [x + int(numpy.sum(numpy.broadcast_to(y, some.shape))) for x, y in zip(totals, found, strict=True)]
    except Inexact:
        return None
    return tuple(x * batch.times for x in totals)
