"""Formulas of one symbol evaluated: exactly where they are rational, else by mpmath to DIGITS digits at any magnitude.

mpmath computes with GUARD more digits. A sum whose terms cancel to DIGITS digits is 0, and floor and ceiling are those
of the argument to DIGITS digits: so where two sides are equal they compare equal. A power of more than LARGEST digits
has no value.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from math import inf, prod
from typing import Any

from mpmath import MPContext
from mpmath.libmp import to_rational
from sympy import Add, Basic, Expr, Max, Min, Mul, Pow, Rational, S, Symbol, ceiling, floor, log

from symroof.algebra.arithmetic import int_if_whole
from symroof.algebra.binding import exact_number
from symroof.algebra.fold import Table, fold, of_values

DIGITS, GUARD = 40, 20
LARGEST = 10**18
MOST_DEGREE = 200  # of a formula that is evaluated exactly
CONTEXT = MPContext()  # not mpmath.mp, whose precision is the user's
CONTEXT.dps = DIGITS + GUARD
CANCELLED = CONTEXT.mpf(10) ** -DIGITS
Number = Any  # an int or Fraction where the formula is rational, else an mpf of CONTEXT


def round_to_digits(value: Any) -> Any:
    """A number of CONTEXT to DIGITS digits."""
    return CONTEXT.mpf(value, dps=DIGITS)


def real(value: Any) -> Any:
    """A number of CONTEXT. Raises ArithmeticError where it is complex."""
    if isinstance(value, CONTEXT.mpc):
        raise ArithmeticError("no real value")
    return value


def sum_or_zero(terms: list[Any]) -> Any:
    """The sum of numbers of CONTEXT; 0 where they cancel."""
    total = sum(terms)
    return CONTEXT.zero if abs(total) < CANCELLED * max(map(abs, terms)) else total


def real_power(base: Any, exponent: Any) -> Any:
    """A power of numbers of CONTEXT. Raises ArithmeticError where it is complex, too large, or 0 to the power of 0."""
    if base == exponent == 0:
        raise ArithmeticError("0 to the power of 0")
    digits = exponent * CONTEXT.log(abs(base), 10) if abs(exponent) > 2**20 else 0
    if digits > LARGEST:
        raise OverflowError(f"a power of {digits} digits")
    return real(base**exponent) if digits >= -LARGEST else CONTEXT.zero


EXACTLY = of_values(
    {
        Add: sum,
        Mul: prod,
        Pow: lambda args: args[0] ** args[1],
        Min: min,
        Max: max,
        floor: lambda args: Fraction(math.floor(args[0])),
        ceiling: lambda args: Fraction(math.ceil(args[0])),
    }
)
TO_DIGITS = of_values(
    {
        Add: sum_or_zero,
        Mul: prod,
        Pow: lambda args: real_power(*args),
        Min: min,
        Max: max,
        floor: lambda args: CONTEXT.floor(round_to_digits(args[0])),
        ceiling: lambda args: CONTEXT.ceil(round_to_digits(args[0])),
        log: lambda args: real(CONTEXT.log(args[0])),
    }
)


def to_fraction(value: Any) -> Fraction:
    """A number of Python, sympy or mpmath as a fraction; an irrational one to DIGITS digits."""
    if isinstance(value, Expr):
        return Fraction(exact_number(Rational(value if value.is_Rational else value.evalf(DIGITS))))
    return Fraction(*to_rational(value._mpf_)) if isinstance(value, CONTEXT.mpf) else Fraction(value)


def to_mpf(value: Any) -> Any:
    """A number of Python, sympy or mpmath as one of CONTEXT."""
    return CONTEXT.convert(value.evalf(CONTEXT.dps) if isinstance(value, Expr) else value)


def sign_of_difference(left: Number, right: Number) -> int:
    """-1, 0 or 1 where a number is less than another one, equal or more."""
    if isinstance(left, CONTEXT.mpf) or isinstance(right, CONTEXT.mpf):  # which no Fraction compares with
        left, right = to_mpf(left), to_mpf(right)
    return int(left > right) - int(left < right)


DEGREES = Table(
    {
        **dict.fromkeys((Add, Min, Max, floor, ceiling), lambda _, args: max(args)),
        Mul: lambda _, args: sum(args),
        Pow: lambda x, args: abs(int(x.exp)) * args[0] if x.exp.is_Integer else inf,
        Basic: lambda x, args: inf if args else int(not x.is_number),
    }
)


def degree(expr: Expr) -> float:
    """A bound on a formula's degree, made of +, *, whole powers, Min, Max and roundings; infinite for others."""
    return fold(expr, DEGREES)  # type: ignore[no-any-return]


def evaluator(above: Expr, x: Symbol, below: Expr = S.One) -> Callable[[Any], Number | None]:
    """A function of a number x that returns above / below; None where it has no value, or an infinite one."""
    exact = max(degree(above), degree(below)) <= MOST_DEGREE
    number, rules = (to_fraction, EXACTLY) if exact else (to_mpf, TO_DIGITS)
    constants = {y: number(y) for y in above.atoms() | below.atoms() if y != x}

    def value_at(y: Any) -> Number | None:
        values = {**constants, x: number(y)}
        try:
            quotient = fold(above, rules, values) / fold(below, rules, values)
        except ArithmeticError:
            return None
        return int_if_whole(quotient) if exact else round_to_digits(quotient) if CONTEXT.isfinite(quotient) else None

    return value_at


def scientific(value: Any, digits: int) -> str:
    """A number of any size as text with an exponent: 1.636e+301029995663981195."""
    return str(CONTEXT.nstr(to_mpf(value), digits, min_fixed=0, max_fixed=0, strip_zeros=False))


def relative(left: Any, right: Any) -> float:
    """(left - right) / |right|."""
    a, b = to_mpf(left), to_mpf(right)
    return float((a - b) / abs(b)) if b else inf
