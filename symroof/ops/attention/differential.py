"""Differential attention: each query head attends twice, and half of the heads are subtracted from the others."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import elementwise
from symroof.cost.masks import Mask
from symroof.ops.attention.softmax import attend, softmax_operations
from symroof.ops.dense import elements
from symroof.ops.weights_and_cache import cache_entries, stored_weights


# Two calls of attention, one per half, as kernels need values as wide as keys: each reads the queries and keys, scores
# the pairs and applies the softmax. Values are read once.
def differential_attention(tokens: Expr, mask: Mask, H_q: Expr, H_kv: Expr, h: Expr) -> Cost:
    """y_mtj = sum_l a_mtl v_jl for a_mtl = softmax_l(q_mt . k_l / sqrt h) and both halves j of the value heads."""
    read, cached = 3 * H_kv * h, 2 * H_kv * h
    products = attend(mask.pairs * 2 * H_q, tokens * 2 * H_q, h, h)
    return (
        cache_entries(0, tokens, mask.held, cached * s.b_c)
        + products
        + Cost(
            vector=2 * elementwise(H_q * softmax_operations(mask.pairs, tokens)),
            cache_read=mask.read * read * s.b_c,
            act_read=tokens * (2 * H_q * h + read) * s.b_a,
            act_write=tokens * 2 * H_q * h * s.b_a,
        )
    )


# a = exp(w_1 . w_2) - exp(w_3 . w_4) + a_0 depends on no token: only its four vectors of h are read.
def subtract_heads(tokens: Expr, H_q: Expr, h: Expr) -> Cost:
    """z_mt = y_mt - a y_m't, where m' is a head of the second half: 2 h elements of each pair of heads."""
    return elements(tokens, 2 * H_q * h, H_q * h, 2 * H_q * h) + stored_weights(4 * h * s.b_n)
