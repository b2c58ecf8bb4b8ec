"""Counting rules as layers of definitions.

For a symbol of group `batch` the definition is its summand: what one query of `n` new and `c` cached tokens
adds. For any other symbol it is the value itself.
"""

from collections.abc import Mapping
from functools import lru_cache

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra import unevaluated
from symroof.algebra.unevaluated import Max, Min, floor
from symroof.architecture.structure import Structure, Sublayer
from symroof.cost.masks import (
    BLOCKS,
    CAUSAL,
    CAUSAL_PAIRS,
    CHUNKED,
    LOCAL,
    SLIDING,
    TAIL,
    TOP,
    block_pairs,
    floor_sum,
    rectangle,
)
from symroof.cost.rule_names import ANALYZER, LLM_VIEWER

Layer = Mapping[Symbol, Expr]


def fewer_in_latent(cached: Expr, pairs: Expr, latent_pairs: Expr) -> Expr:
    """1 where a query of latent attention takes fewer matmul FLOP in the latent than with keys expanded, else 0.

    Both project as many elements for a new token; expanding projects the `cached` ones too. A pair takes
    h_n + h_r + h_v products per head with keys expanded, 2 r_kv + h_r in the latent.
    """
    expanded = cached * s.r_kv * (s.h_n + s.h_v) + pairs * (s.h_n + s.h_r + s.h_v)
    return Min(1, Max(0, expanded - latent_pairs * (2 * s.r_kv + s.h_r)))


# What a query adds to the sums of latent attention, in the latent or expanded.
LATENT: Layer = {
    s.a_lat: fewer_in_latent(s.c, s.P, s.P),
    s.P_lat: s.a_lat * s.P,
    s.T_lat: s.a_lat * s.n,
    s.C_lat: s.a_lat * s.C,
    s.a_swalat: fewer_in_latent(s.C_swa, s.P_swa, s.P_swa),
    s.P_swalat: s.a_swalat * s.P_swa,
    s.T_swalat: s.a_swalat * s.n,
    s.C_swalat: s.a_swalat * s.C_swa,
    s.a_toplat: fewer_in_latent(s.c, s.P, s.P_top),
    s.P_toplat: s.a_toplat * s.P_top,
    s.T_toplat: s.a_toplat * s.n,
    s.C_toplat: s.a_toplat * s.C_top,
    s.P_topexp: (1 - s.a_toplat) * s.P,
    s.C_topexp: (1 - s.a_toplat) * s.c,
    s.a_taillat: fewer_in_latent(s.c, s.P, s.P_tail),
    s.P_taillat: s.a_taillat * s.P_tail,
    s.T_taillat: s.a_taillat * s.n,
    s.C_taillat: s.a_taillat * s.C_tail,
    s.P_tailexp: (1 - s.a_taillat) * s.P,
    s.C_tailexp: (1 - s.a_taillat) * s.c,
}
IN_LATENT: Layer = dict.fromkeys((s.a_lat, s.a_swalat, s.a_toplat, s.a_taillat), Integer(1))
EXPANDED: Layer = dict.fromkeys(IN_LATENT, Integer(0))


def _complete_entries(m: Expr) -> Expr:
    """Complete entries of w_c tokens in m tokens."""
    return floor(m / s.w_c)


def _entry_pairs(m: Expr, most: Expr | None = None) -> Expr:
    """Pairs of m tokens that each see the entries complete up to themselves, or `most` of them."""
    if most is None:
        return floor_sum(m, s.w_c)
    return floor_sum(Min(m, s.w_c * most), s.w_c) + most * Max(0, m - s.w_c * most)


# What a query adds to the sums of attention to compressed entries.
COMPRESSED: Layer = {
    s.T_comp: _complete_entries(s.c + s.n) - _complete_entries(s.c),
    s.C_comp: _complete_entries(s.c),
    s.K_comp: _complete_entries(s.c + s.n),
    s.P_comp: _entry_pairs(s.c + s.n) - _entry_pairs(s.c),
    s.P_sel: _entry_pairs(s.c + s.n, s.k_i) - _entry_pairs(s.c, s.k_i),
    s.C_sel: Min(s.C_comp, s.n * s.k_i),
    s.K_part: s.c + s.n - s.w_c * s.K_comp,
    s.T_part: Min(s.n, s.K_part),
    s.C_part: (s.c - s.w_c * s.C_comp) * Min(1, s.T_comp),
    s.K_over: s.w_c * Min(1, s.K_comp),
    s.T_over: s.w_c * Min(1, s.T_comp),
    s.C_over: s.w_c * Min(1, s.T_comp, s.C_comp),
}
# What a query adds to the sums of an indexer that pools blocks: a pooled block replaces its keys, which waited for it.
POOLED: Layer = {
    s.P_pool: floor_sum(s.c + s.n, s.w_i) - floor_sum(s.c, s.w_i),
    s.T_pool: floor((s.c + s.n) / s.w_i) - floor(s.c / s.w_i),
    s.P_score: s.P_pool,
    s.C_pool: floor(s.c / s.w_i),
    s.N_pool: s.T_pool,
    s.K_pool: floor((s.c + s.n) / s.w_i),
    s.K_wait: s.c + s.n - s.w_i * s.K_pool,
    s.T_wait: Min(s.n, s.K_wait),
    s.C_wait: (s.c - s.w_i * s.C_pool) * Min(1, s.T_pool),
}
# transformers caches no pooled block, and scores the blocks after a token too.
UNPOOLED: Layer = {
    s.P_score: s.n * floor((s.c + s.n) / s.w_i),
    s.C_pool: Integer(0),
    s.N_pool: Integer(0),
    s.K_pool: Integer(0),
    s.T_wait: s.n,
    s.C_wait: s.c,
    s.K_wait: s.c + s.n,
}
ALL_ENTRIES: Layer = {s.P_comp: s.n * s.K_comp, s.P_sel: s.n * s.K_comp, s.C_sel: s.C_comp}
# Whole rectangles, without windows.
WHOLE: Layer = {
    s.P: rectangle(s.c),
    s.P_local: rectangle(s.c),
    s.C_local: s.c,
    s.K_local: s.c + s.n,
    s.P_top: rectangle(s.c),
    s.C_top: s.c,
    s.P_block: rectangle(s.c),
    s.C_block: s.c,
    s.P_tail: rectangle(s.c),
    s.C_tail: s.c,
    **ALL_ENTRIES,
}


