"""Formulas as tapes, each of whose steps is on the smallest grid of axes that it depends on.

A sum of products is taken apart by one axis after another, and a Max comes after what all its arguments have in common,
so that what is left for the whole grid is about one multiply-add. Symbols that are `kept` are steps of their own and
not multiplied out: differences of squares of many tokens, which floats lose. They are computed in whole numbers where
floats would not be exact. No symbol is below 0.
"""

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from math import lcm
from typing import Any

from sympy import Add, Expr, Max, Min, Mul, Pow, Symbol, floor, fraction, log, sympify, together
from sympy.core.relational import LessThan

from symroof.algebra.arithmetic import over, power, whole
from symroof.algebra.binding import exact_number
from symroof.algebra.points import multiplied_out
from symroof.errors import SymroofError
from symroof.sweeps.tape import WHOLE, Axes, Number, Step, Tape

# What an operation makes of numbers, exactly where it can.
FOLDED: Mapping[str, Callable[..., Any]] = {
    "add": operator.add,
    "multiply": operator.mul,
    "divide": over,
    "minimum": min,
    "maximum": max,
    "whole": operator.floordiv,
    "power": power,
    "log": math.log,
    "most": lambda x, y: float(x <= y),
}
Term = tuple[Number, tuple[Expr, ...]]  # a number times factors


def compiled(exprs: Iterable[Any], arguments: Sequence[Symbol], kept: Mapping[Symbol, tuple[Expr, bool]]) -> Tape:
    """The tape of some formulas; `kept` are symbols with their formulas, and whether those are of whole numbers."""
    making = _Making(arguments, kept)
    results = tuple(making.of(sympify(x, strict=True)) for x in exprs)
    found = [place for x, place in making.kept_at.items() if kept[x][1]]
    exact = making.needed(x for x in found if all(making.steps[y].operation in WHOLE for y in making.needed((x,))))
    return Tape(tuple(map(str, arguments)), tuple(making.steps), results, exact)


class _Making:
    """Steps made so far; equal ones are one."""

    def __init__(self, arguments: Sequence[Symbol], kept: Mapping[Symbol, tuple[Expr, bool]]) -> None:
        self.steps: list[Step] = []
        self.places: dict[Step, int] = {}
        self.known: dict[Expr, int] = {}
        self.inside = False  # a formula of whole numbers
        self.kept, self.kept_at = kept, dict[Symbol, int]()
        for i, x in enumerate(arguments):
            self.known[x] = self.place(Step("argument", (i,), frozenset((i,))))

    def place(self, step: Step) -> int:
        """Where a step is, made if there is none such."""
        if step not in self.places:
            self.places[step] = len(self.steps)
            self.steps.append(step)
        return self.places[step]

    def number(self, value: Number) -> int:
        """The step of a number."""
        return self.place(Step("number", (), frozenset(), whole(value)))

    def step(self, operation: str, *parts: int) -> int:
        """The step of an operation."""
        axes = frozenset[int]().union(*(self.steps[x].axes for x in parts))
        if all(self.steps[x].operation == "number" for x in parts):
            return self.number(FOLDED[operation](*(self.steps[x].value for x in parts)))
        return self.place(Step(operation, parts, axes))

    def chain(self, operation: str, parts: Iterable[int]) -> int:
        """An operation on several steps, those of few axes first."""
        found = list(parts)
        if operation == "multiply" and len(found) > 1:
            found = [x for x in found if self.steps[x].value != 1] or found[:1]
        return reduce(lambda a, b: self.step(operation, a, b), sorted(found, key=self.size))

    def size(self, place: int) -> tuple[int, list[int]]:
        """How steps are put in order: by the number of their axes, the same axes together."""
        return len(self.steps[place].axes), sorted(self.steps[place].axes)

    def needed(self, places: Iterable[int]) -> frozenset[int]:
        """Some steps and all that they are made of."""
        found, left = set[int](), list(places)
        while left:
            if (x := left.pop()) not in found:
                found.add(x)
                left += self.steps[x].parts if self.steps[x].operation != "argument" else ()
        return frozenset(found)

    def of(self, expr: Expr) -> int:
        """The step that a formula is."""
        if expr not in self.known:
            self.known[expr] = self.made(expr)
        return self.known[expr]

    def made(self, expr: Expr) -> int:
        """The step of a formula that was not met before."""
        if expr.func in ATOMS:
            return ATOMS[expr.func](self, expr)
        if expr.is_number:
            return self.number(exact_number(expr))
        if expr.is_Symbol:
            return self.named(expr)
        above, below = fraction(expr)
        if not below.is_number:
            return self.step("divide", self.of(above), self.of(below))
        return self.sum([parted_out(x) for x in factored(expr)])

    def named(self, x: Symbol) -> int:
        """The step of a symbol that is kept. Raises SymroofError for one that nothing defines."""
        if x not in self.kept:
            raise SymroofError(f"neither bound nor an axis: {x}")
        expr, whole = self.kept[x]
        outside, self.inside = self.inside, whole
        self.kept_at[x] = self.of(sympify(expr, strict=True))
        self.inside = outside
        return self.kept_at[x]

    def sum(self, terms: list[Term]) -> int:
        """A sum of products, by the axis that leaves the fewest products for all axes."""
        if len(terms) == 1:
            return self.product(*terms[0])
        below = lcm(*(x.denominator for x, _ in terms if isinstance(x, Fraction)))
        if self.inside and below > 1:  # fractions are slow, and one is enough
            return self.chain(
                "multiply", [self.number(Fraction(1, below)), self.sum([(x * below, y) for x, y in terms])]
            )
        axes = self.every((), terms)
        if not axes:
            return self.chain("add", [self.product(*x) for x in terms])
        ways = [self.parted(terms, axis) for axis in sorted(axes)]
        least = min(ways, key=lambda way: (sum(self.every(*x) == axes for x in way.items()), len(way)))
        return self.chain("add", [self.times(*x) for x in least.items()])

    def every(self, own: tuple[Expr, ...], rest: list[Term]) -> Axes:
        """The axes of factors times a sum of products."""
        return frozenset[int]().union(*(self.axes(x) for x in (*own, *(x for _, y in rest for x in y))))

    def times(self, own: tuple[Expr, ...], rest: list[Term]) -> int:
        """Factors times a sum of products."""
        if len(rest) == 1:
            return self.product(rest[0][0], (*own, *rest[0][1]))
        return self.chain("multiply", [*map(self.of, own), self.sum(rest)])

    def parted(self, terms: list[Term], axis: int) -> dict[tuple[Expr, ...], list[Term]]:
        """Terms by those of their factors that depend on an axis."""
        found: dict[tuple[Expr, ...], list[Term]] = {}
        for number, own in terms:
            key = tuple(x for x in own if axis in self.axes(x))
            found.setdefault(key, []).append((number, tuple(x for x in own if axis not in self.axes(x))))
        return found

    def product(self, number: Number, own: tuple[Expr, ...]) -> int:
        """A number times factors; into the arguments of a Max, where there is nothing else."""
        if len(own) == 1 and isinstance(own[0], Max) and number > 0:
            return self.chain("maximum", [self.of(sympify(number, strict=True) * x) for x in own[0].args])
        parts = [self.of(x) for x in own]
        return self.chain("multiply", parts if parts and number == 1 else [self.number(number), *parts])

    def axes(self, x: Expr) -> Axes:
        """The axes that a factor depends on."""
        return self.steps[self.of(x)].axes


