"""Formulas of one symbol evaluated: exactly where they are rational, else in decimals, too large for no power."""

import math
from collections.abc import Callable, Mapping, Sequence
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

from symroof.binding import exact_number, whole

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
    floor: lambda args: math.floor(args[0]),
    ceiling: lambda args: math.ceil(args[0]),
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
    numbers = {y: leaf(y) for y in (above.atoms() | below.atoms()) - {x}}

    def at(value: Any) -> Number | None:
        known = {**numbers, x: leaf(value)}
        with localcontext(MANY):
            try:
                found = whole(made(above, known, kinds) / made(below, known, kinds))
            except ArithmeticError:
                return None
            return None if isinstance(found, Decimal) and not found.is_finite() else found

    return at


def relative(left: Any, right: Any) -> float:
    """(left - right) / |right|."""
    with localcontext(MANY):
        a, b = decimal(left), decimal(right)
        try:
            return float((a - b) / abs(b))
        except ArithmeticError:
            return inf


def made(expr: Expr, known: dict[Expr, Number], kinds: Made) -> Number:
    """The value of a part of a formula; `known` has those found so far."""
    if expr not in known:
        known[expr] = kinds[expr.func]([made(arg, known, kinds) for arg in expr.args])
    return known[expr]
