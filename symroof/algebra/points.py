"""Formulas at a point: their numbers, and the one branch of each Min, Max and floor that they are on there.

On its branch a formula is made of +, * and powers, so that it can be differentiated and expanded. A floor is followed
by its trend, a half below what it is of: the mean of its steps; ahead of its first step it is 0.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Any

from sympy import (
    Add,
    Basic,
    Dummy,
    Expr,
    Integer,
    Max,
    Min,
    Mul,
    Pow,
    Rational,
    Symbol,
    expand_mul,
    floor,
    log,
    sympify,
)

from symroof.algebra.arithmetic import exact_power, int_if_whole
from symroof.algebra.binding import exact_number
from symroof.algebra.fold import Table, fold, rebuilt
from symroof.errors import SymroofError, shorten

Number = Any  # an int or Fraction where the formula is exact, else a float
Slopes = Mapping[Symbol, Number]
HALF = Rational(1, 2)


@dataclass(frozen=True, eq=False)
class Point:
    """Numbers for symbols, at which formulas are evaluated and their branches chosen."""

    values: Mapping[Symbol, Number]
    moving: Symbol | None = None  # where there is one, only floors of it are followed by their trend
    _numbers: dict[Expr, Number] = field(default_factory=dict)
    _branches: dict[Expr, Expr] = field(default_factory=dict)
    _slopes: dict[Expr, Slopes] = field(default_factory=dict)

    def moved(self, values: Mapping[Symbol, Number], moving: Symbol | None = None) -> "Point":
        """The point with other numbers for some symbols."""
        return Point({**self.values, **values}, moving)

    def __post_init__(self) -> None:
        self._numbers.update(self.values)

    def number(self, expr: Any) -> Number:
        """What a formula comes to. Raises SymroofError where a symbol has no number."""
        return fold(sympify(expr, strict=True), NUMBERS, self._numbers)

    def branch(self, expr: Any) -> Expr:
        """The formula on the branch that it is on at the point; where two meet, on one that is a number first."""
        return fold(sympify(expr, strict=True), self._branch_rules, self._branches, self._args_on_branch)

    @cached_property
    def _branch_rules(self) -> Table:
        rules = {Min: _only_argument, Max: _only_argument, floor: self._floor_branch, Pow: self._power_branch}
        return Table({Basic: rebuilt, **rules})

    def _args_on_branch(self, x: Basic) -> Sequence[Basic]:
        """The arguments that a formula depends on near the point."""
        if isinstance(x, Min | Max):
            sign = 1 if isinstance(x, Min) else -1
            return (min(x.args, key=lambda y: (sign * self.number(y), not y.is_number)),)
        if isinstance(x, floor) and self._has_trend(x) and self.number(x.args[0]) < 1:
            return ()
        if isinstance(x, Pow) and x.exp.free_symbols and self.number(x.base) == 0:
            return (x.base,) if self.number(x.exp) == 1 else ()
        return x.args  # type: ignore[no-any-return]

    def _has_trend(self, x: Expr) -> bool:
        return self.moving is None or x.has(self.moving)

    def _floor_branch(self, x: Expr, args: list[Expr]) -> Expr:
        if not args:
            return Integer(math.floor(self.number(x.args[0])))
        return args[0] - HALF if self._has_trend(x) else rebuilt(x, args)

    def _power_branch(self, x: Expr, args: list[Expr]) -> Expr:
        """A power; 0 to the power of a symbol is 0, or its base where the exponent is 1."""
        return rebuilt(x, args) if len(args) == 2 else args[0] if args else Integer(0)

    def slopes(self, expr: Any) -> Slopes:
        """The derivatives of a formula on its branch by each of its symbols, at the point."""
        return fold(self.branch(expr), self._slope_rules, self._slopes)  # type: ignore[no-any-return]

    @cached_property
    def _slope_rules(self) -> Table:
        return Table(
            {
                Symbol: lambda x, _: {x: 1},
                Add: lambda _, args: _nonzero_sum((1, slopes) for slopes in args),
                Mul: self._product_slopes,
                Pow: self._power_slopes,
                Basic: lambda _, __: {},
            }
        )

    def _product_slopes(self, x: Expr, args: list[Slopes]) -> Slopes:
        numbers = [self.number(y) for y in x.args]
        return _nonzero_sum((prod(numbers[:i] + numbers[i + 1 :]), slopes) for i, slopes in enumerate(args))

    def _power_slopes(self, x: Expr, args: list[Slopes]) -> Slopes:
        base, exponent = map(self.number, x.args)
        by_base = exponent * exact_power(base, exponent - 1)
        by_exponent = self.number(x) * math.log(base) if x.exp.free_symbols else 0
        return _nonzero_sum([(by_base, args[0]), (by_exponent, args[1])])


def _only_argument(_: Basic, args: list[Expr]) -> Expr:
    return args[0]


def weighted_sum(terms: Iterable[tuple[Number, Slopes]]) -> Slopes:
    """The sum of some slopes, each times a number."""
    sums: dict[Symbol, Number] = {}
    for number, slopes in terms:
        for x, slope in slopes.items():
            sums[x] = sums.get(x, 0) + number * slope
    return sums


def _nonzero_sum(terms: Iterable[tuple[Number, Slopes]]) -> Slopes:
    return {x: slope for x, slope in weighted_sum(terms).items() if slope != 0}


def _unknown_symbol(x: Symbol, _: Sequence[Number]) -> Number:
    raise SymroofError(f"{x} has no number, in a formula to evaluate")


def _other_number(x: Expr, _: Sequence[Number]) -> Number:
    if not x.is_number or x.args:
        raise SymroofError(f"{x.func.__name__} is not part of a cost, in {shorten(x)}")
    return exact_number(x)


# Exact unless a float is in it, or a power is too large.
NUMBERS = Table(
    {
        Add: lambda _, args: int_if_whole(sum(args)),
        Mul: lambda _, args: int_if_whole(prod(args)),
        Pow: lambda _, args: int_if_whole(exact_power(*args)),
        Min: lambda _, args: int_if_whole(min(args)),
        Max: lambda _, args: int_if_whole(max(args)),
        floor: lambda _, args: math.floor(args[0]),
        log: lambda _, args: math.log(args[0]),
        Symbol: _unknown_symbol,
        Basic: _other_number,
    }
)


def multiplied_out(expr: Expr) -> Expr:
    """A product of sums as a sum; Min, Max, floor and powers with symbols in their exponents stay as they are."""
    powers = [x for x in expr.atoms(Pow) if x.exp.free_symbols]
    names = {x: Dummy(positive=True) for x in (*powers, *expr.atoms(Min, Max, floor))}
    return expand_mul(expr.xreplace(names)).xreplace({name: x for x, name in names.items()})


def exact_number_or_infinity(x: Any) -> Number:
    """A number of a config, a machine or a batch as an int or Fraction; infinity as it is."""
    return x if x == math.inf else int_if_whole(Fraction(x))
