"""Formulas of one symbol evaluated: exactly where they are rational, else in decimals, too large for no power."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import (
    MAX_EMAX,
    MIN_EMIN,
    ROUND_CEILING,
    ROUND_FLOOR,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from fractions import Fraction
from math import inf, prod
from typing import Any

from sympy import Add, Expr, Integer, Max, Min, Mul, Pow, Rational, Symbol, ceiling, floor, log

from symroof.algebra.arithmetic import whole
from symroof.algebra.binding import exact_number

DIGITS, ONE = 40, Integer(1)
MOST_DEGREE = 200  # of a formula that is evaluated exactly
MANY = Context(prec=DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[DivisionByZero, InvalidOperation, Overflow])
Number = Any  # an int or Fraction where the formula is rational, else a Decimal
Made = Mapping[Any, Callable[[Sequence[Any]], Any]]
EXACTLY: Made = {
    Add: sum,
    Mul: prod,
    Pow: lambda args: args[0] ** args[1],
    Min: min,
    Max: max,
    floor: lambda args: Fraction(math.floor(args[0])),
    ceiling: lambda args: Fraction(math.ceil(args[0])),
}
TO_MANY: Made = {
    **EXACTLY,
    floor: lambda args: args[0].to_integral_value(ROUND_FLOOR),
    ceiling: lambda args: args[0].to_integral_value(ROUND_CEILING),
    log: lambda args: args[0].ln(),
}


def fraction(value: Any) -> Fraction:
    """A rational number of Python's or sympy's, or one to many digits, as a fraction."""
    if isinstance(value, Expr) and not (value.is_Rational or value.is_Float):
        return Fraction(str(value.evalf(DIGITS)))
    return Fraction(exact_number(Rational(value)) if isinstance(value, Expr) else value)


def decimal(value: Any) -> Decimal:
    """A number of Python's or sympy's as a decimal."""
    if isinstance(value, Decimal):
        return value
    exact = fraction(value)
    with localcontext(MANY):
        return Decimal(exact.numerator) / Decimal(exact.denominator)


def degree(expr: Expr) -> float:
    """A bound on a formula's degree, made of +, *, whole powers, Min, Max and roundings; infinite for others."""
    if not expr.args:
        return int(not expr.is_number)
    if isinstance(expr, Pow):
        return abs(int(expr.exp)) * degree(expr.base) if expr.exp.is_Integer else inf
    if expr.func not in EXACTLY:
        return inf
    return (sum if expr.is_Mul else max)(map(degree, expr.args))


def evaluator(above: Expr, x: Symbol, below: Expr = ONE) -> Callable[[Any], Number | None]:
    """A function of a number x that returns above / below; None where it has no value, or one beyond all measure."""
    exact = max(degree(above), degree(below)) <= MOST_DEGREE
    leaf, kinds = (fraction, EXACTLY) if exact else (decimal, TO_MANY)
    places: dict[Expr, int] = {x: 0}
    steps = [*ordered(above, places), *ordered(below, places)]
    numbers = [(place, leaf(y)) for place, y, args in steps if not args]
    made = [(place, kinds[y.func], args) for place, y, args in steps if args]

    def at(value: Any) -> Number | None:
        found: list[Number] = [leaf(value)] * len(places)
        for place, constant in numbers:
            found[place] = constant
        with localcontext(MANY):
            try:
                for place, make, args in made:
                    found[place] = make([found[i] for i in args])
                quotient = whole(found[places[above]] / found[places[below]])
            except ArithmeticError:
                return None
            return None if isinstance(quotient, Decimal) and not quotient.is_finite() else quotient

    return at


def ordered(expr: Expr, places: dict[Expr, int]) -> Iterator[tuple[int, Expr, list[int]]]:
    """(place, part, places of its arguments) of the parts of a formula that have no place yet, inner ones first."""
    if expr not in places:
        for arg in expr.args:
            yield from ordered(arg, places)
        places[expr] = len(places)
        yield places[expr], expr, [places[arg] for arg in expr.args]


def relative(left: Any, right: Any) -> float:
    """(left - right) / |right|."""
    with localcontext(MANY):
        a, b = decimal(left), decimal(right)
        try:
            return float((a - b) / abs(b))
        except ArithmeticError:
            return inf
