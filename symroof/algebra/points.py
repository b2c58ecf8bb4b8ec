"""Formulas at a point: their numbers, and the one branch of each Min, Max and floor that they are on there.

On its branch a formula is made of +, * and powers, so that it can be differentiated and expanded. A floor is followed
by its trend, a half below what it is of: the mean of its steps; ahead of its first step it is 0.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

from sympy import Add, Dummy, Expr, Integer, Max, Min, Mul, Pow, Rational, Symbol, expand_mul, floor, log, sympify

from symroof.algebra.arithmetic import power, whole
from symroof.algebra.binding import exact_number
from symroof.errors import SymroofError, shorten

Number = Any  # an int or Fraction where the formula is exact, else a float
HALF = Rational(1, 2)


@dataclass(frozen=True, eq=False)
class Point:
    """Numbers for symbols, at which formulas are evaluated and their branches chosen."""

    values: Mapping[Symbol, Number]
    moving: Symbol | None = None  # where there is one, only floors of it are followed by their trend
    _numbers: dict[Expr, Number] = field(default_factory=dict)
    _branches: dict[Expr, Expr] = field(default_factory=dict)
    _slopes: dict[Expr, dict[Symbol, Number]] = field(default_factory=dict)

    def moved(self, values: Mapping[Symbol, Number], moving: Symbol | None = None) -> "Point":
        """The point with other numbers for some symbols."""
        return Point({**self.values, **values}, moving)

    def number(self, expr: Any) -> Number:
        """What a formula comes to. Raises SymroofError where a symbol has no number."""
        expr = sympify(expr, strict=True)
        if expr not in self._numbers:
            self._numbers[expr] = self._number(expr)
        return self._numbers[expr]

    def _number(self, expr: Expr) -> Number:
        if expr.is_Symbol:
            if expr not in self.values:
                raise SymroofError(f"{expr} is left open, in a formula whose number was asked for")
            return self.values[expr]
        if expr.is_number and not expr.args:
            return exact_number(expr)
        if expr.func not in MADE:
            raise SymroofError(f"{expr.func.__name__} is no part of a cost, in {shorten(expr)}")
        make: Callable[[list[Number]], Number] = MADE[expr.func]
        return whole(make([self.number(x) for x in expr.args]))

    def branch(self, expr: Any) -> Expr:
        """The formula on the branch that it is on at the point; where two meet, on one that is a number first."""
        expr = sympify(expr, strict=True)
        if not expr.args:
            return expr
        if expr not in self._branches:
            self._branches[expr] = self._branch(expr)
        return self._branches[expr]

    def _branch(self, expr: Expr) -> Expr:
        if isinstance(expr, Min | Max):
            sign = 1 if isinstance(expr, Min) else -1
            return self.branch(min(expr.args, key=lambda x: (sign * self.number(x), not x.is_number)))
        if isinstance(expr, floor) and (self.moving is None or expr.has(self.moving)):
            (inner,) = expr.args
            return self.branch(inner) - HALF if self.number(inner) >= 1 else Integer(math.floor(self.number(inner)))
        if isinstance(expr, Pow) and expr.exp.free_symbols and self.number(expr.base) == 0:
            return self.branch(expr.base) if self.number(expr.exp) == 1 else Integer(0)
        args = [self.branch(x) for x in expr.args]
        return expr if all(x is y for x, y in zip(args, expr.args, strict=True)) else expr.func(*args)

    def slopes(self, expr: Any) -> dict[Symbol, Number]:
        """The derivatives of a formula on its branch by each of its symbols, at the point."""
        expr = self.branch(expr)
        if expr not in self._slopes:
            self._slopes[expr] = {x: slope for x, slope in self._sloped(expr).items() if slope != 0}
        return self._slopes[expr]

    def _sloped(self, expr: Expr) -> dict[Symbol, Number]:
        if expr.is_Symbol:
            return {expr: 1}
        if isinstance(expr, Add):
            return combined((1, self.slopes(x)) for x in expr.args)
        if isinstance(expr, Mul):
            return combined((self._but(expr.args, i), self.slopes(x)) for i, x in enumerate(expr.args))
        if isinstance(expr, Pow):
            base, exponent = map(self.number, expr.args)
            by_base = exponent * power(base, exponent - 1)
            by_exponent = self.number(expr) * math.log(base) if expr.exp.free_symbols else 0
            return combined([(by_base, self.slopes(expr.base)), (by_exponent, self.slopes(expr.exp))])
        return {}

    def _but(self, args: Sequence[Expr], left_out: int) -> Number:
        return prod(self.number(x) for i, x in enumerate(args) if i != left_out)


def combined(terms: Iterable[tuple[Number, Mapping[Symbol, Number]]]) -> dict[Symbol, Number]:
    """The sum of some slopes, each times a number."""
    found: dict[Symbol, Number] = {}
    for number, slopes in terms:
        for x, slope in slopes.items():
            found[x] = found.get(x, 0) + number * slope
    return found


def added(args: list[Number]) -> Number:
    """A sum, exact unless a float is in it."""
    return sum(args)


def raised(args: list[Number]) -> Number:
    """A power, exact for whole exponents that are small."""
    return power(*args)


MADE: dict[Any, Any] = {
    Add: added,
    Mul: prod,
    Pow: raised,
    Min: min,
    Max: max,
    floor: lambda args: math.floor(args[0]),
    log: lambda args: math.log(args[0]),
}


class Numbers:
    """Numbers put for symbols, the others left open. Min and Max are not ordered, which takes sympy long."""

    def __init__(self, values: Mapping[Symbol, Expr], known: dict[Any, Expr] | None = None) -> None:
        self.values, self._known = values, {} if known is None else known

    def __call__(self, expr: Expr) -> Expr:
        """A formula with the numbers in it."""
        here = {x: self.values[x] for x in expr.free_symbols if x in self.values}
        return expr.xreplace({**here, **{x: self._bent(x) for x in expr.atoms(Min, Max)}})

    def _bent(self, expr: Expr) -> Expr:
        here = {x: self.values[x] for x in expr.free_symbols if x in self.values}
        key = (expr, frozenset(here.items()))
        if key not in self._known:
            args = [self(x) for x in expr.args]
            self._known[key] = expr.func(*args, evaluate=all(x.is_number for x in args))
        return self._known[key]


def multiplied_out(expr: Expr) -> Expr:
    """A product of sums as a sum; Min, Max, floor and powers with symbols in their exponents stay as they are."""
    powers = [x for x in expr.atoms(Pow) if x.exp.free_symbols]
    names = {x: Dummy(positive=True) for x in (*powers, *expr.atoms(Min, Max, floor))}
    return expand_mul(expr.xreplace(names)).xreplace({name: x for x, name in names.items()})


def exact(x: Any) -> Number:
    """A number of a config, a machine or a batch as an int or Fraction; infinity as it is."""
    return x if x == math.inf else whole(Fraction(x))
