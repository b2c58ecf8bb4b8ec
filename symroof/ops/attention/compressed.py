"""Attention to compressed entries: one of every w_c tokens, a weighted sum of theirs in each channel."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise


def compress(h: Expr, overlapping: bool) -> Cost:
    """e_i = sum_j softmax_j(g_ji + b_ji) v_ji over w_c tokens j, in each of h channels i; twice as many where entries
    overlap, of two series of values v and gates g of each token, and the first of the two is kept for the next entry.

    Adding b, softmax 5 l - 2, weighing and adding up: 8 l - 3 for l tokens. Tokens wait in the cache for the last.
    """
    series = 2 if overlapping else 1
    kept, weights = 2 * series * h * s.b_c, s.w_c * series * h * s.b_n
    over = 2 * h * s.b_c if overlapping else 0
    return Cost(
        vector=elementwise(s.T_comp * h * (8 * series * s.w_c - 3)),
        weight_read=weights,
        cache_read=s.C_part * kept + s.C_over * over,
        cache_write=s.T_part * kept + s.T_over * over,
        act_read=s.T * 2 * series * h * s.b_a,
        act_write=s.T_comp * h * s.b_a,
        weight_held=weights,
        cache_held=s.K_part * kept + s.K_over * over,
    )


def select(H: Expr, h: Expr) -> Cost:
    """I_tj = sum_m w_tm relu(q_tm . e_j) for each entry j that token t sees, and the largest, by a threshold."""
    return Cost(
        matmul=dots(s.P_comp * H * h, s.P_comp * H),
        vector=elementwise(s.P_comp * 3 * H),
        cache_read=s.C_comp * h * s.b_c,
        cache_write=s.T_comp * h * s.b_c,
        act_read=(s.T * H * (h + 1) + s.T_comp * h) * s.b_a,
        act_write=s.P_sel * s.b_a,
        cache_held=s.K_comp * h * s.b_c,
    )


def attend(H: Expr, h: Expr, pairs: Expr, read: Expr, new: Expr, kept: Expr, selected: Expr) -> Cost:
    """a_tmj = softmax_j(q_tm . k_j / sqrt h), y_tm = sum_j a_tmj k_j over the window and `pairs` of entries.

    `read`, `new` and `kept` entries are cached, completed and cached after the step; `selected` pairs are read.
    """
    seen = (s.P_swa + pairs) * H
    return Cost(
        matmul=dots(seen * h, seen) + dots(seen * h, s.T * H * h),
        vector=elementwise(6 * seen - 2 * s.T * H),
        cache_read=(s.C_swa + read) * h * s.b_c,
        cache_write=(s.T + new) * h * s.b_c,
        act_read=(s.T * H * h + (s.T + new) * h + selected) * s.b_a,
        act_write=s.T * H * h * s.b_a,
        cache_held=(s.K_swa + kept) * h * s.b_c,
    )


def grouped_linear(rows: Expr, groups: Expr, d_in: Expr, d_out: Expr) -> Cost:
    """y_tgo = sum_i x_tgi W_gio for each group g."""
    weights = groups * d_in * d_out * s.b_o
    return Cost(
        matmul=dots(rows * groups * d_in * d_out, rows * groups * d_out),
        weight_read=weights,
        act_read=rows * groups * d_in * s.b_a,
        act_write=rows * groups * d_out * s.b_a,
        weight_held=weights,
    )
