"""A batch as a layer of definitions: what a counting rule's sums come to over its queries."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, symbols_of
from symroof.algebra.codegen import compiled
from symroof.cost.batch import Query
from symroof.cost.rules import Layer


def summands(rules: Layer, wanted: Iterable[Symbol] | None = None) -> dict[Symbol, Expr]:
    """What one query adds to each sum over the batch that is wanted, under `rules`.

    A definition may refer to another sum, which stands for what the same query adds to it, and to a choice.
    """
    return resolved(tuple(rules.items()), None if wanted is None else frozenset(wanted))


@lru_cache(512)
def resolved(rules: tuple[tuple[Symbol, Expr], ...], wanted: frozenset[Symbol] | None) -> dict[Symbol, Expr]:
    """The summands of rules given as pairs."""
    one_query = Binding({x: expr for x, expr in rules if s.group(x) in ("batch", "rule")})
    return {x: one_query.value(x) for x, _ in rules if s.group(x) == "batch" and (wanted is None or x in wanted)}


@lru_cache(512)
def adder(terms: tuple[Expr, ...], symbols: tuple[Symbol, ...]) -> Callable[..., list[Any]]:
    """A function of `symbols` that returns what one query adds to each sum."""
    return compiled(terms, symbols)


def batch(
    queries: Iterable[Query], rules: Layer, sizes: Mapping[Symbol, int], wanted: Iterable[Symbol] | None = None
) -> dict[Symbol, Any]:
    """The exact value of every wanted sum over `queries`; a sum that needs a size `sizes` lacks is left out."""
    known = {s.n, s.c, *sizes}
    terms = {x: expr for x, expr in summands(rules, wanted).items() if expr.free_symbols <= known}
    used = sorted(set().union(*(expr.free_symbols for expr in terms.values())) - {s.n, s.c}, key=str)
    added = adder(tuple(terms.values()), (s.n, s.c, *used))
    sums = [0] * len(terms)
    for query in queries:
        for i, value in enumerate(added(query.new, query.cached, *(sizes[x] for x in used))):
            sums[i] += query.count * value
    return dict(zip(terms, sums, strict=True))


def bound(rules: Layer, exprs: Iterable[Any], *further: Mapping[Symbol, Any]) -> Binding:
    """What symbols of some formulas stand for on a uniform batch: choices of the rules, sums; and further layers."""
    choices = {x: expr for x, expr in rules.items() if s.group(x) in ("rule", "step")}
    return Binding(choices, uniform(rules, symbols_of([*exprs, *choices.values()])), *further)


def uniform(rules: Layer, wanted: Iterable[Symbol] | None = None) -> dict[Symbol, Expr]:
    """Every wanted sum for `B` queries that each add `n` tokens to `c` cached ones, in those symbols."""
    return {x: s.B * expr for x, expr in summands(rules, wanted).items() if x != s.B}
