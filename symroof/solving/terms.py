"""Terms of a comparison: fractions of formulas in one unknown, with how they are written and what they are measured in.

A term keeps its numerator and denominator apart, so that ratios of what is polynomial stay exact to solve.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Float, Integer, Max, Min, Pow, Rational, ceiling, floor, log, sqrt

from symroof.algebra.arithmetic import EXACT_POWER
from symroof.algebra.binding import exact_number
from symroof.errors import UsageError
from symroof.units import BYTE, COUNT, Unit

MOST_BITS = 4096  # of a number's numerator or denominator
LARGEST = Integer(10) ** 300  # a float is between it and its inverse
MOST_OPERATIONS = 20_000  # of a formula


@dataclass(frozen=True)
class Term:
    """`above / below` in the unknown alone; `shown` is the same in names; `unit` is None where any will do."""

    above: Expr
    below: Expr
    shown: Expr
    unit: Unit | None

    @property
    def expr(self) -> Expr:
        """The term as one formula."""
        return self.above / self.below

    @property
    def number(self) -> bool:
        """Whether no unknown is in it."""
        return not self.above.free_symbols and not self.below.free_symbols


def constant(value: Any, shown: Expr, unit: Unit | None) -> Term:
    """A number as a term."""
    exact = exact_number(value)
    number = Float(exact) if isinstance(exact, float) else Rational(Fraction(exact))
    return checked(Term(number, Integer(1), shown, unit))


def added(a: Term, b: Term, sign: int = 1) -> Term:
    """a + b, or a - b where `sign` is -1."""
    unit = same(a, b, "added" if sign > 0 else "subtracted")
    shown = a.shown + sign * b.shown
    if a.below == b.below:
        return checked(Term(a.above + sign * b.above, a.below, shown, unit))
    return checked(Term(a.above * b.below + sign * b.above * a.below, a.below * b.below, shown, unit))


def times(a: Term, b: Term) -> Term:
    """a b."""
    return checked(Term(a.above * b.above, a.below * b.below, a.shown * b.shown, joined(a, b, 1)))


def over(a: Term, b: Term) -> Term:
    """a / b. Raises UsageError where b is 0."""
    if b.above == 0:
        raise UsageError("it divides by 0")
    return checked(Term(a.above * b.below, a.below * b.above, a.shown / b.shown, joined(a, b, -1)))


def power(a: Term, b: Term) -> Term:
    """a ^ b; exact where b is a small whole number."""
    if b.unit not in (None, COUNT):
        raise UsageError(f"an exponent is a count, and this one is in {b.unit}")
    exponent = exact_number(b.expr) if b.number else None
    unit = a.unit
    if unit not in (None, COUNT):
        if exponent is None:
            raise UsageError(f"what is in {unit} has no power that changes")
        unit = unit.to(Fraction(exponent))
    shown = Pow(a.shown, b.shown, evaluate=False)
    if isinstance(exponent, int) and abs(exponent) <= EXACT_POWER:
        if exponent < 0 and a.above == 0:
            raise UsageError("it divides by 0")
        above, below = (a.above, a.below) if exponent >= 0 else (a.below, a.above)
        size = max(bits(above), bits(below)) * abs(exponent)
        if size > MOST_BITS:
            raise UsageError("its numbers get too large: write smaller powers")
        return checked(Term(above ** abs(exponent), below ** abs(exponent), shown, unit))
    if a.number and b.number:
        return constant(raised(exact_number(a.expr), exponent), shown, unit)
    if exponent is not None and abs(exponent) > EXACT_POWER:  # of which sympy would multiply out the coefficients
        raise UsageError(f"an exponent of {float(exponent):.4g}: give {EXACT_POWER} at most")
    return checked(Term(Pow(a.expr, b.expr), Integer(1), shown, unit))


def raised(base: Any, exponent: Any) -> float:
    """The power of two numbers as a float. Raises UsageError where it is none."""
    try:
        found = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError) as error:
        raise UsageError("its numbers get too large: write smaller powers") from error
    if isinstance(found, complex):
        raise UsageError("a negative number has no such power")
    return float(found)


def function(name: str, args: Sequence[Term]) -> Term:
    """min, max, floor, ceil, log or sqrt of terms."""
    first = args[0]
    unit, exprs, shown = first.unit, [x.expr for x in args], [x.shown for x in args]
    if name in ("min", "max"):
        for x in args[1:]:
            unit = same(Term(first.above, first.below, first.shown, unit), x, "compared")
        chosen = Min if name == "min" else Max
        plain = all(x.is_number for x in exprs)
        found = (min if name == "min" else max)(exprs) if plain else chosen(*exprs, evaluate=False)
        return checked(Term(found, Integer(1), chosen(*shown, evaluate=False), unit))
    if name == "log" and unit not in (None, COUNT):
        raise UsageError(f"a logarithm is of a count, and this is in {unit}")
    if name == "sqrt" and unit is not None:
        unit = unit.to(Fraction(1, 2))
    rounding = {"floor": floor, "ceil": ceiling, "log": log, "sqrt": sqrt}[name]
    if not first.number:
        return checked(Term(rounding(exprs[0]), Integer(1), rounding(shown[0]), unit))
    value = exact_number(first.expr)
    if (name == "log" and value <= 0) or (name == "sqrt" and value < 0):
        raise UsageError(f"a number of {float(value):.4g} has no {name}")
    found = rounding(first.expr)
    return constant(found.evalf(30) if name in ("log", "sqrt") else found, rounding(shown[0], evaluate=False), unit)


def same(a: Term, b: Term, told: str) -> Unit | None:
    """The unit of two terms that need one. Raises UsageError where they differ."""
    if a.unit is not None and b.unit is not None and a.unit != b.unit:
        hint = "; B is bytes, billions are written G" if {a.unit, b.unit} == {BYTE, COUNT} else ""
        raise UsageError(
            f"{a.shown} is {a.unit.in_words} and {b.shown} is {b.unit.in_words}: they cannot be {told}{hint}"
        )
    return a.unit if b.unit is None else b.unit


def joined(a: Term, b: Term, sign: int) -> Unit | None:
    """The unit of a product or quotient; any where a number of any unit is a factor."""
    return None if a.unit is None or b.unit is None else a.unit.by(b.unit, sign)


def bits(expr: Expr) -> int:
    """The length of the longest number in a formula."""
    return max((max(x.p.bit_length(), x.q.bit_length()) for x in expr.atoms(Rational)), default=1)


def checked(x: Term) -> Term:
    """The term, unless its numbers or formulas are too large for any answer."""
    floats = (abs(y) for y in x.above.atoms(Float) | x.below.atoms(Float))
    if max(bits(x.above), bits(x.below)) > MOST_BITS or any(not 1 < LARGEST * y < LARGEST**2 for y in floats if y):
        raise UsageError("its numbers get too large: write smaller ones")
    if x.above.is_Mul and x.above.count_ops() > MOST_OPERATIONS:
        raise UsageError("it gets too large: write a shorter comparison")
    return x
