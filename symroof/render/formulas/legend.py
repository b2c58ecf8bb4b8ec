"""What the symbols of printed formulas stand for: in words, with values, and the config keys these are read from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.binding import reachable_symbols
from symroof.cost.notation import symbol_order
from symroof.cost.rules import Layer
from symroof.model.model import Model
from symroof.render.formulas.definitions import Definition, definitions_of
from symroof.render.formulas.words import symbol_in_words

ORIGINS = {"width": "the precision", "machine": "the machine", "training": "the training run"}


@dataclass(frozen=True)
class KnownSize:
    """A symbol, its value, and the config key or whatever else it is read from."""

    name: Symbol
    value: str
    source: str


@dataclass(frozen=True)
class Legend:
    """What each query adds to sums, what other names stand for, symbols without a value, sizes; meanings in words."""

    added: Sequence[Definition]
    others: Sequence[Definition]
    free: Sequence[Symbol]
    sizes: Sequence[KnownSize]
    words: Mapping[Expr, str]


def legend_of(exprs: Sequence[Expr], layer: Layer, model: Model, known: Mapping[Symbol, Any]) -> Legend:
    """The legend of formulas under the definitions of a layer; `known`: values of symbols."""
    definitions = definitions_of(exprs, layer)
    names = [x.name for x in definitions]
    added = [x for x in definitions if s.group(x.name) == "batch"]
    explained = {*names, *((s.n, s.c) if added else ())}
    rest = sorted(reachable_symbols(exprs, layer) - explained, key=lambda x: symbol_order(str(x)))
    words = {x: symbol_in_words(str(x), model.architecture.structure) for x in (*names, *rest) if s.group(x)}
    sizes = [size_of(x, model, known[x]) for x in rest if x in known]
    others = [x for x in definitions if x not in added]
    return Legend(added, others, [x for x in rest if x not in known], sizes, words)


def size_of(x: Symbol, model: Model, value: Any) -> KnownSize:
    """A symbol with its value and where that is from."""
    group = s.group(x)
    source = model.architecture.origin.get(str(x), ORIGINS.get(group, ""))
    return KnownSize(x, f"{value:,}" if group == "size" else exact_text(Fraction(value)), source)


def exact_text(x: Fraction) -> str:
    """A number as a decimal where that is exact, else as a fraction."""
    return f"{float(x):g}" if Fraction(f"{float(x):g}") == x else str(float(x)) if float(x) == x else str(x)
