"""Sums and inverses of bound formulas over whole numbers, in closed form.

A formula in one whole number x of numbers, +, *, whole powers, Min, Max and floor is a polynomial of x on each piece of
a range: `polynomial_pieces` finds them, `total_over` sums them by Faulhaber's formulas, `first_at_least` and
`last_at_most` solve them for x, `largest_value` finds where it is largest. Breakpoints are solved for, never scanned,
so that a range of 10^18 numbers costs what one of a hundred does. Arithmetic is exact: a float is taken as the binary
fraction that it is, and only a result is rounded.

Raises SymroofError for any other formula, for a degree above 2, and for a floor of squares or of floats.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

from sympy import Expr, Float, Symbol, sympify

from symroof.algebra.arithmetic import int_if_whole
from symroof.algebra.binding import exact_number
from symroof.algebra.rootfinding import quadratics as q
from symroof.algebra.rootfinding.segments import flat_summands, read_terms, solve_segments
from symroof.errors import SymroofError

Number = Any  # an int or Fraction where the formula is exact, else a float


@dataclass(frozen=True)
class PolynomialPiece:
    """`first`, `first + step`, ..., `last`, where a formula is a0 + a1 x + a2 x^2: `coefficients` in x itself."""

    first: int
    last: int
    step: int
    coefficients: tuple[Number, ...]

    def at(self, x: int) -> Number:
        """The polynomial's value at x."""
        return self._weighted((1, x, x * x))

    @property
    def total(self) -> Number:
        """The sum over the numbers of the piece."""
        return self._weighted(q.power_sums(self.first, self.last, self.step))

    def _weighted(self, weights: Sequence[int]) -> Number:
        exact = sum(Fraction(a) * x for a, x in zip(self.coefficients, weights, strict=True))
        return rounded_result(exact, not any(isinstance(a, float) for a in self.coefficients))


def polynomial_pieces(expr: Expr, x: Symbol, first: int, last: int, step: int = 1) -> tuple[PolynomialPiece, ...]:
    """The formula's pieces, by their first numbers; together they have every `step`-th number of the range once.

    Where floors make residue classes, pieces with a step above 1 interlace. None where first > last.
    """
    exact = is_exact(expr)
    return tuple(
        PolynomialPiece(start, end, step, tuple(rounded_result(Fraction(a, d), exact) for a in above))
        for start, end, step, (*above, d) in solve_segments(read_terms(expr, x), first, last, step)
    )


def total_over(expr: Expr, x: Symbol, first: int, last: int, step: int = 1) -> Number:
    """The formula's sum over every `step`-th whole number from `first` to `last`; 0 where there are none.

    Terms of a sum are summed separately, so that a floor splits only its term.
    """
    term = read_terms(expr, x)
    parts = (part for summand in flat_summands(term) for part in solve_segments(summand, first, last, step))
    return rounded_result(sum((q.sum_over_progression(*part) for part in parts), Fraction(0)), is_exact(expr))


def first_at_least(expr: Expr, x: Symbol, bound: Number, first: int, last: int) -> int | None:
    """The smallest x of the range at which the formula is `bound` or more; None where there is none."""
    return first_where(expr, x, bound, (first, last), lambda above: above >= 0)


def last_at_most(expr: Expr, x: Symbol, bound: Number, first: int, last: int) -> int | None:
    """The largest x of the range such that the formula is `bound` at most there and at all numbers before.

    None where it is more at `first` already, or where the range is empty.
    """
    exceeded = first_where(expr, x, bound, (first, last), lambda above: above > 0)
    end = last if exceeded is None else exceeded - 1
    return end if end >= first else None


def largest_value(parts: Iterable[PolynomialPiece]) -> tuple[Number, int]:
    """The largest value of a formula, given by its pieces, and the last number at which it has it."""
    return max((piece.at(y), y) for piece in parts for y in largest_candidates(piece))


def largest_candidates(piece: PolynomialPiece) -> Iterator[int]:
    """Numbers of a piece among which is the one with its largest value: its ends, and those beside a vertex."""
    _, slope, square = map(Fraction, piece.coefficients)
    yield from (piece.first, piece.last)
    if square < 0:
        below = piece.first + floor((-slope / (2 * square) - piece.first) / piece.step) * piece.step
        yield from (y for y in (below, below + piece.step) if piece.first <= y <= piece.last)


def first_where(
    expr: Expr, x: Symbol, bound: Number, ends: tuple[int, int], passes: Callable[[int], bool]
) -> int | None:
    """The smallest x of the range at which the sign of the formula less `bound` passes a test."""
    limit, earliest = q.constant_polynomial(finite_bound(bound)), None
    for first, last, step, p in solve_segments(read_terms(expr, x), *ends):
        if earliest is not None and earliest <= first:
            break
        excess = q.subtract_polynomials(p, limit)
        points = (point for run in q.sign_stretches(excess, first, last, step) for point in run)
        hit = next((point for point in points if passes(q.numerator_at(excess, point))), None)
        earliest = hit if earliest is None or (hit is not None and hit < earliest) else earliest
    return earliest


def rounded_result(value: Fraction | int, exact: bool) -> Number:
    """A result as it is given back: an int or Fraction, or a float."""
    return int_if_whole(Fraction(value)) if exact else float(value)


def finite_bound(bound: Number) -> int | Fraction | float:
    """A bound as a number; raises SymroofError for an infinite one."""
    value = exact_number(bound)
    if value - value != 0:
        raise SymroofError(f"a bound of {value}: give a finite one")
    return value  # type: ignore[no-any-return]


def is_exact(expr: Expr) -> bool:
    """Whether a formula has no float in it."""
    return not sympify(expr, strict=True).has(Float)