def factored(expr: Expr) -> list[Term]:
    """A sum of products as terms."""
    return [factors(x) for x in Add.make_args(multiplied_out(expr))]


def parted_out(term: Term) -> Term:
    """A term with symbols ahead of a Max or Min that are in all of its arguments: none is below 0."""
    number, own = term
    found: list[Expr] = []
    for x in own:
        found += ahead(x) if isinstance(x, Max | Min) else (x,)
    return number, tuple(found)


def ahead(x: Expr) -> tuple[Expr, ...]:
    """The symbols in all arguments of a Max or Min, and what is left of it."""
    args = [factored(y) for y in x.args]
    every = [Counter(z for z in own if z.is_Symbol) for terms in args for _, own in terms]
    common = reduce(operator.and_, every)
    if not common:
        return (x,)
    left = (
        Add(*(sympify(number, strict=True) * Mul(*(Counter(own) - common).elements()) for number, own in terms))
        for terms in args
    )
    return (*common.elements(), x.func(*left, evaluate=False))


def factors(term: Expr) -> Term:
    """A term as a number and its factors, powers taken apart."""
    number, rest = term.as_coeff_Mul()
    own: list[Expr] = []
    for x in Mul.make_args(rest):
        whole = x.is_Pow and x.exp.is_Integer and x.exp > 0
        own += [x.base] * int(x.exp) if whole else [x] if x != 1 else []
    return exact_number(number), tuple(own)


def _floor(making: _Making, x: Expr) -> int:
    above, below = fraction(together(x.args[0]))
    return making.step("whole", making.of(above), making.of(below))


def _power(making: _Making, x: Expr) -> int:
    if x.exp.is_Integer:
        base = making.chain("multiply", [making.of(x.base)] * abs(int(x.exp)))
        return base if x.exp > 0 else making.step("divide", making.number(1), base)
    return making.step("power", making.of(x.base), making.of(x.exp))


ATOMS: dict[Any, Callable[[_Making, Expr], int]] = {
    Min: lambda making, x: making.chain("minimum", map(making.of, x.args)),
    Max: lambda making, x: making.chain("maximum", map(making.of, x.args)),
    LessThan: lambda making, x: making.step("most", *map(making.of, x.args)),
    log: lambda making, x: making.step("log", making.of(x.args[0])),
    floor: _floor,
    Pow: _power,
}
