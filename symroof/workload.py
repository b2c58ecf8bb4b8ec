"""A batch as a layer of definitions: what a counting rule's sums come to over its queries."""

from collections.abc import Iterable, Mapping
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.binding import compiled
from symroof.queries import Query
from symroof.rules import Layer

SUMS = frozenset(entry.symbol for entry in s.VOCABULARY.values() if entry.group == "batch")


def summands(rules: Layer) -> dict[Symbol, Expr]:
    """What one query adds to each sum over the batch, under `rules`."""
    return {symbol: expr for symbol, expr in rules.items() if symbol in SUMS}


def batch(
    queries: Iterable[Query], rules: Layer, sizes: Mapping[Symbol, int], wanted: Iterable[Symbol] = SUMS
) -> dict[Symbol, Any]:
    """The exact value of every wanted sum over `queries`; a sum that needs a size `sizes` lacks is left out."""
    known = {s.n, s.c, *sizes}
    terms = {x: expr for x, expr in summands(rules).items() if x in wanted and expr.free_symbols <= known}
    used = sorted(set().union(*(expr.free_symbols for expr in terms.values())) - {s.n, s.c}, key=str)
    added = compiled(terms.values(), [s.n, s.c, *used])
    sums = [0] * len(terms)
    for query in queries:
        for i, value in enumerate(added(query.new, query.cached, *(sizes[x] for x in used))):
            sums[i] += query.count * value
    return dict(zip(terms, sums, strict=True))


def uniform(rules: Layer) -> dict[Symbol, Expr]:
    """Every sum for `B` queries that each add `n` tokens to `c` cached ones, in those symbols."""
    return {x: s.B * expr for x, expr in summands(rules).items() if x != s.B}
