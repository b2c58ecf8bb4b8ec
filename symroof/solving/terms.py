"""Terms of a comparison: fractions of formulas in one unknown, with their text in names and their unit.

A term has its numerator and denominator separately, so that ratios of polynomials are solved exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Float, I, Integer, Max, Min, Pow, Rational, ceiling, floor, log, nan, sqrt, zoo

from symroof.algebra.arithmetic import EXACT_POWER
from symroof.algebra.binding import exact_number
from symroof.errors import UsageError
from symroof.units import COUNT, Unit

MOST_BITS = 4096  # of a number's numerator or denominator
LARGEST = Integer(10) ** 300  # a float is between it and its inverse
MOST_OPERATIONS = 20_000  # of a formula
NOWHERE_REAL = "it has no real value anywhere: a logarithm or root is of a number that is never above 0"
FUNCTIONS = {"floor": floor, "ceil": ceiling, "log": log, "sqrt": sqrt}


@dataclass(frozen=True)
class ComparisonTerm:
    """`above / below` in the unknown alone; `shown` is the same in names; `unit` is None where it may be any."""

    above: Expr
    below: Expr
    shown: Expr
    unit: Unit | None

    @property
    def expr(self) -> Expr:
        """The term as one formula."""
        return self.above if is_zero(self.above) else self.above / self.below

    @property
    def number(self) -> bool:
        """Whether it does not depend on the unknown."""
        return not self.above.free_symbols and not self.below.free_symbols


def constant_term(value: Any, shown: Expr, unit: Unit | None) -> ComparisonTerm:
    """A number as a term."""
    exact = exact_number(value)
    number = Float(exact) if isinstance(exact, float) else Rational(Fraction(exact))
    return check_size(ComparisonTerm(number, Integer(1), shown, unit))


def add_terms(a: ComparisonTerm, b: ComparisonTerm, sign: int = 1) -> ComparisonTerm:
    """a + b, or a - b where `sign` is -1."""
    unit = common_unit(a, b, "added" if sign > 0 else "subtracted")
    shown = a.shown + sign * b.shown
    if a.below == b.below:
        return check_size(ComparisonTerm(a.above + sign * b.above, a.below, shown, unit))
    return check_size(
        ComparisonTerm(product(a.above, b.below) + sign * product(b.above, a.below), a.below * b.below, shown, unit)
    )


def multiply_terms(a: ComparisonTerm, b: ComparisonTerm) -> ComparisonTerm:
    """a b."""
    above, unit = product(a.above, b.above), product_unit(a, b, 1)
    return check_size(ComparisonTerm(above, a.below * b.below, a.shown * b.shown, unit))


def divide_terms(a: ComparisonTerm, b: ComparisonTerm) -> ComparisonTerm:
    """a / b. Raises UsageError for b = 0."""
    if is_zero(b.above):
        raise UsageError("it divides by 0")
    above, unit = product(a.above, b.below), product_unit(a, b, -1)
    return check_size(ComparisonTerm(above, a.below * b.above, a.shown / b.shown, unit))


def product(a: Expr, b: Expr) -> Expr:
    """a b; 0 times a formula without asking whether that is finite."""
    return Integer(0) if is_zero(a) or is_zero(b) else a * b


def is_zero(expr: Expr) -> bool:
    """Whether it is the number 0, exact or a float. What sympy knows of a long formula takes it seconds."""
    return bool(expr.is_Number and not expr)


def raise_to_power(a: ComparisonTerm, b: ComparisonTerm) -> ComparisonTerm:
    """a ^ b; exact where b is a small whole number."""
    if b.unit not in (None, COUNT):
        raise UsageError(f"an exponent is a count, and this one is in {b.unit}")
    exponent = exact_number(b.expr) if b.number else None
    unit, shown = power_unit(a.unit, exponent), Pow(a.shown, b.shown, evaluate=False)
    if isinstance(exponent, int) and abs(exponent) <= EXACT_POWER:
        return whole_power(a, exponent, shown, unit)
    if a.number and b.number:
        return constant_term(float_power(exact_number(a.expr), exponent), shown, unit)
    if exponent is not None and abs(exponent) > EXACT_POWER:  # sympy would multiply out its coefficients
        raise UsageError(f"an exponent of {digits_of(exponent)}: give {EXACT_POWER} at most")
    return check_size(ComparisonTerm(real_value(Pow(a.expr, b.expr)), Integer(1), shown, unit))


def digits_of(number: Any) -> str:
    """Four digits of a number, which may be too large for a float."""
    return str(Float(Rational(Fraction(number)), 4))


def real_value(expr: Expr) -> Expr:
    """A logarithm, root or power. Raises UsageError where it is nowhere real."""
    if expr.has(I):
        raise UsageError(NOWHERE_REAL)
    return expr


def power_unit(unit: Unit | None, exponent: Any) -> Unit | None:
    """The unit of a power; `exponent` is None where it is not constant. Raises UsageError."""
    if unit in (None, COUNT):
        return unit
    if exponent is None:
        raise UsageError(f"a value in {unit} needs a constant exponent")
    return unit.to(Fraction(exponent))


def whole_power(a: ComparisonTerm, exponent: int, shown: Expr, unit: Unit | None) -> ComparisonTerm:
    """A term to a whole power. Raises UsageError where it divides by 0 or is too large."""
    if exponent < 0 and is_zero(a.above):
        raise UsageError("it divides by 0")
    above, below = (a.above, a.below) if exponent >= 0 else (a.below, a.above)
    if max(number_bits(above), number_bits(below)) * abs(exponent) > MOST_BITS:
        raise UsageError("its numbers get too large: write smaller powers")
    return check_size(ComparisonTerm(above ** abs(exponent), below ** abs(exponent), shown, unit))


def float_power(base: Any, exponent: Any) -> float:
    """The power of two numbers as a float. Raises UsageError where it is too large or complex."""
    try:
        power = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError) as error:
        raise UsageError("its numbers get too large: write smaller powers") from error
    if isinstance(power, complex):
        raise UsageError("a negative number has no such power")
    return float(power)


def function_term(name: str, args: Sequence[ComparisonTerm]) -> ComparisonTerm:
    """min, max, floor, ceil, log or sqrt of terms."""
    if name in ("min", "max"):
        return extreme_term(name, args)
    x, function = args[0], FUNCTIONS[name]
    unit = function_unit(name, x.unit)
    if not x.number:
        value = rounded_numbers(real_value(function(x.expr, evaluate=not has_large_power(x.expr))))
        return check_size(ComparisonTerm(value, Integer(1), function(x.shown), unit))
    number = exact_number(x.expr)
    if (name == "log" and number <= 0) or (name == "sqrt" and number < 0):
        raise UsageError(f"a number of {digits_of(number)} has no {name}")
    value = function(x.expr)
    exact = value.evalf(30) if name in ("log", "sqrt") else value
    return constant_term(exact, function(x.shown, evaluate=False), unit)


def has_large_power(expr: Expr) -> bool:
    """Whether it has a power that is too large to be exact; sympy writes it out to tell the sign of a sum."""
    return any(x.exp.is_Rational and abs(x.exp) > EXACT_POWER for x in expr.atoms(Pow))


def rounded_numbers(expr: Expr) -> Expr:
    """A formula with the floors and ceilings of numbers in it, for which sympy's digits do not do, as whole numbers."""
    rounded = [x for x in expr.atoms(floor, ceiling) if not x.free_symbols]
    round_of = {floor: math.floor, ceiling: math.ceil}
    return expr.xreplace({x: Integer(round_of[x.func](Fraction(exact_number(x.args[0])))) for x in rounded})


