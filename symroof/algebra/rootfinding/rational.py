"""Formulas of one symbol that are quotients of polynomials, also on branches of Min and Max: where they change sign."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, pairwise
from math import ceil, floor
from typing import Any

from sympy import Add, Expr, Float, Max, Min, Mul, Poly, Pow, Rational, Symbol, fraction, together

from symroof.algebra.multiprecision import DIGITS
from symroof.algebra.rootfinding.signs import Run, sign

MOST_DEGREE = 12
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


def chosen_at(expr: Expr, point: dict[Symbol, Any]) -> Expr:
    """The argument that a Max or Min is at a point."""
    best = max if isinstance(expr, Max) else min
    return best(expr.args, key=lambda arg: arg.xreplace(point))


def rational(y: Any) -> Fraction:
    """A real number of sympy's as a fraction, to many digits where it is none."""
    found = y if y.is_Rational else Rational(y.evalf(DIGITS))
    return Fraction(int(found.p), int(found.q))
