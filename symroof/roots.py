"""Where a formula in one unknown is positive, negative or zero: runs of numbers on which it keeps its sign.

A whole unknown is solved exactly piece by piece where the formula is piecewise a polynomial of degree 2 at most
(PIECES), or by isolating the roots of a quotient of polynomials (ROOTS); else changes of sign are looked for on a grid
and bracketed to the whole number (BRACKETED). A real unknown: roots are isolated between the points at which branches
of Min and Max meet; else bracketed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations, pairwise
from math import ceil, floor, isfinite
from typing import Any

from sympy import (
    Add,
    Expr,
    Float,
    Max,
    Min,
    Mul,
    Poly,
    Pow,
    Rational,
    Symbol,
    ceiling,
    fraction,
    lambdify,
    sympify,
    together,
)
from sympy import floor as floor_of

from symroof import quadratics as q
from symroof.decimals import DIGITS, MANY, evaluator
from symroof.errors import SymroofError
from symroof.segments import read, solved

PIECES, ROOTS, BRACKETED = "piece by piece", "roots isolated", "bracketed"
MOST_RUNS = 64  # of one formula; what comes after is not looked at
MOST_DEGREE = 12
HALVINGS = 100
FINE = 1e-9  # part of the terms' sum below which floats do not tell a sum's sign


@dataclass(frozen=True)
class Run:
    """Numbers from `first` to `last` at which a formula's sign is -1, 0 or 1; None where it has no value.

    Whole ones include both ends. Real ones are points where both are the same, else without their ends.
    """

    first: Any
    last: Any
    sign: int | None


@dataclass(frozen=True)
class Signs:
    """The runs of a range from its start, how they were found; where there are too many, the first ones only."""

    runs: tuple[Run, ...]
    how: str
    complete: bool = True


def of_quotient(above: Expr, below: Expr, x: Symbol, first: Any, last: Any) -> Signs:
    """The signs of above / below over a range: of whole numbers where x is whole, else of real ones."""
    find = whole if x.is_integer else real
    if not below.free_symbols:
        return times(find(above, x, first, last), sign(below))
    one, other = find(above, x, first, last), find(below, x, first, last)
    how = max(one.how, other.how, key=(PIECES, ROOTS, BRACKETED).index)
    return Signs(tuple(overlaid(one.runs, other.runs)), how, one.complete and other.complete)


def sign(value: Any) -> int:
    """-1, 0 or 1."""
    return int(bool(value > 0)) - int(bool(value < 0))


def times(found: Signs, factor: int) -> Signs:
    """The signs of a formula times a number of that sign."""
    runs = (Run(x.first, x.last, None if x.sign is None or not factor else x.sign * factor) for x in found.runs)
    return Signs(tuple(joined(runs)), found.how, found.complete)


def overlaid(one: Sequence[Run], other: Sequence[Run]) -> Iterator[Run]:
    """The runs of a quotient, by those of its numerator and denominator; none where the latter is 0."""
    i = j = 0
    found: list[Run] = []
    while i < len(one) and j < len(other):
        a, b = one[i], other[j]
        last = min(a.last, b.last)
        both = None if a.sign is None or not b.sign else a.sign * b.sign
        found.append(Run(max(a.first, b.first), last, both))
        i, j = i + (a.last == last), j + (b.last == last)
    return joined(found)


def joined(runs: Iterable[Run]) -> Iterator[Run]:
    """Runs with neighbours of one sign made one."""
    before: Run | None = None
    for run in runs:
        if before and before.sign == run.sign:
            before = Run(before.first, run.last, run.sign)
            continue
        if before:
            yield before
        before = run
    if before:
        yield before


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


Quotient = tuple[Poly, Poly]


def polynomials(expr: Expr, x: Symbol) -> Quotient | None:
    """Numerator and denominator of a formula as polynomials of a moderate degree; None where it is no such quotient."""
    degree = degrees(expr, x)
    if degree is None or max(degree) > MOST_DEGREE:
        return None
    exact = expr.xreplace({y: Rational(y) for y in expr.atoms(Float)})
    above, below = fraction(together(exact))
    return Poly(above, x), Poly(below, x)


def degrees(expr: Expr, x: Symbol) -> tuple[int, int] | None:
    """Bounds on the degrees of a formula's numerator and denominator; None where it is no quotient of polynomials."""
    if not expr.has(x):
        return 0, 0
    if expr == x:
        return 1, 0
    parts = [degrees(y, x) for y in expr.args]
    if isinstance(expr, Pow):
        if not expr.exp.is_Integer or parts[0] is None:
            return None
        above, below = (abs(int(expr.exp)) * y for y in parts[0])
        return (above, below) if expr.exp > 0 else (below, above)
    if not isinstance(expr, Add | Mul) or None in parts:
        return None
    known = [y for y in parts if y is not None]
    below = sum(y[1] for y in known)
    if isinstance(expr, Mul):
        return sum(y[0] for y in known), below
    return max(y[0] + below - y[1] for y in known), below


def value(poly: Poly, y: Fraction) -> Fraction:
    """A polynomial's value."""
    found = Fraction(0)
    for a in poly.all_coeffs():
        found = found * y + Fraction(int(a.p), int(a.q))
    return found


def sign_at(quotient: Quotient, y: Any) -> int | None:
    """The sign of a quotient at a number; None where it divides by 0."""
    above, below = (sign(value(poly, Fraction(y))) for poly in quotient)
    return above * below if below else None


