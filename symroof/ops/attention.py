"""Attention over grouped heads. New tokens T, pairs shown by the mask, cached keys it reads, tokens it keeps."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost import Cost, dots, elementwise
from symroof.masks import Mask
from symroof.ops.dense import elements


def rotate(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """(y_i, y_j) = (x_i cos - x_j sin, x_j cos + x_i sin): 3 operations an element of each head."""
    return elements(tokens * heads, h, h, 3 * h)


def scale(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """y = a_t x: each head's elements times one factor a token."""
    return elements(tokens * heads, h, h, h)


def attend(tokens: Expr, mask: Mask, H_q: Expr, H_kv: Expr, h: Expr) -> Cost:
    """a_mtl = softmax_l(q_mt . k_l / sqrt h), y_mt = sum_l a_mtl v_l over the pairs (t, l) of every query head m.

    Keys and values are read once a KV head: new ones as activations, cached ones from the cache, to which the
    new ones are appended. Softmax of l scores: scale l, maximum l - 1, subtract l, exponentiate l, sum l - 1,
    divide l.
    """
    pairs, rows, cached = mask.pairs * H_q, tokens * H_q, 2 * H_kv * h * s.b_c
    return Cost(
        matmul=dots(pairs * h, pairs) + dots(pairs * h, rows * h),
        vector=elementwise(H_q * (6 * mask.pairs - 2 * tokens)),
        cache_read=mask.read * cached,
        cache_write=tokens * cached,
        act_read=tokens * h * (H_q + 2 * H_kv) * s.b_a,
        act_write=tokens * h * H_q * s.b_a,
        cache_held=mask.held * cached,
    )
