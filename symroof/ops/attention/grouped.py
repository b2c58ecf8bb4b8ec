"""Attention over grouped heads: new tokens T, the pairs that a mask shows, cached keys it reads, tokens it holds."""

from dataclasses import replace

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.cost.masks import CAUSAL, TOP, Mask
from symroof.ops.attention.softmax import attend, softmax_operations
from symroof.ops.dense import elements, linear
from symroof.ops.weights_and_cache import cache_entries, stored_weights


def rotate(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """(y_i, y_j) = (x_i cos - x_j sin, x_j cos + x_i sin): 3 operations per element of each head."""
    return elements(tokens * heads, h, h, 3 * h)


def scale_heads(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """y_tm = a_t x_tm: the elements of each head times one factor per token."""
    return elements(tokens * heads, h, h, h)


# 1 / (1 + exp(-g)) is 4 operations, log(1 + exp(g)) 3.
def gate_heads(tokens: Expr, heads: Expr, h: Expr, per_head: bool, softplus: bool = False) -> Cost:
    """y_i = sigmoid(g_i) x_i, or softplus(g_i) x_i: a gate for each element, or one for each head."""
    gates, operations = heads if per_head else heads * h, 3 if softplus else 4
    return elements(tokens, heads * h + gates, heads * h, operations * gates + heads * h)


def gate_bias(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """y_mi = g_mi + b_m: one number per head, added to the gate of each of its elements as it is written."""
    return Cost(vector=elementwise(tokens * heads * h)) + stored_weights(heads * s.b_n)


def attention_sink(tokens: Expr, heads: Expr) -> Cost:
    """One more score per row of the softmax, a weight per head: compared, subtracted, exponentiated, added."""
    return Cost(vector=elementwise(4 * tokens * heads)) + stored_weights(heads * s.b_n)


# Keys are new and cached ones. Softplus of 3, scale, exponentiate. Where a token attends to the largest keys, its masks
# are compared too.
def key_mask(tokens: Expr, mask: Mask, H_kv: Expr, h: Expr, bias: bool) -> Cost:
    """m_lj = exp(a_j softplus((x_l W)_j (+ b_j))) for the values x_l of all keys, and each KV head j."""
    seen = CAUSAL if mask is TOP else mask
    cost = linear(tokens + seen.read, H_kv * h, H_kv, bias=bias) + stored_weights(H_kv * s.b_n)
    compared = seen.pairs * H_kv if mask is TOP else Integer(0)
    cost += Cost(vector=elementwise(5 * (tokens + seen.read) * H_kv + compared))
    return replace(cost, cache_read=seen.read * H_kv * h * s.b_c, act_read=tokens * H_kv * h * s.b_a)


# Keys (of size h) and values (of h_v) are read once per KV head: new ones as activations, cached ones from the cache,
# to which the new ones are appended unless they are `borrowed` from another layer. `scores`: further operations per
# score. `H_c`: heads that are cached, where they are not the KV heads.
def grouped_attention(
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
    """a_mtl = softmax_l(q_mt . k_l / sqrt h), y_mt = sum_l a_mtl v_l over the pairs (t, l) of every query head m."""
    new, held = (0, 0) if borrowed else (tokens, mask.held)
    cached = (H_kv if H_c is None else H_c) * (h + h_v) * s.b_c
    products = attend(mask.pairs * H_q, tokens * H_q, h, h_v)
    return (
        cache_entries(mask.read, new, held, cached)
        + products
        + Cost(
            vector=elementwise(H_q * softmax_operations(mask.pairs, tokens, scores)),
            act_read=tokens * (H_q * h + H_kv * (h + h_v)) * s.b_a,
            act_write=tokens * h_v * H_q * s.b_a,
        )
    )


# Keys of h elements serve all heads and are cached. A comparison for each pair: the maximum of a block, then its rank.
def index_blocks(tokens: Expr, H: Expr, h: Expr) -> Cost:
    """I_tmb = max_j q_tm . k_j over the keys j of block b that t sees, for each head m; the k_b largest per t, m."""
    scores = Cost(matmul=dots(s.P * H * h, s.P * H), vector=elementwise(s.P * H))
    return scores + elements(tokens, H * h + h, H * s.k_b) + cache_entries(s.C, tokens, s.K, h * s.b_c)
