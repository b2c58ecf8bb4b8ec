"""Formulas of one symbol that are rational functions, also on branches of Min and Max: where they change sign."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, pairwise
from math import ceil, floor
from typing import Any

from sympy import Add, Basic, Expr, Float, Max, Min, Mul, Poly, Pow, Rational, Symbol, fraction, together

from symroof.algebra.fold import Rule, Table, fold
from symroof.algebra.multiprecision import DIGITS
from symroof.algebra.rootfinding.signs import Run, sign

MOST_DEGREE = 12
Quotient = tuple[Poly, Poly]
Degrees = tuple[int, int] | None


def quotient_of_polynomials(expr: Expr, x: Symbol) -> Quotient | None:
    """Numerator and denominator of a formula as polynomials of a moderate degree; None where they have no such, with
    rational coefficients.
    """
    degree = degrees(expr, x)
    if degree is None or max(degree) > MOST_DEGREE:
        return None
    exact = expr.xreplace({y: Rational(y) for y in expr.atoms(Float)})
    above, below = (Poly(part, x) for part in fraction(together(exact)))
    rational = all(a.is_Rational for poly in (above, below) for a in poly.all_coeffs())
    return (above, below) if rational else None


def degrees(expr: Expr, x: Symbol) -> Degrees:
    """Bounds on the degrees of a formula's numerator and denominator; None where they are not polynomials."""
    rules = Table({**DEGREES, Symbol: lambda y, _: (int(y == x), 0)})
    return fold(expr, rules)  # type: ignore[no-any-return]


def sum_degrees(_: Expr, args: Sequence[Degrees]) -> Degrees:
    """Those of a sum over the product of all denominators."""
    known = [y for y in args if y is not None]
    below = sum(y[1] for y in known)
    return (max(y[0] + below - y[1] for y in known), below) if len(known) == len(args) else None


def product_degrees(_: Expr, args: Sequence[Degrees]) -> Degrees:
    """Those of a product."""
    known = [y for y in args if y is not None]
    return (sum(y[0] for y in known), sum(y[1] for y in known)) if len(known) == len(args) else None


def power_degrees(expr: Pow, args: Sequence[Degrees]) -> Degrees:
    """Those of a whole power, or of a constant."""
    if not expr.exp.is_Integer or args[0] is None:
        return constant_degrees(expr, args)
    above, below = (abs(int(expr.exp)) * y for y in args[0])
    return (above, below) if expr.exp > 0 else (below, above)


def constant_degrees(_: Expr, args: Sequence[Degrees]) -> Degrees:
    """0 of a constant; None of any other function."""
    return (0, 0) if all(y == (0, 0) for y in args) else None


DEGREES: dict[type, Rule] = {
    Add: sum_degrees,
    Mul: product_degrees,
    Pow: power_degrees,
    Basic: constant_degrees,
}


def polynomial_value(poly: Poly, y: Fraction) -> Fraction:
    """A polynomial's value."""
    result = Fraction(0)
    for a in poly.all_coeffs():
        result = result * y + Fraction(int(a.p), int(a.q))
    return result


def quotient_sign(quotient: Quotient, y: Any) -> int | None:
    """The sign of a quotient at a number; None where it divides by 0."""
    above, below = (sign(polynomial_value(poly, Fraction(y))) for poly in quotient)
    return above * below if below else None


def runs_by_roots(quotient: Quotient, first: int, last: int) -> Iterator[Run]:
    """The runs of a quotient over whole numbers: its sign may change at those next to roots only."""
    near = {first, last}
    for poly in quotient:
        if poly.degree() > 0:
            for (low, high), _ in poly.intervals(eps=Rational(1, 4)):
                near |= {y for y in range(floor(low), ceil(high) + 1) if first <= y <= last}
    points = sorted(near)
    for y, after in zip(points, [*points[1:], None], strict=True):
        yield Run(y, y, quotient_sign(quotient, y))
        if after is not None and after > y + 1:
            yield Run(y + 1, after - 1, quotient_sign(quotient, y + 1))


def branch_points(expr: Expr, x: Symbol) -> set[Any] | None:
    """Where branches of Min and Max meet; None where that is nowhere rational, or where they are within one another."""
    points: set[Any] = set()
    for chosen in expr.atoms(Max, Min):
        for a, b in combinations(chosen.args, 2):
            quotient = quotient_of_polynomials(a - b, x)
            if quotient is None:
                return None
            for poly in quotient:
                roots = poly.real_roots() if poly.degree() > 0 else []
                if not all(y.is_Rational for y in roots):
                    return None
                points |= set(roots)
    return points


def runs_by_branches(expr: Expr, x: Symbol, points: Sequence[Any]) -> Iterator[Run | None]:
    """The runs of a formula between breakpoints, on the branches that it is on there; None where it has no roots."""
    for low, high in pairwise(points):
        chosen = {y: chosen_argument(y, {x: (low + high) / 2}) for y in expr.atoms(Max, Min)}
        quotient = quotient_of_polynomials(expr.xreplace(chosen), x)
        if quotient is None:
            yield None
            return
        zeros, poles = (set(poly.real_roots()) if poly.degree() > 0 else set() for poly in quotient)
        start = low
        for end in [*sorted(y for y in zeros | poles if low < y < high), high]:
            yield Run(start, end, quotient_sign(quotient, rational_near((start + end) / 2)))
            if end != points[-1]:
                known = {**dict.fromkeys(zeros, 0), **dict.fromkeys(poles)}
                yield Run(end, end, known[end] if end in known else quotient_sign(quotient, rational_near(end)))
            start = end


def chosen_argument(expr: Expr, point: dict[Symbol, Any]) -> Expr:
    """The argument that a Max or Min is at a point."""
    best = max if isinstance(expr, Max) else min
    return best(expr.args, key=lambda arg: arg.xreplace(point))


def rational_near(y: Any) -> Fraction:
    """A real number of sympy's as a fraction: exact if it is rational, else to many digits."""
    rational = y if y.is_Rational else Rational(y.evalf(DIGITS))
    return Fraction(int(rational.p), int(rational.q))
