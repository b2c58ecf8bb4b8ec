"""Formulas as Python source that works in exact numbers: known numbers folded, what occurs twice named."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, partial
from keyword import iskeyword
from typing import Any

from sympy import Add, Basic, Expr, Float, Max, Min, Mul, Piecewise, Pow, Rational, Symbol, floor, sympify
from sympy.core.relational import Relational
from sympy.functions.elementary.piecewise import ExprCondPair
from sympy.logic.boolalg import Boolean

from symroof.algebra.arithmetic import EXACT_POWER, SPACE, definitions_in, exact_power, exact_quotient, int_if_whole
from symroof.algebra.fold import Table, fold
from symroof.errors import SymroofError

RESERVED = {*SPACE, *SPACE["__builtins__"]}  # names that no argument may have

Operand = int | float | Fraction | str  # a number, or source that binds more tightly than any operator
NO_DIVISOR = ""


def exact_function(exprs: Iterable[Expr], symbols: Iterable[Symbol]) -> Callable[..., list[Any]]:
    """A function that evaluates `exprs` in Python's exact numbers (int, Fraction), given those of `symbols`.

    Raises SymroofError for a symbol that is not among them, or a function that has no exact arithmetic.
    """
    arguments = list(symbols)
    run = definitions_in(function_source("run", arguments, [sympify(x, strict=True) for x in exprs]))["run"]
    return lambda *values: [int_if_whole(x) for x in run(*values)]


def function_source(
    name: str, arguments: Sequence[Symbol], exprs: Sequence[Expr], definitions: Mapping[Symbol, Expr] | None = None
) -> str:
    """Source of a function that returns the values of `exprs` as a tuple; `definitions` replace symbols."""
    names = {x: argument_name(x, i) for i, x in enumerate(arguments)}
    defined = definitions or {}
    writer = Writer(defined, repeated_parts(exprs, defined), {x: y for x, y in names.items() if x not in defined})
    results = [source_text(writer.operand(x)) for x in exprs]
    head, last = f"def {name}({', '.join(names.values())}):", f"return ({''.join(f'{x}, ' for x in results)})"
    lines = [head, *(f"{part} = {x}" for x, part in writer.names.items()), last]
    return "\n    ".join(lines) + "\n"


def argument_name(x: Symbol, place: int) -> str:
    """An argument's name: that of the symbol where Python allows it."""
    name = str(x)
    plain = name.isidentifier() and not iskeyword(name) and name not in RESERVED and name[0] != "_"
    return name if plain else f"_a{place}"


def parts_of(x: Basic, definitions: Mapping[Symbol, Expr]) -> tuple[Basic, ...]:
    """The arguments of a formula; of a symbol, its definition."""
    return (definitions[x],) if x in definitions else x.args


def repeated_parts(exprs: Iterable[Expr], definitions: Mapping[Symbol, Expr]) -> set[Basic]:
    """The parts of formulas that occur more than once, but for what has to stay: denominators, pieces."""
    seen: set[Basic] = set()
    repeated: set[Basic] = set()
    rest = list(exprs)
    while rest:
        x = rest.pop()
        if x in seen:
            repeated.add(x)
        elif not x.is_Atom or x in definitions:
            seen.add(x)
            rest.extend(parts_of(x, definitions))
    return {x for x in repeated if not is_reciprocal(x) and not isinstance(x, ExprCondPair)}


def is_reciprocal(x: Basic) -> bool:
    """Whether a formula is one over another."""
    return isinstance(x, Pow) and x.exp.is_Integer and bool(x.exp.is_negative)


def source_text(x: Operand) -> str:
    """Source of a number or formula."""
    if isinstance(x, Fraction):
        return f"Fraction({x.numerator}, {x.denominator})"
    return x if isinstance(x, str) else repr(x)


@dataclass
class Writer:
    """Source under construction: `operands` of the parts written so far; `names` of the `repeated` ones, by source."""

    definitions: Mapping[Symbol, Expr]
    repeated: set[Basic]
    operands: dict[Any, Operand]
    names: dict[str, str] = field(default_factory=dict)
    sides: dict[Basic, tuple[Operand, Operand]] = field(default_factory=dict)  # of products and reciprocals
    _entered: set[Symbol] = field(default_factory=set)

    def operand(self, x: Expr) -> Operand:
        """A formula as a number or source, each part written once."""
        return fold(x, self._table, self.operands, self._parts)  # type: ignore[no-any-return]

    @cached_property
    def _table(self) -> Table:
        return Table({kind: partial(self._named, rule) for kind, rule in RULES.items()})

    def _named(self, rule: "OperandRule", x: Basic, args: Sequence[Operand]) -> Operand:
        operand = rule(self, x, args)
        if x in self.repeated and isinstance(operand, str) and not operand.isidentifier():
            return self.names.setdefault(operand, f"_{len(self.names)}")
        return operand

    def _parts(self, x: Basic) -> tuple[Basic, ...]:
        if x in self._entered:  # and not written yet: its definition leads back to it
            raise SymroofError(f"circular definition of {x}")
        if x in self.definitions:
            self._entered.add(x)
        return parts_of(x, self.definitions)


OperandRule = Callable[[Writer, Any, Sequence[Operand]], Operand]


def rational_operand(_: Writer, x: Any, __: Sequence[Operand]) -> Operand:
    """An exact number."""
    return int_if_whole(Fraction(int(x.p), int(x.q)))  # type: ignore[no-any-return]


def defined_operand(_: Writer, x: Symbol, args: Sequence[Operand]) -> Operand:
    """A symbol that is not an argument, by its definition."""
    if not args:
        raise SymroofError(f"neither bound nor free: {x}")
    return args[0]


