"""Sums over a batch that rules make equal, and the choices that rules make query by query."""

from collections.abc import Collection, Iterable

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, reachable_symbols
from symroof.algebra.cases import choices
from symroof.cost.batch_sums import query_terms
from symroof.cost.notation import symbol_order
from symroof.cost.rules import Layer

ABSORBED, EXPANDED = "absorbed", "expanded"
FIRST = (s.T, s.P, s.C, s.K)
CASES = {ABSORBED: Integer(1), EXPANDED: Integer(0)}  # of latent attention, and the value that a choice has there


def equal_sums(layer: Layer, used: Collection[Symbol]) -> dict[Symbol, Expr]:
    """Sums that no query adds to -> 0; those that every query adds as much to as to another one -> that one.

    Of equal sums the first in the vocabulary's order stays: of T, P, C, K, `used` ones and those in their definitions.
    """
    definitions = reachable_symbols([layer[x] for x in used if x in layer], layer)
    terms = query_terms(layer, {*used, *FIRST, *definitions} - {s.B})
    first: dict[Expr, Expr] = {Integer(0): Integer(0)}
    for x in sorted(terms, key=lambda y: symbol_order(str(y))):
        first.setdefault(terms[x], x)
    return {x: first[y] for x, y in terms.items() if first[y] != x}


def query_choices(used: Iterable[Expr], layer: Layer) -> dict[Symbol, Expr]:
    """The choices made query by query that formulas depend on -> what is above 0 where the choice is 1."""
    reachable = reachable_symbols(used, layer)
    varying = {s.n, s.c, *(x for x in layer if s.group(x) == "batch")}
    chosen = (x for x in reachable if x in layer and s.group(x) == "rule" and layer[x].free_symbols & varying)
    return {x: choices(layer[x])[layer[x]] for x in sorted(chosen, key=str)}


def in_case(layer: Layer, chosen: Iterable[Symbol], case: str) -> Layer:
    """The layer in which every query is in one case."""
    return {**layer, **dict.fromkeys(chosen, CASES[case])}


def of_one_query(expr: Expr, layer: Layer) -> Expr:
    """A formula in sums over the batch for one query, in its n and c."""
    return Binding({x: y for x, y in layer.items() if s.group(x) in ("batch", "rule")})(expr)
