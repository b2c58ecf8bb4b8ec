"""Where a formula in one unknown is positive, negative or zero: runs of numbers on which it keeps its sign.

A whole unknown is solved exactly piece by piece where the formula is piecewise a polynomial of degree 2 at most
(PIECES), or by isolating the roots of a quotient of polynomials (ROOTS); else changes of sign are looked for on a grid
and bracketed to the whole number (BRACKETED). A real unknown: roots are isolated between the points at which branches
of Min and Max meet; else bracketed.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sympy import Expr, Symbol, sympify

from symroof.algebra.rootfinding import quadratics as q
from symroof.algebra.rootfinding.bisection import bracket_runs, grid_points
from symroof.algebra.rootfinding.rational import branch_points, quotient_of_polynomials, runs_by_branches, runs_by_roots
from symroof.algebra.rootfinding.segments import read_terms, solve_segments
from symroof.algebra.rootfinding.signs import (
    BRACKETED,
    PIECES,
    ROOTS,
    Run,
    Signs,
    join_runs,
    multiply_signs,
    quotient_signs,
    sign,
)
from symroof.errors import SymroofError
from symroof.symbols import takes_whole_numbers

MOST_RUNS = 64  # of one formula; what comes after is not looked at


def quotient_signs_over(above: Expr, below: Expr, x: Symbol, first: Any, last: Any) -> Signs:
    """The signs of above / below over a range: of whole numbers where x is whole, else of real ones."""
    find = whole_signs if takes_whole_numbers(x) else real_signs
    if not below.free_symbols:
        return multiply_signs(find(above, x, first, last), sign(below))
    one, other = find(above, x, first, last), find(below, x, first, last)
    how = max(one.how, other.how, key=(PIECES, ROOTS, BRACKETED).index)
    return Signs(tuple(quotient_signs(one.runs, other.runs)), how, one.complete and other.complete)


def whole_signs(expr: Expr, x: Symbol, first: int, last: int) -> Signs:
    """The signs over whole numbers from `first` to `last`."""
    try:
        runs, complete = signs_by_pieces(expr, x, first, last)
        return Signs(runs, PIECES, complete)
    except (SymroofError, OverflowError):  # no such formula; or floats that are none of Python's
        pass
    if (quotient := quotient_of_polynomials(expr, x)) is not None:
        return Signs(tuple(join_runs(runs_by_roots(quotient, first, last))), ROOTS)
    return bracketed_signs(expr, x, grid_points(first, last), True)


def bracketed_signs(expr: Expr, x: Symbol, points: Sequence[Any], by_one: bool) -> Signs:
    """The signs between points of a grid, each change bracketed."""
    runs = tuple(islice(join_runs(bracket_runs(expr, x, points, by_one)), MOST_RUNS + 1))
    return Signs(runs[:MOST_RUNS], BRACKETED, len(runs) <= MOST_RUNS)


def signs_by_pieces(expr: Expr, x: Symbol, first: int, last: int) -> tuple[tuple[Run, ...], bool]:
    """The runs of a piecewise polynomial, and whether these are all. Raises SymroofError for other formulas."""
    parts = [part for segment in solve_segments(read_terms(expr, x), first, last) for part in piece_signs(*segment)]
    if all(step == 1 for _, _, step, _ in parts):
        runs = tuple(join_runs(Run(a, b, which) for a, b, _, which in parts))
        return runs[:MOST_RUNS], len(runs) <= MOST_RUNS
    return interlaced_runs(parts, first, last)


def piece_signs(first: int, last: int, step: int, p: q.Polynomial) -> Iterator[tuple[int, int, int, int]]:
    """(first, last, step, sign) of the stretches of a segment on which its polynomial keeps its sign."""
    for start, end in q.sign_stretches(p, first, last, step):
        lead, tail = sign(q.numerator_at(p, start)), sign(q.numerator_at(p, end))
        if lead == tail:
            yield start, end, step, lead
        else:  # it is 0 at the end
            yield start, end - step, step, lead
            yield end, end, step, tail


def interlaced_runs(parts: Sequence[tuple[int, int, int, int]], first: int, last: int) -> tuple[tuple[Run, ...], bool]:
    """The runs of stretches with steps, and whether these are all."""
    runs: list[Run] = []
    here = first
    while here <= last and len(runs) < MOST_RUNS:
        now = next(w for a, b, step, w in parts if a <= here <= b and (here - a) % step == 0)
        ahead = (next_of_progression(here, a, b, step) for a, b, step, w in parts if w != now)
        end = min((y for y in ahead if y is not None), default=last + 1) - 1
        runs.append(Run(here, end, now))
        here = end + 1
    return tuple(runs), here > last


def next_of_progression(here: int, first: int, last: int, step: int) -> int | None:
    """The first number above `here` of a progression."""
    following = first if here < first else here + step - (here - first) % step
    return following if following <= last else None


def real_signs(expr: Expr, x: Symbol, first: Any, last: Any) -> Signs:
    """The signs over real numbers between two positive ones, ends not included."""
    first, last, cut = sympify(first, strict=True), sympify(last, strict=True), branch_points(expr, x)
    if cut is not None:
        points = [first, *sorted(y for y in cut if first < y < last), last]
        runs = list(runs_by_branches(expr, x, points))
        if None not in runs:
            return Signs(tuple(join_runs(run for run in runs if run)), ROOTS)
    points = [max(float(first), 1e-30)]
    while points[-1] * 1.15 < float(last):
        points.append(points[-1] * 1.15)
    return bracketed_signs(expr, x, [*points, float(last)], False)