# Layers that borrow their keys are needed only at the positions of logits, and transformers runs them only there: the
# sums that replace others in them.
BORROWED_KEYS = {s.T: s.T_kept, s.P: s.P_kept, s.P_swa: s.P_swakept}

STANDARD: Layer = {
    s.P_prompt: rectangle(s.c),
    s.T_kept: s.n,
    s.P_kept: s.P,
    s.P_swakept: s.P_swa,
    s.sigma: Integer(0),
    s.phi: Integer(1),
    s.psi: Integer(1),
    s.delta: Integer(1),
    s.k_run: s.k,
    s.N_x: s.N_e * (1 - (1 - s.k / s.N_e) ** s.T),
    s.k_real: s.k * s.N_e / (s.N_e + s.N_z),
    s.N_real: s.N_e * (1 - (1 - s.k / (s.N_e + s.N_z)) ** s.T),
    s.B: Integer(1),
    s.B_old: Min(s.c, 1),
    s.T: s.n,
    s.T_conv: s.n,
    s.T_first: s.n,
    s.T_delay: s.n,
    s.u_c: s.k_c - 1,
    s.H_c: s.H_kv,
    s.T_delta: s.n,
    s.P_delta: Integer(0),
    s.P_light: Integer(0),
    s.T_lru: s.n,
    s.T_ssm: s.n,
    s.T_ssd: s.n,
    s.T_read: s.n,
    s.P_ssd: Integer(0),
    s.X_ssd: Integer(0),
    s.R: Integer(1),
    **LATENT,
    **COMPRESSED,
    **POOLED,
    **CHUNKED.step(),
    **SLIDING.step(),
    **LOCAL.step(),
    **TOP.step(),
    **BLOCKS.step(),
    **TAIL.step(),
    **CAUSAL.step(),
    s.P: CAUSAL_PAIRS,
}

SCANNED = Min(Max(1 - s.c, s.n - 1), 1)  # 1 where a step is scanned, 0 where a single token follows cached ones
SSD_CHUNKS = floor((s.n + s.w_s - 1) / s.w_s)
DELTA_CHUNK = 64  # tokens that transformers takes at a time through a delta rule
CHUNKED_DELTA = DELTA_CHUNK * floor((s.n + DELTA_CHUNK - 1) / DELTA_CHUNK) * SCANNED

# DynamicCache of transformers holds w - 1 tokens of a layer with a window, and its kernels multiply whole rectangles.
# Its convolutions pad both ends of a prompt and cache one column more than they need; that of recurrent_gemma runs no
# convolution for a single token. Its delta rules pad a prompt to whole chunks and compute a single token by elementwise
# operations; lightning attention computes a prompt in blocks. Scans of state spaces compute a prompt in whole chunks;
# what a selective one adds to its state is elementwise. The first of two convolutions is computed again for what the
# second one needs, and a delayed value for the token before a prompt.
TRANSFORMERS: Layer = {
    **STANDARD,
    s.T_kept: s.R,
    s.P_kept: s.T_kept * (s.c + s.n),
    s.P_swakept: s.T_kept * (Min(s.c, s.w - 1) + s.n),
    s.phi: Integer(0),
    s.k_run: s.k_hf,
    s.N_x: s.N_e * (1 - (1 - s.k_hf / s.N_e) ** s.T),
    s.R: s.n,
    s.T_conv: (Max(s.n + s.k_c * Min(s.c, 1), s.k_c) + s.k_c - 1) * SCANNED + 2 * (1 - SCANNED),
    s.u_c: s.k_c,
    s.T_first: s.n + s.k_g - 1,
    s.T_delay: s.n + 1 - Min(s.c, 1),
    s.H_c: s.H_q,
    s.T_delta: CHUNKED_DELTA,
    s.P_delta: DELTA_CHUNK * CHUNKED_DELTA,
    s.P_light: block_pairs(s.n, s.w_s) * (1 - Min(s.c, 1)),
    s.T_lru: (s.n + s.k_c - 1) * Min(s.n - 1, 1),
    s.T_ssm: Integer(0),
    s.T_ssd: s.w_s * SSD_CHUNKS * SCANNED,
    s.T_read: s.w_s * SSD_CHUNKS * SCANNED + 1 - SCANNED,
    s.P_ssd: s.w_s**2 * SSD_CHUNKS * SCANNED,
    s.X_ssd: (SSD_CHUNKS + 1) ** 2 * SCANNED,
    **WHOLE,
    s.P_chunk: rectangle(Min(s.c, s.w - 1)),
    s.C_chunk: Min(s.c, s.w - 1),
    s.K_chunk: Min(s.c + s.n, s.w - 1),
    s.P_swa: rectangle(Min(s.c, s.w - 1)),
    s.C_swa: Min(s.c, s.w - 1),
    s.K_swa: Min(s.c + s.n, s.w - 1),
    **EXPANDED,
    **UNPOOLED,
}

