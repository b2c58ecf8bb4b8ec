"""Models whose symbols bear their names, so that formulas of several can be mixed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.binding import reachable_symbols
from symroof.algebra.unevaluated import rename_symbols
from symroof.model.model import Model, Rules, Source, as_model

SHARED = ("query", "machine", "parallel", "training", "memory")  # groups of symbols that are no model's


@dataclass(frozen=True)
class Namespaced:
    """A model with the symbols that depend on it renamed: its f is f_llama_3_1_8b, that of another model is not.

    The new names are in the vocabulary, as those of a kind of layers are: they have a meaning, LaTeX, and a unit.
    `values` has the sizes and widths of elements by their new symbols; `names` has the new symbol of each renamed one.
    """

    model: Model

    def formula(self, *args: Any, **options: Any) -> Expr:
        """`Model.formula` in the new symbols."""
        return self.rename(self.model.formula(*args, **options))

    def definitions(self, rules: Rules = "standard", logits: str | None = None) -> dict[Symbol, Expr]:
        """`Model.definitions` in the new symbols."""
        return {self.names.get(x, x): self.rename(y) for x, y in self.model.definitions(rules, logits).items()}

    def rename(self, expr: Expr) -> Expr:
        """A formula of the model in the new symbols."""
        return rename_symbols(expr, {x: y for x, y in self.names.items() if x in expr.free_symbols})

    @property
    def values(self) -> dict[Symbol, Any]:
        """What the model's config says of its symbols."""
        return {self.names[x]: value for x, value in self.model.known().items()}

    @cached_property
    def names(self) -> Mapping[Symbol, Symbol]:
        """The new symbol of each that depends on the model: its sizes, widths, and what is defined by them."""
        sizes = {*self.model.sizes, *s.WIDTHS}
        layers = [self.model.definitions(rules) for rules in ("standard", "transformers")]
        defined = {x for layer in layers for x, y in layer.items() if reachable_symbols([y], layer) & sizes}
        return {x: symbol_of_model(x, self.model.name) for x in sorted(sizes | defined, key=str)}


def symbol_of_model(x: Symbol, name: str) -> Symbol:
    """The symbol with a model's name as its kind."""
    suffix = re.sub(r"\W+|_+", "_", name).strip("_")
    plain, clear = s.entry(f"{x}_{suffix}"), s.entry(f"{x}_of_{suffix}")
    return (plain if plain.base == s.entry(str(x)).base else clear).symbol


def namespaced(model: Model | Source) -> Namespaced:
    """The model with symbols of its name, to mix its formulas with those of another one."""
    return Namespaced(as_model(model))
