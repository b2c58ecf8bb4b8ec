"""Figures of a described decoder that real models were measured by, fast enough for thousands of descriptions.

The operators are the package's own; each kind is built once, each of their formulas compiled once.
"""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from sympy import Expr, Symbol, sympify

from symroof import symbols as s
from symroof.algebra.codegen import exact_function
from symroof.architecture.structure import Architecture, Frame, Structure, Sublayer
from symroof.blocks import decoder
from symroof.cost import rules
from symroof.cost.graph import Op
from symroof.model.model import rules_with_logits
from symroof.symbols import WIDTHS

Values = dict[Symbol, Any]
Piece = Sublayer | Frame

ONE = dict.fromkeys(WIDTHS, 1)
BF16 = {x: 4 if x == s.b_s else 2 for x in WIDTHS}


@cache
def rows(x: Piece) -> tuple[tuple[Any, Op], ...]:
    """How many times each operator runs, of a sublayer or of what stands around them, and the operator."""
    parts = (
        (decoder.embedding_block(x), decoder.head_block(x)) if isinstance(x, Frame) else (decoder.sublayer_block(x),)
    )
    return tuple((count, op) for block in parts for _, count, op in block.rows())


@cache
def costs(x: Piece) -> Counter[Any]:
    """The costs of all of them, in no order."""
    return Counter((count, op.role, op.cost) for count, op in rows(x))


@cache
def sizes(x: Piece) -> frozenset[str]:
    """The sizes that its costs need, by name."""
    layer = rules.rule_layer(
        rules_with_logits("standard", "last"), Structure((x,)) if isinstance(x, Sublayer) else None
    )
    found = {y for _, op in rows(x) for cost in vars(op.cost).values() for y in sympify(cost).free_symbols}
    while more := {y for z in found & layer.keys() for y in sympify(layer[z]).free_symbols} - found:
        found |= more
    return frozenset(str(y) for y in found if s.group(y) == "size")


@cache
def function(expr: Expr) -> tuple[tuple[Symbol, ...], Any]:
    """The symbols of a formula, and a function of them."""
    symbols = tuple(sorted(expr.free_symbols, key=str))
    return symbols, exact_function((expr,), symbols)


class Step:
    """One step: the values of symbols, found when asked for, and of figures by role, kept once found.

    `known`: sizes and widths; a sum over the batch is that of `batch` equal queries.
    """

    def __init__(self, layer: Mapping[Symbol, Expr], known: Values, new: int = 1, cached: int = 0, batch: int = 1):
        self.layer, self.batch, self.values = layer, batch, dict(known)
        self.query: Values = {**known, s.n: new, s.c: cached}
        self.kept: dict[tuple[str, int], tuple[Piece, dict[str, int]]] = {}

    def __call__(self, expr: Any) -> Any:
        """The value of a formula."""
        symbols, run = function(sympify(expr))
        return run(*[self.value(x) for x in symbols])[0]

    def value(self, x: Symbol) -> Any:
        """That of a symbol."""
        if x not in self.values:
            summed = s.group(x) == "batch"
            self.values[x] = self.batch * self.added(x) if summed else self(self.layer[x])
        return self.values[x]

    def added(self, x: Symbol) -> Any:
        """What one query adds to a sum."""
        if x not in self.query:
            symbols, run = function(sympify(self.layer[x]))
            self.query[x] = run(*[self.added(y) for y in symbols])[0]
        return self.query[x]

    def roles(self, structure: Structure, figure: str) -> dict[str, int]:
        """A figure of a whole decoder, by role."""
        sums: dict[str, int] = {}
        for piece in (structure.frame, *structure.sublayers):
            for role, n in self.piece(piece, figure).items():
                sums[role] = sums.get(role, 0) + n
        return sums

    def piece(self, x: Piece, figure: str) -> dict[str, int]:
        """The same of a part of it."""
        if (figure, id(x)) not in self.kept:
            sums: dict[str, int] = {}
            for count, op in rows(x):
                if cost := getattr(op.cost, figure):
                    sums[op.role] = sums.get(op.role, 0) + self(count) * self(cost)
            self.kept[figure, id(x)] = x, sums
        return self.kept[figure, id(x)][1]


def known(x: Architecture) -> Values:
    """Its sizes by symbol."""
    return {s.symbol(name): value for name, value in x.sizes.items()}


def definitions(x: Structure, logits: str) -> Mapping[Symbol, Expr]:
    """What the symbols of the rules of transformers stand for."""
    return rules.rule_layer(rules_with_logits("transformers", logits), x)
