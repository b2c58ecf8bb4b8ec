"""Which way of counting gives a number that somebody quoted: all combinations of choices, the nearest first."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, exact_number
from symroof.analysis import counting_choices
from symroof.analysis.conventions import Conventions, by_convention
from symroof.analysis.counting_choices import Ways
from symroof.analysis.quoted_number import Quote, quote
from symroof.cost.batch import queries
from symroof.model.model import Model
from symroof.model.report import plain

SCHEMA = "symroof.match/1"
LISTED = 10


WAYS: dict[str, Callable[[Model, int], Ways]] = {
    "flops": counting_choices.flops,
    "params": counting_choices.params,
    "kv": counting_choices.kv,
}


@dataclass(frozen=True)
class Guess:
    """A way of counting: its choices, its closed form, the value, and how many of the choices are unusual."""

    choices: Mapping[str, str]
    formula: Expr
    value: Any
    unusual: int


@dataclass(frozen=True)
class Match:
    """The ways of counting a quantity of a model, nearest to a quoted number first; `agreeing` round to its digits."""

    model: str
    family: str
    sequence: int
    quoted: Quote
    guesses: tuple[Guess, ...]
    agreeing: int
    tried: int
    parts: Mapping[Symbol, Expr]
    values: Mapping[Symbol, Any]
    usual: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The match as JSON has it."""
        names = {
            "schema": SCHEMA,
            "model": self.model,
            "sequence": self.sequence,
            "quantity": self.quoted.quantity,
            "quoted": plain(self.quoted.value),
            "tried": self.tried,
            "agreeing": self.agreeing,
        }
        parts = {str(x): {"formula": str(y), "value": plain(self.values[x])} for x, y in self.parts.items()}
        found = [
            {
                "ratio": self.quoted.ratio(x.value),
                "value": plain(x.value),
                "formula": str(x.formula),
                "choices": dict(x.choices),
            }
            for x in self.guesses
        ]
        return {**names, "parts": parts, "guesses": found}

    def __str__(self) -> str:
        from symroof.render.results.conventions import render_match

        return render_match(self)


def match(model: Model, quoted: str, sequence: int = 2048, limit: int = LISTED) -> Match:
    """The ways of counting that come nearest to a quoted number: `flops=1.57e10`, `params=8.03e9`, `kv=131072`.

    Those that round to the digits quoted stand first, the usual ones ahead; the others follow by distance. FLOP and
    bytes are those of a token in a sequence of `sequence` tokens, or of the sequence. Raises UsageError.
    """
    asked = quote(quoted)
    (length,) = queries(sequence)
    tried = WAYS[asked.quantity](model, length.new)
    counted = by_convention(model, length.new) if asked.quantity == "flops" else None
    parts = {**tried.parts, **(counted.definitions if counted else {})}
    bound = Binding({**model.sizes, s.n: Integer(length.new)}, parts)
    values = {x: exact_number(bound(x)) for x in parts}
    numbers = {x: bound(x) for x in bound.definitions}
    absent = {x: Integer(0) for x, value in values.items() if value == 0}
    found: dict[Any, Guess] = {}
    for choices, formula, unusual in chain(published(counted) if counted else (), tried):
        value = exact_number(formula.xreplace(numbers))
        if value > 0 and (value not in found or unusual < found[value].unusual):
            found[value] = Guess(choices, formula.xreplace(absent), value, unusual)
    ordered = sorted(found.values(), key=lambda x: place(x, asked))
    agreeing = sum(asked.agrees(x.value) for x in ordered)
    usual = {title: next(iter(x)) for title, x in tried.axes.items() if len(x) > 1}
    return Match(
        model.name,
        model.family,
        length.new,
        asked,
        tuple(ordered[:limit]),
        agreeing,
        len(ordered),
        parts,
        values,
        usual,
    )


def published(counted: Conventions) -> Iterator[tuple[dict[str, str], Expr, int]]:
    """The conventions of papers and tools that a model has numbers under, as ways of counting."""
    for x in counted.rows[:-1]:
        for name in ("training", "inference"):
            if getattr(x, name) is not None:
                yield {"convention": x.convention.name, "pass": name}, getattr(x.convention, name), 0


def place(x: Guess, asked: Quote) -> tuple[bool, float, float]:
    """Where a guess stands among others."""
    away = abs(math.log(asked.ratio(x.value)))
    return (False, x.unusual, away) if asked.agrees(x.value) else (True, away, x.unusual)
