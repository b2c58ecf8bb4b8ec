"""Formulas as ufunc programs, each step of which is on the smallest grid of axes that it depends on.

A sum of products is split by one axis after another, and a Max comes after what all its arguments have in common,
so that what is left for the whole grid is about one multiply-add. Symbols that are `defined` are separate steps and
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

from symroof.algebra.arithmetic import exact_power, exact_quotient, int_if_whole
from symroof.algebra.binding import exact_number
from symroof.algebra.points import multiplied_out
from symroof.errors import SymroofError
from symroof.sweeps.ufunc_program import WHOLE, Axes, Number, UfuncProgram, UfuncStep

# What an operation makes of numbers, exactly where it can.
FOLDED: Mapping[str, Callable[..., Any]] = {
    "add": operator.add,
    "multiply": operator.mul,
    "divide": exact_quotient,
    "minimum": min,
    "maximum": max,
    "whole": operator.floordiv,
    "power": exact_power,
    "log": math.log,
    "most": lambda x, y: float(x <= y),
}
Term = tuple[Number, tuple[Expr, ...]]  # a number times factors


def compile_program(
    exprs: Iterable[Any], arguments: Sequence[Symbol], defined: Mapping[Symbol, tuple[Expr, bool]]
) -> UfuncProgram:
    """The program of some formulas; `defined`: symbols with their formulas, and whether those are of whole numbers."""
    compiler = _Compiler(arguments, defined)
    results = tuple(compiler.of(sympify(x, strict=True)) for x in exprs)
    places = [place for x, place in compiler.places_of_defined.items() if defined[x][1]]
    exact = compiler.needed(
        x for x in places if all(compiler.steps[y].operation in WHOLE for y in compiler.needed((x,)))
    )
    return UfuncProgram(tuple(map(str, arguments)), tuple(compiler.steps), results, exact)


class _Compiler:
    """Steps made so far; equal ones are one."""

    def __init__(self, arguments: Sequence[Symbol], defined: Mapping[Symbol, tuple[Expr, bool]]) -> None:
        self.steps: list[UfuncStep] = []
        self.places: dict[UfuncStep, int] = {}
        self.known: dict[Expr, int] = {}
        self.inside = False  # a formula of whole numbers
        self.defined, self.places_of_defined = defined, dict[Symbol, int]()
        for i, x in enumerate(arguments):
            self.known[x] = self.place(UfuncStep("argument", (i,), frozenset((i,))))

    def place(self, step: UfuncStep) -> int:
        """The index of a step, which is added if it is new."""
        if step not in self.places:
            self.places[step] = len(self.steps)
            self.steps.append(step)
        return self.places[step]

    def number(self, value: Number) -> int:
        """The step of a number."""
        return self.place(UfuncStep("number", (), frozenset(), int_if_whole(value)))

    def step(self, operation: str, *parts: int) -> int:
        """The step of an operation."""
        axes = frozenset[int]().union(*(self.steps[x].axes for x in parts))
        if all(self.steps[x].operation == "number" for x in parts):
            return self.number(FOLDED[operation](*(self.steps[x].value for x in parts)))
        return self.place(UfuncStep(operation, parts, axes))

    def chain(self, operation: str, parts: Iterable[int]) -> int:
        """An operation on several steps, those of few axes first."""
        ordered = list(parts)
        if operation == "multiply" and len(ordered) > 1:
            ordered = [x for x in ordered if self.steps[x].value != 1] or ordered[:1]
        return reduce(lambda a, b: self.step(operation, a, b), sorted(ordered, key=self.size))

    def size(self, place: int) -> tuple[int, list[int]]:
        """How steps are put in order: by the number of their axes, the same axes together."""
        return len(self.steps[place].axes), sorted(self.steps[place].axes)

    def needed(self, places: Iterable[int]) -> frozenset[int]:
        """Some steps and all steps that they use."""
        seen, left = set[int](), list(places)
        while left:
            if (x := left.pop()) not in seen:
                seen.add(x)
                left += self.steps[x].parts if self.steps[x].operation != "argument" else ()
        return frozenset(seen)

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
        return self.sum([with_common_symbols_ahead(x) for x in terms_of_sum(expr)])

    def named(self, x: Symbol) -> int:
        """The step of a symbol that is defined. Raises SymroofError for any other."""
        if x not in self.defined:
            raise SymroofError(f"neither bound nor an axis: {x}")
        expr, whole = self.defined[x]
        outside, self.inside = self.inside, whole
        self.places_of_defined[x] = self.of(sympify(expr, strict=True))
        self.inside = outside
        return self.places_of_defined[x]

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
        splits = [self.parted(terms, axis) for axis in sorted(axes)]
        least = min(splits, key=lambda way: (sum(self.every(*x) == axes for x in way.items()), len(way)))
        return self.chain("add", [self.times(*x) for x in least.items()])

    def every(self, factors: tuple[Expr, ...], rest: list[Term]) -> Axes:
        """The axes of factors times a sum of products."""
        return frozenset[int]().union(*(self.axes(x) for x in (*factors, *(x for _, y in rest for x in y))))

    def times(self, factors: tuple[Expr, ...], rest: list[Term]) -> int:
        """Factors times a sum of products."""
        if len(rest) == 1:
            return self.product(rest[0][0], (*factors, *rest[0][1]))
        return self.chain("multiply", [*map(self.of, factors), self.sum(rest)])

    def parted(self, terms: list[Term], axis: int) -> dict[tuple[Expr, ...], list[Term]]:
        """Terms by those of their factors that depend on an axis."""
        groups: dict[tuple[Expr, ...], list[Term]] = {}
        for number, factors in terms:
            key = tuple(x for x in factors if axis in self.axes(x))
            groups.setdefault(key, []).append((number, tuple(x for x in factors if axis not in self.axes(x))))
        return groups

    def product(self, number: Number, factors: tuple[Expr, ...]) -> int:
        """A number times factors; into the arguments of a Max, where there is nothing else."""
        if len(factors) == 1 and isinstance(factors[0], Max) and number > 0:
            return self.chain("maximum", [self.of(sympify(number, strict=True) * x) for x in factors[0].args])
        parts = [self.of(x) for x in factors]
        return self.chain("multiply", parts if parts and number == 1 else [self.number(number), *parts])

    def axes(self, x: Expr) -> Axes:
        """The axes that a factor depends on."""
        return self.steps[self.of(x)].axes


def terms_of_sum(expr: Expr) -> list[Term]:
    """A sum of products as terms."""
    return [term_factors(x) for x in Add.make_args(multiplied_out(expr))]


def with_common_symbols_ahead(term: Term) -> Term:
    """A term with symbols ahead of a Max or Min that are in all of its arguments: none is below 0."""
    number, factors = term
    split: list[Expr] = []
    for x in factors:
        split += common_symbols_ahead(x) if isinstance(x, Max | Min) else (x,)
    return number, tuple(split)


def common_symbols_ahead(x: Expr) -> tuple[Expr, ...]:
    """The symbols in all arguments of a Max or Min, and what is left of it."""
    args = [terms_of_sum(y) for y in x.args]
    every = [Counter(z for z in factors if z.is_Symbol) for terms in args for _, factors in terms]
    common = reduce(operator.and_, every)
    if not common:
        return (x,)
    left = (
        Add(*(sympify(number, strict=True) * Mul(*(Counter(factors) - common).elements()) for number, factors in terms))
        for terms in args
    )
    return (*common.elements(), x.func(*left, evaluate=False))


def term_factors(term: Expr) -> Term:
    """A term as a number and its factors, powers split."""
    number, rest = term.as_coeff_Mul()
    factors: list[Expr] = []
    for x in Mul.make_args(rest):
        whole = x.is_Pow and x.exp.is_Integer and x.exp > 0
        factors += [x.base] * int(x.exp) if whole else [x] if x != 1 else []
    return exact_number(number), tuple(factors)


def _floor(compiler: _Compiler, x: Expr) -> int:
    above, below = fraction(together(x.args[0]))
    return compiler.step("whole", compiler.of(above), compiler.of(below))


def _power(compiler: _Compiler, x: Expr) -> int:
    if x.exp.is_Integer:
        base = compiler.chain("multiply", [compiler.of(x.base)] * abs(int(x.exp)))
        return base if x.exp > 0 else compiler.step("divide", compiler.number(1), base)
    return compiler.step("power", compiler.of(x.base), compiler.of(x.exp))


ATOMS: dict[Any, Callable[[_Compiler, Expr], int]] = {
    Min: lambda compiler, x: compiler.chain("minimum", map(compiler.of, x.args)),
    Max: lambda compiler, x: compiler.chain("maximum", map(compiler.of, x.args)),
    LessThan: lambda compiler, x: compiler.step("most", *map(compiler.of, x.args)),
    log: lambda compiler, x: compiler.step("log", compiler.of(x.args[0])),
    floor: _floor,
    Pow: _power,
}
