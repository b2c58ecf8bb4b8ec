"""Which counting choices give a quoted number: all combinations, the nearest first."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, exact_number
from symroof.analysis import counting_choices
from symroof.analysis.conventions import Conventions, by_convention
from symroof.analysis.counting_choices import Combination, CountingChoices
from symroof.analysis.quoted_number import Quote, quote
from symroof.cost.batch import queries
from symroof.model.model import Model, Source, as_model
from symroof.model.report import json_number
from symroof.results import Result

SCHEMA = "symroof.match/1"
LISTED = 10


CHOICES: dict[str, Callable[[Model, int], CountingChoices]] = {
    "flops": counting_choices.flop_choices,
    "params": counting_choices.parameter_choices,
    "kv": counting_choices.kv_choices,
}


@dataclass(frozen=True)
class Guess:
    """A combination of counting choices: its closed form, its value, and how many of the choices are unusual."""

    choices: Mapping[str, str]
    formula: Expr
    value: Any
    unusual: int

    def to_dict(self, quoted: Quote) -> dict[str, Any]:
        """The guess as JSON has it."""
        ratio, value = quoted.ratio(self.value), json_number(self.value)
        return {"ratio": ratio, "value": value, "formula": str(self.formula), "choices": dict(self.choices)}


@dataclass(frozen=True, repr=False)
class Match(Result):
    """Counts of a quantity of a model, the nearest to a quoted number first; `agreeing` of them round to its digits."""

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

    def __repr__(self) -> str:
        best = f"{self.guesses[0].value}, {self.agreeing} agree" if self.guesses else "nothing near"
        return f"<symroof match of {self.quoted.quantity} of {self.model}: {best} of {self.tried} counts>"

    def to_dict(self) -> dict[str, Any]:
        """The match as JSON has it."""
        return {
            "schema": SCHEMA,
            "model": self.model,
            "sequence": self.sequence,
            "quantity": self.quoted.quantity,
            "quoted": json_number(self.quoted.value),
            "tried": self.tried,
            "agreeing": self.agreeing,
            "parts": {str(x): {"formula": str(y), "value": json_number(self.values[x])} for x, y in self.parts.items()},
            "guesses": [x.to_dict(self.quoted) for x in self.guesses],
        }

    def closed_forms(self) -> dict[str, Any]:
        """The nearest count, and its parts."""
        if not self.guesses:
            return {}
        return {self.quoted.quantity: self.guesses[0].formula, **{str(x): y for x, y in self.parts.items()}}


def match(model: Model | Source, quoted: str, sequence: int = 2048, limit: int = LISTED) -> Match:
    """The counts that come nearest to a quoted number: `flops=1.57e10`, `params=8.03e9`, `kv=131072`.

    Those that round to the digits quoted come first, the usual ones ahead; the others follow by distance. FLOP and
    bytes are per token in a sequence of `sequence` tokens, or those of the sequence. Raises UsageError.
    """
    model = as_model(model)
    number = quote(quoted)
    (length,) = queries(sequence)
    tried = CHOICES[number.quantity](model, length.new)
    conventions = by_convention(model, length.new) if number.quantity == "flops" else None
    parts = {**tried.parts, **(conventions.definitions if conventions else {})}
    bound = Binding({**model.sizes, s.n: Integer(length.new)}, parts)
    values = {x: exact_number(bound(x)) for x in parts}
    combinations = chain(convention_counts(conventions) if conventions else (), tried)
    guesses = sorted(distinct_guesses(combinations, bound, values), key=lambda x: ranking(x, number))
    return Match(
        model=model.name,
        family=model.family,
        sequence=length.new,
        quoted=number,
        guesses=tuple(guesses[:limit]),
        agreeing=sum(number.agrees(x.value) for x in guesses),
        tried=len(guesses),
        parts=parts,
        values=values,
        usual={title: next(iter(x)) for title, x in tried.axes.items() if len(x) > 1},
    )


def distinct_guesses(
    combinations: Iterable[Combination], bound: Binding, values: Mapping[Symbol, Any]
) -> Collection[Guess]:
    """The least unusual guess for each positive number; parts whose value is 0 are left out of its formula."""
    numbers = {x: bound(x) for x in bound.definitions}
    absent = {x: Integer(0) for x, value in values.items() if value == 0}
    guesses: dict[Any, Guess] = {}
    for choices, formula, unusual in combinations:
        value = exact_number(formula.xreplace(numbers))
        if value > 0 and (value not in guesses or unusual < guesses[value].unusual):
            guesses[value] = Guess(choices, formula.xreplace(absent), value, unusual)
    return guesses.values()


def convention_counts(counted: Conventions) -> Iterator[Combination]:
    """The conventions of papers and tools that give a number for a model, as (choices, closed form, 0 unusual)."""
    for x in counted.rows[:-1]:
        for name in ("training", "inference"):
            if getattr(x, name) is not None:
                yield {"convention": x.convention.name, "pass": name}, getattr(x.convention, name), 0


def ranking(x: Guess, quoted: Quote) -> tuple[bool, float, float]:
    """The sort key of a guess: those that agree first, the usual ones ahead; then the others by distance."""
    distance = abs(math.log(quoted.ratio(x.value)))
    return (False, x.unusual, distance) if quoted.agrees(x.value) else (True, distance, x.unusual)
