"""Attention to compressed entries, one for every w_c tokens: a weighted sum of these tokens in each channel."""

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.attention.softmax import attend, softmax_operations
from symroof.ops.dense import matmul
from symroof.ops.weights_and_cache import cache_entries, stored_weights


# Twice as many tokens where entries overlap: of two series of values v and gates g per token, the first is cached for
# the next entry. Adding b, softmax 5 l - 2, weighting and adding up: 8 l - 3 for l tokens. Tokens wait in the cache
# until their entry is complete.
def compress(h: Expr, overlapping: bool) -> Cost:
    """e_i = sum_j softmax_j(g_ji + b_ji) v_ji over w_c tokens j, in each of h channels i."""
    series = 2 if overlapping else 1
    waiting = cache_entries(s.C_part, s.T_part, s.K_part, 2 * series * h * s.b_c)
    overlap = cache_entries(s.C_over, s.T_over, s.K_over, 2 * h * s.b_c if overlapping else Integer(0))
    return (
        waiting
        + overlap
        + stored_weights(s.w_c * series * h * s.b_n)
        + Cost(
            vector=elementwise(s.T_comp * h * (8 * series * s.w_c - 3)),
            act_read=s.T * 2 * series * h * s.b_a,
            act_write=s.T_comp * h * s.b_a,
        )
    )


def index_entries(H: Expr, h: Expr) -> Cost:
    """I_tj = sum_m w_tm relu(q_tm . e_j) for each entry j that token t sees; the largest, by a threshold."""
    return cache_entries(s.C_comp, s.T_comp, s.K_comp, h * s.b_c) + Cost(
        matmul=dots(s.P_comp * H * h, s.P_comp * H),
        vector=elementwise(s.P_comp * 3 * H),
        act_read=(s.T * H * (h + 1) + s.T_comp * h) * s.b_a,
        act_write=s.P_sel * s.b_a,
    )


# `read`, `new` and `held`: entries that are cached, completed by the step, and cached after it; `selected` pairs are
# read from an indexer.
def compressed_attention(H: Expr, h: Expr, pairs: Expr, read: Expr, new: Expr, held: Expr, selected: Expr) -> Cost:
    """a_tmj = softmax_j(q_tm . k_j / sqrt h), y_tm = sum_j a_tmj k_j over the window and `pairs` of entries."""
    seen = (s.P_swa + pairs) * H
    return (
        cache_entries(s.C_swa + read, s.T + new, s.K_swa + held, h * s.b_c)
        + attend(seen, s.T * H, h, h)
        + Cost(
            vector=elementwise(softmax_operations(seen, s.T * H)),
            act_read=(s.T * H * h + (s.T + new) * h + selected) * s.b_a,
            act_write=s.T * H * h * s.b_a,
        )
    )


def grouped_linear(rows: Expr, groups: Expr, d_in: Expr, d_out: Expr) -> Cost:
    """y_tgo = sum_i x_tgi W_gio for each group g."""
    return matmul(rows * groups, d_in, d_out, groups * d_in * d_out * s.b_o)
