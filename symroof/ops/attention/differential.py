"""Differential attention: each query head attends twice, and half of the heads are subtracted from the others."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.cost.masks import Mask
from symroof.ops.dense import elements


def attend_twice(tokens: Expr, mask: Mask, H_q: Expr, H_kv: Expr, h: Expr) -> Cost:
    """y_mtj = sum_l a_mtl v_jl for a_mtl = softmax_l(q_mt . k_l / sqrt h) and both halves j of the value heads.

    Run as two calls of attention, one a half, for kernels want values as wide as keys: each reads the queries and
    keys, scores the pairs and weighs them (softmax as in ops.attention.attend). Values are read once.
    """
    pairs, rows, read = mask.pairs * H_q, tokens * H_q, 3 * H_kv * h
    return Cost(
        matmul=2 * (dots(pairs * h, pairs) + dots(pairs * h, rows * h)),
        vector=2 * elementwise(H_q * (6 * mask.pairs - 2 * tokens)),
        cache_read=mask.read * read * s.b_c,
        cache_write=tokens * 2 * H_kv * h * s.b_c,
        act_read=tokens * (2 * H_q * h + read) * s.b_a,
        act_write=tokens * 2 * H_q * h * s.b_a,
        cache_held=mask.held * 2 * H_kv * h * s.b_c,
    )


def subtract(tokens: Expr, H_q: Expr, h: Expr) -> Cost:
    """z_mt = y_mt - a y_m't, where m' is a head of the second half: 2 h elements of each pair of heads.

    a = exp(w_1 . w_2) - exp(w_3 . w_4) + a_0 depends on no token: its four vectors of h are read, no more is counted.
    """
    weights = 4 * h * s.b_n
    return elements(tokens, 2 * H_q * h, H_q * h, 2 * H_q * h) + Cost(weight_read=weights, weight_held=weights)
