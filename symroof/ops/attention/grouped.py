"""Attention over grouped heads. New tokens T, pairs shown by the mask, cached keys it reads, tokens it keeps."""

from dataclasses import replace

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.cost.masks import CAUSAL, TOP, Mask
from symroof.ops.dense import elements, linear


def rotate(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """(y_i, y_j) = (x_i cos - x_j sin, x_j cos + x_i sin): 3 operations an element of each head."""
    return elements(tokens * heads, h, h, 3 * h)


def scale(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """y = a_t x: each head's elements times one factor a token."""
    return elements(tokens * heads, h, h, h)


def gate(tokens: Expr, heads: Expr, h: Expr, one_a_head: bool, softplus: bool = False) -> Cost:
    """y_i = sigmoid(g_i) x_i: a gate for each element, or one for each head; or y_i = softplus(g_i) x_i.

    1 / (1 + exp(-g)) is 4 operations, log(1 + exp(g)) 3.
    """
    gates, each = heads if one_a_head else heads * h, 3 if softplus else 4
    return elements(tokens, heads * h + gates, heads * h, each * gates + heads * h)


def gate_bias(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """y_mi = g_mi + b_m: one number a head, added to the gate of each of its elements as it is written."""
    weights = heads * s.b_n
    return Cost(vector=elementwise(tokens * heads * h), weight_read=weights, weight_held=weights)


def sink(tokens: Expr, heads: Expr) -> Cost:
    """One more score a row of the softmax, a weight a head: compared, subtracted, exponentiated, added."""
    weights = heads * s.b_n
    return Cost(vector=elementwise(4 * tokens * heads), weight_read=weights, weight_held=weights)


def key_mask(tokens: Expr, mask: Mask, H_kv: Expr, h: Expr, bias: bool) -> Cost:
    """m_lj = exp(a_j softplus((x_l W)_j (+ b_j))) for the values x_l of all keys, those cached too, for each KV head j.

    Softplus of 3, scale, exponentiate. Where a token attends to a choice of its keys each of its masks is compared.
    """
    seen = CAUSAL if mask is TOP else mask
    cost = linear(tokens + seen.read, H_kv * h, H_kv, bias=bias)
    compared = seen.pairs * H_kv if mask is TOP else Integer(0)
    cost += Cost(vector=elementwise(5 * (tokens + seen.read) * H_kv + compared), weight_read=H_kv * s.b_n)
    return replace(
        cost,
        weight_held=cost.weight_read,
        cache_read=seen.read * H_kv * h * s.b_c,
        act_read=tokens * H_kv * h * s.b_a,
    )


def attend(
    tokens: Expr,
    mask: Mask,
    H_q: Expr,
    H_kv: Expr,
    h: Expr,
    h_v: Expr,
    scores: int = 0,
    borrowed: bool = False,
    H_c: Expr | None = None,
) -> Cost:
    """a_mtl = softmax_l(q_mt . k_l / sqrt h), y_mt = sum_l a_mtl v_l over the pairs (t, l) of every query head m.

    Keys (of size h) and values (of h_v) are read once a KV head: new ones as activations, cached ones from the
    cache, to which the new ones are appended unless they are `borrowed` from a layer that does. Softmax of l
    scores: scale l, maximum l - 1, subtract l, exponentiate l, sum l - 1, divide l; `scores` more operations each.
    `H_c`: heads that are cached, where they are not the KV heads.
    """
    pairs, rows, cached = mask.pairs * H_q, tokens * H_q, (H_kv if H_c is None else H_c) * (h + h_v) * s.b_c
    return Cost(
        matmul=dots(pairs * h, pairs) + dots(pairs * h_v, rows * h_v),
        vector=elementwise(H_q * ((6 + scores) * mask.pairs - 2 * tokens)),
        cache_read=mask.read * cached,
        cache_write=0 if borrowed else tokens * cached,
        act_read=tokens * (H_q * h + H_kv * (h + h_v)) * s.b_a,
        act_write=tokens * h_v * H_q * s.b_a,
        cache_held=0 if borrowed else mask.held * cached,
    )


def index_blocks(tokens: Expr, H: Expr, h: Expr) -> Cost:
    """I_tmb = max_j q_tm . k_j over the keys j of block b that t sees, for each head m; the k_b largest of each t, m.

    Keys of h elements serve all heads and are kept. A comparison for each pair: the
    maximum of a block, then its place among the largest.
    """
    return Cost(
        matmul=dots(s.P * H * h, s.P * H),
        vector=elementwise(s.P * H),
        cache_read=s.C * h * s.b_c,
        cache_write=tokens * h * s.b_c,
        act_read=tokens * (H * h + h) * s.b_a,
        act_write=tokens * H * s.k_b * s.b_a,
        cache_held=s.K * h * s.b_c,
    )