def extreme_term(name: str, args: Sequence[ComparisonTerm]) -> ComparisonTerm:
    """The smallest or largest of terms of a common unit."""
    first, unit = args[0], args[0].unit
    for x in args[1:]:
        unit = common_unit(ComparisonTerm(first.above, first.below, first.shown, unit), x, "compared")
    extreme, of_numbers = (Min, min) if name == "min" else (Max, max)
    exprs = [x.expr for x in args]
    try:
        value = of_numbers(exprs) if all(x.is_number for x in exprs) else extreme(*exprs, evaluate=False)
        shown = extreme(*(x.shown for x in args), evaluate=False)
    except ValueError as error:  # sympy's, of an argument that is nowhere real
        raise UsageError(NOWHERE_REAL) from error
    return check_size(ComparisonTerm(value, Integer(1), shown, unit))


def function_unit(name: str, unit: Unit | None) -> Unit | None:
    """The unit of floor, ceil, log or sqrt of a value. Raises UsageError."""
    if name == "log" and unit not in (None, COUNT):
        raise UsageError(f"a logarithm is of a count, and this is in {unit}")
    return unit.to(Fraction(1, 2)) if name == "sqrt" and unit is not None else unit


def common_unit(a: ComparisonTerm, b: ComparisonTerm, done: str) -> Unit | None:
    """The unit of two terms that need the same. Raises UsageError where they differ."""
    if a.unit is not None and b.unit is not None and a.unit != b.unit:
        raise UsageError(f"{a.shown} is {a.unit.in_words} and {b.shown} is {b.unit.in_words}: they cannot be {done}")
    return a.unit if b.unit is None else b.unit


def product_unit(a: ComparisonTerm, b: ComparisonTerm, sign: int) -> Unit | None:
    """The unit of a product or quotient; None where one of them may have any."""
    return None if a.unit is None or b.unit is None else a.unit.by(b.unit, sign)


def number_bits(expr: Expr) -> int:
    """Bits of the longest number in a formula."""
    return max((max(x.p.bit_length(), x.q.bit_length()) for x in expr.atoms(Rational)), default=1)


def check_size(x: ComparisonTerm) -> ComparisonTerm:
    """The term. Raises UsageError where it has no value, or its numbers or formulas are too large to solve."""
    if x.above.has(zoo, nan) or x.below.has(zoo, nan):  # such as 0 to the power of a symbol that is not above 0
        raise UsageError("it divides by 0")
    floats = (abs(y) for y in x.above.atoms(Float) | x.below.atoms(Float))
    if max(number_bits(x.above), number_bits(x.below)) > MOST_BITS or any(
        not 1 < LARGEST * y < LARGEST**2 for y in floats if y
    ):
        raise UsageError("its numbers get too large: write smaller ones")
    if x.above.is_Mul and x.above.count_ops() > MOST_OPERATIONS:
        raise UsageError("it gets too large: write a shorter comparison")
    return x
