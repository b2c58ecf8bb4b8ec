"""Indexers that score blocks of keys by one pooled key each; keys wait in the cache until their block is complete."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.weights_and_cache import cache_entries, stored_weights


def pool_mean(h: Expr) -> Cost:
    """e_b = sum_j k_j / w_i over the keys j of each block b that the step completes."""
    return Cost(vector=elementwise(s.T_pool * s.w_i * h), act_read=s.T * h * s.b_a, act_write=s.T_pool * h * s.b_a)


# Adding a, softmax 5 l - 2, weighting and adding up: 8 l - 3 for l keys.
def pool_weighted(h: Expr) -> Cost:
    """e_bi = sum_j softmax_j(g_ji + a_ji) k_ji over the keys j of each block b that the step completes."""
    return stored_weights(s.w_i * h * s.b_n) + Cost(
        vector=elementwise(s.T_pool * h * (8 * s.w_i - 3)),
        act_read=s.T * 2 * h * s.b_a,
        act_write=s.T_pool * h * s.b_a,
    )


def index_pooled(H: Expr, h: Expr) -> Cost:
    """I_tb = sum_m relu(q_tm . e_b) / sqrt h for each complete block b that t sees, and its k_b largest."""
    return pooled_key_cache(h, 1) + Cost(
        matmul=dots(s.P_pool * H * h, s.P_pool * H),
        vector=elementwise(s.P_pool * (2 * H + 1)),
        act_read=(s.T * H + s.T_pool) * h * s.b_a,
        act_write=s.T * s.k_b * s.b_a,
    )


def index_weighted(H: Expr, h: Expr) -> Cost:
    """I_tb = sum_m w_tm relu(q_tm . e_b) for each block b that is scored for t, and its k_b largest."""
    return pooled_key_cache(h, 2) + Cost(
        matmul=dots(s.P_score * H * h, s.P_score * H) + dots(s.P_score * H, s.P_score),
        vector=elementwise(s.P_score * (H + 1)),
        act_read=(s.T * H * (h + 1) + s.T_pool * h) * s.b_a,
        act_write=s.T * s.k_b * s.b_a,
    )


def pooled_key_cache(h: Expr, vectors: int) -> Cost:
    """Pooled keys of h elements, and so many `vectors` of each key that waits for its block to be complete."""
    read, new, held = s.C_pool + vectors * s.C_wait, s.N_pool + vectors * s.T_wait, s.K_pool + vectors * s.K_wait
    return cache_entries(read, new, held, h * s.b_c)
