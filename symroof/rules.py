"""Counting rules as layers of definitions.

For a symbol of group `batch` the definition is its summand: what one query of `n` new and `c` cached tokens
adds. For any other symbol it is the value itself.
"""

from collections.abc import Mapping

from sympy import Expr, Integer, Min, Symbol

from symroof import symbols as s
from symroof.masks import CAUSAL, CAUSAL_PAIRS, CHUNKED, rectangle
from symroof.rulebook import ANALYZER

Layer = Mapping[Symbol, Expr]

STANDARD: Layer = {
    s.sigma: Integer(0),
    s.phi: Integer(1),
    s.delta: Integer(1),
    s.k_run: s.k,
    s.N_x: s.N_e * (1 - (1 - s.k / s.N_e) ** s.T),
    s.B: Integer(1),
    s.T: s.n,
    s.R: Integer(1),
    **CHUNKED.step(),
    **CAUSAL.step(),
    s.P: CAUSAL_PAIRS,
}

# DynamicCache of transformers keeps w - 1 tokens of a layer with a window, and its kernels multiply whole rectangles.
TRANSFORMERS: Layer = {
    **STANDARD,
    s.phi: Integer(0),
    s.k_run: s.k_hf,
    s.N_x: s.N_e * (1 - (1 - s.k_hf / s.N_e) ** s.T),
    s.R: s.n,
    s.P: rectangle(s.c),
    s.P_chunk: rectangle(Min(s.c, s.w - 1)),
    s.C_chunk: Min(s.c, s.w - 1),
    s.K_chunk: Min(s.c + s.n, s.w - 1),
}

FULL_SQUARE: Layer = {
    s.P: rectangle(s.c),
    s.P_chunk: rectangle(s.c),
    s.C_chunk: s.c,
    s.K_chunk: s.c + s.n,
}

LAYERS: dict[str, Layer] = {
    "standard": STANDARD,
    "transformers": TRANSFORMERS,
    ANALYZER: {**STANDARD, **FULL_SQUARE, s.N_x: s.k},
    "exact-dots": {s.sigma: Integer(1)},
    "full-square": FULL_SQUARE,
    "logits-last": {s.delta: Integer(1), s.R: Integer(1)},
    "logits-all": {s.delta: Integer(1), s.R: s.n},
    "logits-none": {s.delta: Integer(0), s.R: Integer(0)},
    "experts-expected": {s.N_x: STANDARD[s.N_x]},
    "experts-bound": {s.N_x: Min(s.N_e, s.k * s.T)},
    "experts-k": {s.N_x: s.k},
    "experts-all": {s.N_x: s.N_e},
    "matmul-only": {s.phi: Integer(0)},
}


def layer(names: tuple[str, ...]) -> Layer:
    """The definitions of the named rules, each over the one before; `rulebook.select` gives the names."""
    merged: dict[Symbol, Expr] = {}
    for name in names:
        merged |= LAYERS[name]
    return merged