FULL_SQUARE: Layer = {
    s.P_kept: s.T_kept * (s.c + s.n),
    s.P_swakept: s.T_kept * (s.c + s.n),
    **WHOLE,
    s.P_chunk: rectangle(s.c),
    s.C_chunk: s.c,
    s.K_chunk: s.c + s.n,
    s.P_swa: rectangle(s.c),
    s.C_swa: s.c,
    s.K_swa: s.c + s.n,
}

LAYERS: dict[str, Layer] = {
    "standard": STANDARD,
    "transformers": TRANSFORMERS,
    ANALYZER: {**STANDARD, **FULL_SQUARE, s.N_x: s.k, s.N_real: s.k_real},
    LLM_VIEWER: {**STANDARD, **FULL_SQUARE},
    "exact-dots": {s.sigma: Integer(1)},
    "full-square": FULL_SQUARE,
    "logits-last": {s.delta: Integer(1), s.R: Integer(1)},
    "logits-all": {s.delta: Integer(1), s.R: s.n},
    "logits-none": {s.delta: Integer(0), s.R: Integer(0)},
    "experts-expected": {s.N_x: STANDARD[s.N_x], s.N_real: STANDARD[s.N_real]},
    "experts-bound": {s.N_x: Min(s.N_e, s.k * s.T), s.N_real: Min(s.N_e, s.k_real * s.T)},
    "experts-k": {s.N_x: s.k, s.N_real: s.k_real},
    "experts-all": {s.N_x: s.N_e, s.N_real: s.N_e},
    "latent-absorbed": IN_LATENT,
    "latent-expanded": EXPANDED,
    "matmul-only": {s.phi: Integer(0)},
    "fused": {s.psi: Integer(0)},
}


@lru_cache(1024)
def rule_layer(rules: tuple[str, ...], structure: Structure | None = None) -> Layer:
    """The definitions of the named rules, a later one replacing an earlier; `select_rules` gives the names.

    A sublayer of `structure` with separate size symbols has separate symbols for all that depends on them.
    """
    merged: dict[Symbol, Expr] = {}
    for rule in rules:
        merged |= LAYERS[rule]
    for x in structure.sublayers if structure else ():
        names = kind_symbols(x)
        merged |= {names[y]: _rename_symbols(expr, tuple(names.items())) for y, expr in merged.items() if y in names}
    return merged


@lru_cache(1024)
def _rename_symbols(expr: Expr, names: tuple[tuple[Symbol, Symbol], ...]) -> Expr:
    """A definition in other symbols; cached, as most rules share their definitions."""
    return unevaluated.rename_symbols(expr, dict(names))


@lru_cache
def kind_symbols(x: Sublayer) -> dict[Symbol, Symbol]:
    """Base symbol -> the symbol of this sublayer, for its separate sizes and all that depends on them."""
    sizes = {s.symbol(base): s.symbol(name) for base, name in x.symbols}
    return {**{y: s.symbol(f"{y}_{x.suffix}") for y in _dependent_symbols(frozenset(sizes))}, **sizes}


@lru_cache
def _dependent_symbols(sizes: frozenset[Symbol]) -> frozenset[Symbol]:
    """The symbols whose definition, under some rule, depends on one of `sizes`."""
    reached = set(sizes)
    while more := {x for layer in LAYERS.values() for x, y in layer.items() if y.free_symbols & reached} - reached:
        reached |= more
    return frozenset(reached - sizes)


# For a matmul y = x W the backward pass computes two of its size, dx = dy W' and dW = x' dy; for products of
# activations (scores, weighted values) the gradients of both. Elementwise operations are counted twice too, as in
# Chinchilla (arXiv:2203.15556, appendix F: backward has twice the FLOP of forward, the softmax's among them).
BACKWARD: Layer = {s.g_m: Integer(2), s.g_v: Integer(2)}