def by_roots(quotient: Quotient, first: int, last: int) -> Iterator[Run]:
    """The runs of a quotient over whole numbers: its sign may change at those next to roots only."""
    near = {first, last}
    for poly in quotient:
        if poly.degree() > 0:
            for (low, high), _ in poly.intervals(eps=Rational(1, 4)):
                near |= {y for y in range(floor(low), ceil(high) + 1) if first <= y <= last}
    points = sorted(near)
    for y, after in zip(points, [*points[1:], None], strict=True):
        yield Run(y, y, sign_at(quotient, y))
        if after is not None and after > y + 1:
            yield Run(y + 1, after - 1, sign_at(quotient, y + 1))


At = Callable[[Any], int | None]


def precise(expr: Expr, x: Symbol) -> At:
    """A function of a number that returns the formula's sign to many digits; None where it has no value."""

    run = evaluator(expr, x)

    def at(y: Any) -> int | None:
        found = run(y)
        return None if found is None else sign(found)

    return at


def sampler(expr: Expr, x: Symbol) -> At:
    """The same in floats, and in many digits only where those do not tell."""
    otherwise = precise(expr, x)
    if expr.has(floor_of, ceiling):  # which jump where floats only come near
        return otherwise
    run = lambdify([x], list(Add.make_args(expr)), modules="math", cse=True)

    def at(y: Any) -> int | None:
        try:
            found = [float(term) for term in run(float(y))]
        except (ArithmeticError, ValueError, TypeError):
            return otherwise(y)
        total, size = sum(found), sum(map(abs, found))
        return sign(total) if isfinite(size) and abs(total) > FINE * size else otherwise(y)

    return at


def grid(first: int, last: int) -> list[int]:
    """Whole numbers to look at: the first ones, then in steps of a tenth, and the last."""
    found = list(range(first, min(first + 300, last + 1)))
    while found[-1] * 11 // 10 < last:
        found.append(max(found[-1] * 11 // 10, found[-1] + 1))
    return found if found[-1] == last else [*found, last]


def bracketed(expr: Expr, x: Symbol, points: Sequence[Any], by_one: bool) -> Iterator[Run]:
    """The runs of a formula whose changes of sign between points of a grid are bracketed: to 1, or to many digits."""
    sampled, at = sampler(expr, x), precise(expr, x)
    start, here, now = points[0], points[0], sampled(points[0])
    for point in points[1:]:
        target = sampled(point)
        while now != target:
            low, high = halved(at, here, point, now, by_one)
            yield Run(start, low, now)
            if not by_one:
                yield Run(low, low, None if None in (now, target) else 0)
                start, now = low, target
                break
            start, here, now = high, high, at(high)
        here = point
    yield Run(start, points[-1], now)


def halved(at: At, low: Any, high: Any, now: int | None, by_one: bool) -> tuple[Any, Any]:
    """The last number with a sign and the first with another, for a change between two numbers."""
    while by_one and high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) == now else (low, middle)
    with localcontext(MANY):
        low, high = (low, high) if by_one else (Decimal(low), Decimal(high))
        for _ in range(0 if by_one else HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if at(middle) == now else (low, middle)
    return low, high


def real(expr: Expr, x: Symbol, first: Any, last: Any) -> Signs:
    """The signs over real numbers between two positive ones, ends not included."""
    first, last, cut = sympify(first), sympify(last), breakpoints(expr, x)
    if cut is not None:
        points = [first, *sorted(y for y in cut if first < y < last), last]
        found = list(by_branches(expr, x, points))
        if None not in found:
            return Signs(tuple(joined(run for run in found if run)), ROOTS)
    points = [max(float(first), 1e-30)]
    while points[-1] * 1.15 < float(last):
        points.append(points[-1] * 1.15)
    return Signs(tuple(bracketed(expr, x, [*points, float(last)], False)), BRACKETED)


def breakpoints(expr: Expr, x: Symbol) -> set[Any] | None:
    """Where branches of Min and Max meet; None where that is nowhere rational, or where they are within one another."""
    found: set[Any] = set()
    for chosen in expr.atoms(Max, Min):
        for a, b in combinations(chosen.args, 2):
            quotient = polynomials(a - b, x)
            if quotient is None:
                return None
            for poly in quotient:
                roots = poly.real_roots() if poly.degree() > 0 else []
                if not all(y.is_Rational for y in roots):
                    return None
                found |= set(roots)
    return found


def by_branches(expr: Expr, x: Symbol, points: Sequence[Any]) -> Iterator[Run | None]:
    """The runs of a formula between breakpoints, on the branches that it is on there; None where it has no roots."""
    for low, high in pairwise(points):
        middle = {x: (low + high) / 2}
        quotient = polynomials(expr.xreplace({y: chosen_at(y, middle) for y in expr.atoms(Max, Min)}), x)
        if quotient is None:
            yield None
            return
        zeros, poles = (set(poly.real_roots()) if poly.degree() > 0 else set() for poly in quotient)
        start = low
        for end in [*sorted(y for y in zeros | poles if low < y < high), high]:
            yield Run(start, end, sign_at(quotient, rational((start + end) / 2)))
            if end != points[-1]:
                yield Run(end, end, None if end in poles else 0 if end in zeros else sign_at(quotient, rational(end)))
            start = end


def rational(y: Any) -> Fraction:
    """A real number of sympy's as a fraction, to many digits where it is none."""
    found = y if y.is_Rational else Rational(y.evalf(DIGITS))
    return Fraction(int(found.p), int(found.q))


def chosen_at(expr: Expr, point: dict[Symbol, Any]) -> Expr:
    """The argument that a Max or Min is at a point."""
    best = max if isinstance(expr, Max) else min
    return best(expr.args, key=lambda arg: arg.xreplace(point))
