"""A batch as a layer of definitions: the sums of a counting rule over its queries."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, symbols_of
from symroof.algebra.codegen import exact_function
from symroof.cost.batch import Query
from symroof.cost.rules import Layer


def query_terms(rules: Layer, wanted: Iterable[Symbol] | None = None) -> dict[Symbol, Expr]:
    """What one query adds to each wanted sum over the batch, under `rules`.

    A definition may refer to a choice of the rules, or to another sum: then to what the same query adds to it.
    """
    return _query_terms_of(tuple(rules.items()), None if wanted is None else frozenset(wanted))


@lru_cache(512)
def _query_terms_of(rules: tuple[tuple[Symbol, Expr], ...], wanted: frozenset[Symbol] | None) -> dict[Symbol, Expr]:
    """The same for rules given as pairs."""
    one_query = Binding({x: expr for x, expr in rules if s.group(x) in ("batch", "rule")})
    return {x: one_query.value(x) for x, _ in rules if s.group(x) == "batch" and (wanted is None or x in wanted)}


@lru_cache(512)
def _compiled_terms(terms: tuple[Expr, ...], symbols: tuple[Symbol, ...]) -> Callable[..., list[Any]]:
    """A function of `symbols` that returns what one query adds to each sum."""
    return exact_function(terms, symbols)


def sum_over_queries(
    queries: Iterable[Query], rules: Layer, sizes: Mapping[Symbol, int], wanted: Iterable[Symbol] | None = None
) -> dict[Symbol, Any]:
    """The exact value of every wanted sum over `queries`; a sum that needs a size missing in `sizes` is left out."""
    known = {s.n, s.c, *sizes}
    terms = {x: expr for x, expr in query_terms(rules, wanted).items() if expr.free_symbols <= known}
    used = sorted(set().union(*(expr.free_symbols for expr in terms.values())) - {s.n, s.c}, key=str)
    added = _compiled_terms(tuple(terms.values()), (s.n, s.c, *used))
    sums = [0] * len(terms)
    for query in queries:
        for i, value in enumerate(added(query.new, query.cached, *(sizes[x] for x in used))):
            sums[i] += query.count * value
    return dict(zip(terms, sums, strict=True))


def uniform_binding(rules: Layer, exprs: Iterable[Any], *further: Mapping[Symbol, Any]) -> Binding:
    """The definitions of formulas' symbols on a uniform batch: choices of the rules and sums; and further layers."""
    choices = {x: expr for x, expr in rules.items() if s.group(x) in ("rule", "step")}
    return Binding(choices, uniform_sums(rules, symbols_of([*exprs, *choices.values()])), *further)


def uniform_sums(rules: Layer, wanted: Iterable[Symbol] | None = None) -> dict[Symbol, Expr]:
    """Every wanted sum for `B` queries that each add `n` tokens to `c` cached ones, in those symbols."""
    return {x: s.B * expr for x, expr in query_terms(rules, wanted).items() if x != s.B}
