"""Formulas as Python source that works in exact numbers: known numbers folded, what occurs twice named."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from keyword import iskeyword
from typing import Any

from sympy import Add, Basic, Expr, Max, Min, Mul, Pow, Symbol, floor, sympify

from symroof.algebra.arithmetic import EXACT_POWER, SPACE, module, over, power, whole
from symroof.errors import SymroofError

TAKEN = {*SPACE, *SPACE["__builtins__"]}

Written = int | float | Fraction | str  # a number, or source that no operator tears apart


def compiled(exprs: Iterable[Expr], symbols: Iterable[Symbol]) -> Callable[..., list[Any]]:
    """A function that evaluates `exprs` in Python's exact numbers (int, Fraction), given those of `symbols`.

    Raises SymroofError for a symbol that is not among them, or a function that has no exact arithmetic.
    """
    arguments = list(symbols)
    run = module(function("run", arguments, [sympify(x, strict=True) for x in exprs]))["run"]
    return lambda *values: [whole(x) for x in run(*values)]


def function(
    name: str, arguments: Sequence[Symbol], exprs: Sequence[Expr], definitions: Mapping[Symbol, Expr] | None = None
) -> str:
    """Source of a function that returns the values of `exprs` as a tuple; what `definitions` has is put in."""
    spelled = {x: spelling(x, i) for i, x in enumerate(arguments)}
    defined = definitions or {}
    writer = Writer(defined, repeated(exprs, defined), {x: y for x, y in spelled.items() if x not in defined})
    results = [written(writer.told(x)) for x in exprs]
    head, last = f"def {name}({', '.join(spelled.values())}):", f"return ({''.join(f'{x}, ' for x in results)})"
    lines = [head, *(f"{part} = {x}" for x, part in writer.names.items()), last]
    return "\n    ".join(lines) + "\n"


def spelling(x: Symbol, place: int) -> str:
    """An argument's name: the symbol's own where Python takes it."""
    name = str(x)
    plain = name.isidentifier() and not iskeyword(name) and name not in TAKEN and name[0] != "_"
    return name if plain else f"_a{place}"


def inner(x: Basic, definitions: Mapping[Symbol, Expr]) -> tuple[Basic, ...]:
    """What a formula is made of; of a symbol, what it stands for."""
    return (definitions[x],) if x in definitions else x.args


def repeated(exprs: Iterable[Expr], definitions: Mapping[Symbol, Expr]) -> set[Basic]:
    """The parts of formulas that occur more than once; reciprocals aside, which have to stay denominators."""
    seen: set[Basic] = set()
    twice: set[Basic] = set()
    rest = list(exprs)
    while rest:
        x = rest.pop()
        if x.is_Atom and x not in definitions:
            continue
        if x in seen and not reciprocal(x):
            twice.add(x)
        elif x not in seen:
            seen.add(x)
            rest.extend(inner(x, definitions))
    return twice


def reciprocal(x: Basic) -> bool:
    """Whether a formula is one over another."""
    return isinstance(x, Pow) and x.exp.is_Integer and bool(x.exp.is_negative)


def written(x: Written) -> str:
    """Source of a number or formula."""
    if isinstance(x, Fraction):
        return f"Fraction({x.numerator}, {x.denominator})"
    return x if isinstance(x, str) else repr(x)


@dataclass
class Writer:
    """Source in the making: `names` of what is `repeated`, by its source; `done` has what is written so far."""

    definitions: Mapping[Symbol, Expr]
    repeated: set[Basic]
    done: dict[Basic, Any]
    names: dict[str, str] = field(default_factory=dict)

    def told(self, x: Basic) -> Written:
        """A formula as a number or source, each part written once."""
        if x not in self.done:
            self.done[x] = None  # under way: a definition that comes back to itself finds it
            found = self._new(x)
            if x in self.repeated and isinstance(found, str) and not found.isidentifier():
                found = self.names.setdefault(found, f"_{len(self.names)}")
            self.done[x] = found
        if self.done[x] is None:
            raise SymroofError(f"circular definition of {x}")
        return self.done[x]  # type: ignore[no-any-return]

    def _new(self, x: Any) -> Written:
        if x in self.definitions:
            return self.told(self.definitions[x])
        if x.is_Rational:
            return whole(Fraction(int(x.p), int(x.q)))  # type: ignore[no-any-return]
        if x.is_Float:
            return float(x)
        if x.is_Symbol:
            raise SymroofError(f"neither bound nor free: {x}")
        kind = next((y for y in WAYS if isinstance(x, y)), None)
        if kind is None:
            raise SymroofError(f"no exact arithmetic for {x}")
        return WAYS[kind](self, x)


def add(writer: Writer, x: Any) -> Written:
    """A sum."""
    numbers, sources = parted(map(writer.told, x.args))
    total = sum(numbers)
    if not sources:
        return whole(total)  # type: ignore[no-any-return]
    terms = [*sources, *([written(total)] if total else [])]
    return f"({' + '.join(terms)})" if len(terms) > 1 else terms[0]


def multiply(writer: Writer, x: Any) -> Written:
    """A product; its denominators are divided by at once, so that what divides stays whole."""
    above, below = sides(writer, x)
    return quotient(above, below) if below else above


def sides(writer: Writer, x: Any) -> tuple[Written, Written]:
    """Numerator and denominator of a product, the latter an empty source where it is 1."""
    above, below = [], []
    for factor in Mul.make_args(x):
        if reciprocal(factor):
            below.append(raised(writer.told(factor.base), -int(factor.exp)))
        else:
            above.append(writer.told(factor))
    numbers, sources = parted(above)
    divisors, lower = parted(below)
    number: Any = math.prod(numbers, start=Fraction(1)) / math.prod(divisors, start=Fraction(1))
    if isinstance(number, float):
        return product(number, sources), product(1, lower) if lower else ""
    if not number:
        return 0, ""
    lower_side = product(number.denominator, lower) if lower or number.denominator != 1 else ""
    return product(number.numerator, sources), lower_side


def product(number: int | float, sources: list[str]) -> Written:
    """A number times formulas."""
    if not sources:
        return number
    if number == 0:
        return 0
    return "*".join(sources if number == 1 else [written(number), *sources])


def quotient(above: Written, below: Written) -> Written:
    """One side over the other."""
    if isinstance(above, str) or isinstance(below, str):
        return 0 if above == 0 else f"over({written(above)}, {written(below)})"
    return over(above, below)  # type: ignore[no-any-return]


def raise_to(writer: Writer, x: Any) -> Written:
    """A power; a reciprocal by itself is a quotient."""
    if reciprocal(x):
        return quotient(1, raised(writer.told(x.base), -int(x.exp)))
    return raised(writer.told(x.base), writer.told(x.exp))


def raised(base: Written, exponent: Written) -> Written:
    """base ** exponent."""
    if not isinstance(base, str) and not isinstance(exponent, str):
        return power(base, exponent)  # type: ignore[no-any-return]
    if exponent == 1:
        return base
    if isinstance(exponent, int) and 0 < exponent <= EXACT_POWER:
        return f"{written(base) if written(base).isidentifier() else f'({written(base)})'}**{exponent}"
    return f"power({written(base)}, {written(exponent)})"


def rounded(writer: Writer, x: Any) -> Written:
    """The whole part, of a quotient by whole division."""
    above, below = sides(writer, x.args[0])
    if not below:
        return f"floor({above})" if isinstance(above, str) else math.floor(above)
    if isinstance(above, str) or isinstance(below, str):
        return f"(({written(above)})//({written(below)}))"
    return above // below


def extreme(name: str, pick: Callable[..., Any]) -> Callable[[Writer, Any], Written]:
    """The least or largest of some formulas."""

    def tell(writer: Writer, x: Any) -> Written:
        numbers, sources = parted(map(writer.told, x.args))
        if not sources:
            return pick(numbers)  # type: ignore[no-any-return]
        return f"{name}({', '.join([*sources, *([written(pick(numbers))] if numbers else [])])})"

    return tell


def parted(found: Iterable[Written]) -> tuple[list[Any], list[str]]:
    """The numbers, and the sources."""
    numbers: list[Any] = []
    sources: list[str] = []
    for x in found:
        if isinstance(x, str):
            sources.append(x)
        else:
            numbers.append(x)
    return numbers, sources


WAYS: dict[type, Callable[[Writer, Any], Written]] = {
    Add: add,
    Mul: multiply,
    Pow: raise_to,
    floor: rounded,
    Min: extreme("min", min),
    Max: extreme("max", max),
}
