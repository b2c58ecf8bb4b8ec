"""The memory that decode steps of a model need, in closed form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Add, Expr, Integer, Max, sympify

from symroof import symbols as s
from symroof.algebra.binding import exact_number
from symroof.algebra.codegen import exact_function
from symroof.model.model import Model, Rules, rules_with_logits
from symroof.model.report import Report

Number = Any  # an int or Fraction where the formula is exact, else a float


@dataclass(frozen=True)
class DecodeMemory:
    """Bytes that steps of one new token per query need: for weights, and per query as formulas of its cached tokens c.

    `cache` is the size after the step, `activations` what each operator reads and writes. `settings` are the rules and
    formats, as `Model.report` takes them.
    """

    model: Model
    settings: Mapping[str, Any]
    weights: Number
    cache: Expr
    activations: Mapping[str, Expr]

    @cached_property
    def query(self) -> Expr:
        """A query's cache and the largest activations of any operator; sympy takes seconds to evaluate this Max."""
        activations = set(map(sympify, self.activations.values()))
        numbers = {x for x in activations if x.is_number}
        return self.cache + Max(*(activations - numbers), *([max(numbers)] if numbers else []), evaluate=False)

    @cached_property
    def cache_formula(self) -> Expr:
        """A query's cache, in the model's symbols and c."""
        every = self.model.formula("cache_size", rules=self.settings["rules"], uniform=True)
        return every.xreplace({s.n: Integer(1), s.B: Integer(1)})

    @cached_property
    def smallest(self) -> Report:
        """The report of a step of one query with nothing cached."""
        return self.model.report(**self.settings)

    @cached_property
    def _run(self) -> Callable[..., list[Any]]:
        return exact_function((self.cache, *self.activations.values()), (s.c,))

    def of_query(self, cached: int) -> tuple[Number, Number, str]:
        """A query's bytes of cache and of activations, and the path of the operator with the most activations."""
        cache, *activations = self._run(cached)
        largest, path = max(zip(activations, self.activations, strict=True), key=lambda x: x[0])
        return cache, largest, path


def decode_memory(
    model: Model, rules: Rules = "standard", logits: str | None = None, **formats: str | None
) -> DecodeMemory:
    """The memory that decode steps of a model need; `formats` as for a report."""
    names = rules_with_logits(rules, logits)
    rows = model.uniform({s.n: Integer(1), s.B: Integer(1)}, names, **formats)
    weights = exact_number(Add(*(row.all.weight_held for row in rows)))
    activations = {row.path: row.cost.act_read + row.cost.act_write for row in rows}
    return DecodeMemory(
        model, {"rules": names, **formats}, weights, Add(*(row.all.cache_held for row in rows)), activations
    )
