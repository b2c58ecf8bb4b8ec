"""Where a formula in one unknown is positive, negative or zero: runs of numbers on which it keeps its sign.

A whole unknown is solved exactly piece by piece where the formula is piecewise a polynomial of degree 2 at most
(PIECES), or by isolating the roots of a quotient of polynomials (ROOTS); else changes of sign are looked for on a grid
and bracketed to the whole number (BRACKETED). A real unknown: roots are isolated between the points at which branches
of Min and Max meet; else bracketed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sympy import Expr, Symbol, sympify

from symroof.algebra.rootfinding import quadratics as q
from symroof.algebra.rootfinding.bisection import bracketed, grid
from symroof.algebra.rootfinding.rational import breakpoints, by_branches, by_roots, polynomials
from symroof.algebra.rootfinding.segments import read, solved
from symroof.algebra.rootfinding.signs import BRACKETED, PIECES, ROOTS, Run, Signs, joined, overlaid, sign, times
from symroof.errors import SymroofError

MOST_RUNS = 64  # of one formula; what comes after is not looked at


def of_quotient(above: Expr, below: Expr, x: Symbol, first: Any, last: Any) -> Signs:
    """The signs of above / below over a range: of whole numbers where x is whole, else of real ones."""
    find = whole if x.is_integer else real
    if not below.free_symbols:
        return times(find(above, x, first, last), sign(below))
    one, other = find(above, x, first, last), find(below, x, first, last)
    how = max(one.how, other.how, key=(PIECES, ROOTS, BRACKETED).index)
    return Signs(tuple(overlaid(one.runs, other.runs)), how, one.complete and other.complete)


def whole(expr: Expr, x: Symbol, first: int, last: int) -> Signs:
    """The signs over whole numbers from `first` to `last`."""
    try:
        runs, complete = by_pieces(expr, x, first, last)
        return Signs(runs, PIECES, complete)
    except (SymroofError, OverflowError):  # no such formula; or floats that are none of Python's
        pass
    if (quotient := polynomials(expr, x)) is not None:
        return Signs(tuple(joined(by_roots(quotient, first, last))), ROOTS)
    return Signs(tuple(joined(bracketed(expr, x, grid(first, last), True))), BRACKETED)


def by_pieces(expr: Expr, x: Symbol, first: int, last: int) -> tuple[tuple[Run, ...], bool]:
    """The runs of a piecewise polynomial, and whether these are all. Raises SymroofError for other formulas."""
    parts = [part for segment in solved(read(expr, x), first, last) for part in signed(*segment)]
    if all(step == 1 for _, _, step, _ in parts):
        runs = tuple(joined(Run(a, b, which) for a, b, _, which in parts))
        return runs[:MOST_RUNS], len(runs) <= MOST_RUNS
    return interlaced(parts, first, last)


def signed(first: int, last: int, step: int, p: q.Polynomial) -> Iterator[tuple[int, int, int, int]]:
    """(first, last, step, sign) of the stretches of a segment on which its polynomial keeps its sign."""
    for start, end in q.runs(p, first, last, step):
        lead, tail = sign(q.above(p, start)), sign(q.above(p, end))
        if lead == tail:
            yield start, end, step, lead
        else:  # it is 0 at the end
            yield start, end - step, step, lead
            yield end, end, step, tail


def interlaced(parts: Sequence[tuple[int, int, int, int]], first: int, last: int) -> tuple[tuple[Run, ...], bool]:
    """The runs of stretches with steps, and whether these are all."""
    runs: list[Run] = []
    here = first
    while here <= last and len(runs) < MOST_RUNS:
        now = next(w for a, b, step, w in parts if a <= here <= b and (here - a) % step == 0)
        ahead = (following(here, a, b, step) for a, b, step, w in parts if w != now)
        end = min((y for y in ahead if y is not None), default=last + 1) - 1
        runs.append(Run(here, end, now))
        here = end + 1
    return tuple(runs), here > last


def following(here: int, first: int, last: int, step: int) -> int | None:
    """The first number above `here` of a progression."""
    found = first if here < first else here + step - (here - first) % step
    return found if found <= last else None


def real(expr: Expr, x: Symbol, first: Any, last: Any) -> Signs:
    """The signs over real numbers between two positive ones, ends not included."""
    first, last, cut = sympify(first, strict=True), sympify(last, strict=True), breakpoints(expr, x)
    if cut is not None:
        points = [first, *sorted(y for y in cut if first < y < last), last]
        found = list(by_branches(expr, x, points))
        if None not in found:
            return Signs(tuple(joined(run for run in found if run)), ROOTS)
    points = [max(float(first), 1e-30)]
    while points[-1] * 1.15 < float(last):
        points.append(points[-1] * 1.15)
    return Signs(tuple(bracketed(expr, x, [*points, float(last)], False)), BRACKETED)