def refuse_operand(_: Writer, x: Basic, __: Sequence[Operand]) -> Operand:
    """Raises SymroofError."""
    raise SymroofError(f"no exact arithmetic for {x}")


def sum_operand(_: Writer, __: Add, args: Sequence[Operand]) -> Operand:
    """A sum."""
    numbers, sources = numbers_and_sources(args)
    total = sum(numbers)
    if not sources:
        return int_if_whole(total)  # type: ignore[no-any-return]
    terms = [*sources, *([source_text(total)] if total else [])]
    return f"({' + '.join(terms)})" if len(terms) > 1 else terms[0]


def product_operand(writer: Writer, x: Mul, args: Sequence[Operand]) -> Operand:
    """A product; its denominators are divided by at once, so that what divides stays whole."""
    above, below = [], []
    for factor, operand in zip(x.args, args, strict=True):
        if is_reciprocal(factor):
            below.append(writer.sides[factor][1])
        else:
            above.append(operand)
    writer.sides[x] = sides = sides_of(above, below)
    return quotient_operand(*sides)


def sides_of(factors: Iterable[Operand], divisors: Iterable[Operand]) -> tuple[Operand, Operand]:
    """Numerator and denominator of a product, the latter NO_DIVISOR where it is 1."""
    above_numbers, above = numbers_and_sources(factors)
    below_numbers, below = numbers_and_sources(divisors)
    number: Any = math.prod(above_numbers, start=Fraction(1)) / math.prod(below_numbers, start=Fraction(1))
    if number == 0:
        return product_source(int_if_whole(number), above), NO_DIVISOR
    top, bottom = (number, 1) if isinstance(number, float) else (number.numerator, number.denominator)
    return product_source(top, above), product_source(bottom, below) if below or bottom != 1 else NO_DIVISOR


def product_source(number: int | float, sources: list[str]) -> Operand:
    """A number times formulas."""
    if not sources:
        return number
    if number == 0:
        return 0
    return "*".join(sources if number == 1 else [source_text(number), *sources])


def quotient_operand(above: Operand, below: Operand) -> Operand:
    """One side over the other."""
    if below == NO_DIVISOR:
        return above
    if isinstance(above, str) or isinstance(below, str):
        return 0 if above == 0 else f"over({source_text(above)}, {source_text(below)})"
    return exact_quotient(above, below)  # type: ignore[no-any-return]


def power_operand(writer: Writer, x: Pow, args: Sequence[Operand]) -> Operand:
    """A power; a reciprocal is a quotient."""
    base, exponent = args
    if not is_reciprocal(x):
        return power_source(base, exponent)
    writer.sides[x] = sides = 1, power_source(base, -int(x.exp))
    return quotient_operand(*sides)


def power_source(base: Operand, exponent: Operand) -> Operand:
    """base ** exponent."""
    if not isinstance(base, str) and not isinstance(exponent, str):
        return exact_power(base, exponent)  # type: ignore[no-any-return]
    if exponent == 1:
        return base
    if isinstance(base, str) and isinstance(exponent, int) and 0 < exponent <= EXACT_POWER:
        return f"{base if base.isidentifier() else f'({base})'}**{exponent}"
    return f"power({source_text(base)}, {source_text(exponent)})"


def floor_operand(writer: Writer, x: floor, args: Sequence[Operand]) -> Operand:
    """The whole part, of a quotient by whole division."""
    above, below = writer.sides.get(x.args[0]) or sides_of(args, ())
    if below == NO_DIVISOR:
        return f"floor({above})" if isinstance(above, str) else math.floor(above)
    if isinstance(above, str) or isinstance(below, str):
        return f"(({source_text(above)})//({source_text(below)}))"
    return above // below


def extreme_operand(name: str, pick: Callable[..., Any]) -> OperandRule:
    """The least or largest of some formulas."""

    def rule(_: Writer, __: Any, args: Sequence[Operand]) -> Operand:
        numbers, sources = numbers_and_sources(args)
        if not sources:
            return pick(numbers)  # type: ignore[no-any-return]
        return f"{name}({', '.join([*sources, *([source_text(pick(numbers))] if numbers else [])])})"

    return rule


def comparison_operand(_: Writer, x: Relational, args: Sequence[Operand]) -> Operand:
    """Whether one formula compares to another as it says."""
    left, right = map(source_text, args)
    return f"({left} {x.rel_op} {right})"


def truth_operand(_: Writer, x: Basic, __: Sequence[Operand]) -> Operand:
    """True or False."""
    return str(bool(x))


def piece_operand(_: Writer, __: Basic, args: Sequence[Operand]) -> Operand:
    """A formula that holds under a condition, up to where there is another one."""
    value, condition = map(source_text, args)
    return f"{value} if {condition}"


def pieces_operand(_: Writer, __: Piecewise, args: Sequence[Operand]) -> Operand:
    """The first of some formulas whose condition holds; the last one's always does."""
    return f"({' else '.join(map(str, args)).removesuffix(' if True')})"


def numbers_and_sources(operands: Iterable[Operand]) -> tuple[list[Any], list[str]]:
    """The numbers, and the sources."""
    numbers: list[Any] = []
    sources: list[str] = []
    for x in operands:
        if isinstance(x, str):
            sources.append(x)
        else:
            numbers.append(x)
    return numbers, sources


RULES: dict[type, OperandRule] = {
    Add: sum_operand,
    Mul: product_operand,
    Pow: power_operand,
    floor: floor_operand,
    Min: extreme_operand("min", min),
    Max: extreme_operand("max", max),
    Relational: comparison_operand,
    Boolean: truth_operand,
    ExprCondPair: piece_operand,
    Piecewise: pieces_operand,
    Symbol: defined_operand,
    Rational: rational_operand,
    Float: lambda _, x, __: float(x),
    Basic: refuse_operand,
}
