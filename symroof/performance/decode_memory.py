"""What decode steps of a model have to keep, in closed form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Add, Expr, Integer, Max, sympify

from symroof import symbols as s
from symroof.algebra.binding import exact_number
from symroof.algebra.codegen import compiled
from symroof.model.model import Model, Rules, chosen
from symroof.model.report import Report

Number = Any  # an int or Fraction where the formula is exact, else a float


@dataclass(frozen=True)
class Demand:
    """Bytes that steps of one new token a query keep: of weights; of a query, by its cached tokens c.

    `cache` is a query's after the step, `activations` by operator what it reads and writes. `settings` are the rules
    and formats, as `Model.report` takes them.
    """

    model: Model
    settings: Mapping[str, Any]
    weights: Number
    cache: Expr
    activations: Mapping[str, Expr]

    @cached_property
    def query(self) -> Expr:
        """A query's cache and activations, the most of any operator; sympy takes seconds to put those in order."""
        found = set(map(sympify, self.activations.values()))
        numbers = {x for x in found if x.is_number}
        return self.cache + Max(*(found - numbers), *([max(numbers)] if numbers else []), evaluate=False)

    @cached_property
    def cache_formula(self) -> Expr:
        """A query's cache, in the model's symbols and c."""
        every = self.model.formula("cache_size", rules=self.settings["rules"], uniform=True)
        return every.xreplace({s.n: Integer(1), s.B: Integer(1)})

    @cached_property
    def smallest(self) -> Report:
        """The step of one query that has nothing cached."""
        return self.model.report(**self.settings)

    @cached_property
    def _run(self) -> Callable[..., list[Any]]:
        return compiled((self.cache, *self.activations.values()), (s.c,))

    def of_query(self, cached: int) -> tuple[Number, Number, str]:
        """A query's bytes of cache and of activations, and the path of the operator that these are of."""
        cache, *activations = self._run(cached)
        most, path = max(zip(activations, self.activations, strict=True), key=lambda x: x[0])
        return cache, most, path


def demand(model: Model, rules: Rules = "standard", logits: str | None = None, **formats: str | None) -> Demand:
    """What decode steps of a model keep; `formats` as for a report. Cache and activations grow by the query."""
    names = chosen(rules, logits)
    rows = model.uniform({s.n: Integer(1), s.B: Integer(1)}, names, **formats)
    weights = exact_number(Add(*(row.all.weight_held for row in rows)))
    activations = {row.path: row.cost.act_read + row.cost.act_write for row in rows}
    return Demand(model, {"rules": names, **formats}, weights, Add(*(row.all.cache_held for row in rows)), activations)
