"""Equations solved in closed form: linear and quadratic ones, and powers of the unknown."""

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Dummy, Expr, Integer, Pow, Symbol, factor_terms, log, sqrt, together

from symroof.algebra.codegen import is_reciprocal
from symroof.algebra.factoring import Factoring, coefficients

FACTORED = Factoring()


def polynomial_root(gap: Expr, x: Symbol, in_numbers: Expr) -> Expr | None:
    """Where a formula is 0: the root of a linear one, or the only positive one of a quadratic one; else None.

    `in_numbers` is the same formula in x alone, which decides that.
    """
    terms = coefficients(gap, x)
    degree = 0 if terms is None else max(terms, default=0)
    if terms and degree == 1:
        return factor_terms(-terms.get(0, Integer(0))) / factor_terms(terms[1])
    return quadratic_root(terms, coefficients(in_numbers, x) or {}) if terms and degree == 2 else None


def without_divisors(gap: Expr, divides: Callable[[Expr], bool]) -> Expr:
    """A formula times what it is divided by, where `divides` says so: it is 0 in the same places."""
    for base in {y.base for y in gap.atoms(Pow) if is_reciprocal(y) and divides(y.base)}:
        name = Dummy(positive=True)
        inverses = {y: name ** (-y.exp) for y in gap.atoms(Pow) if is_reciprocal(y) and y.base == base}
        powers = coefficients(gap.xreplace(inverses), name) or {}
        gap = sum((y * base ** (max(powers) - n) for n, y in powers.items()), Integer(0))
    return gap


def quadratic_root(terms: Mapping[int, Expr], numbers: Mapping[int, Any]) -> Expr | None:
    """The positive root of a quadratic equation, as sqrt(p^2 + q) - p; None where it is not the only positive one."""
    if max(numbers, default=0) != 2 or not numbers[2] * numbers.get(0, 0) < 0:
        return None
    return root_of_square(terms.get(1, Integer(0)) / (2 * terms[2]), -terms.get(0, Integer(0)) / terms[2])


def root_of_square(p: Expr, q: Expr) -> Expr:
    """The positive root of x^2 + 2 p x = q."""
    return sqrt(p**2 + q) - p


def power_root(gap: Expr, x: Symbol) -> Expr | None:
    """Where p + q base^(i x + j) is 0, by logarithms; None for any other equation."""
    powers = [y for y in gap.atoms(Pow) if y.exp.has(x)]
    if len(powers) != 1:
        return None
    name, (power,) = Dummy(positive=True), powers
    rest = gap.xreplace({power: name})
    terms, exponent = coefficients(rest, name), coefficients(power.exp, x)
    if rest.has(x) or power.base.has(x) or exponent is None or max(exponent) != 1 or not terms or set(terms) != {0, 1}:
        return None
    above, below = together(power.base).as_numer_denom()
    root = log(FACTORED(-terms[1] / terms[0])) / (log(below) - log(above))
    return (root - exponent.get(0, Integer(0))) / exponent[1]
