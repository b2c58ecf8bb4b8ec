"""Attention whose queries and keys are convolved twice, and whose values are half those of the token before."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import elements, linear
from symroof.ops.recurrent.convolution_and_state import state
from symroof.ops.weights_and_cache import stored_weights


# The last k_g - 1 columns are cached.
def convolve_heads(heads: Expr, h: Expr) -> Cost:
    """y_tmo = sum_ji W_mjoi x_(t - j)mi + b_mo over the k_g tokens up to t."""
    weights, width = heads * h * h * s.k_g * s.b_w + heads * h * s.b_n, heads * h
    products = Cost(matmul=dots(s.T * width * h * s.k_g, s.T * width))
    sums = elements(s.T, width, width, width)
    return state(width * (s.k_g - 1), s.b_c) + sums + stored_weights(weights) + products


def add_projection_means(tokens: Expr, H_q: Expr, H_kv: Expr, h: Expr) -> Cost:
    """q'_tm = q_tm + a_tm and k'_tj = k_tj + mean_m a_tm for a_tm = (u_tm + v_tj) / 2 as projected."""
    both = (H_q + H_kv) * h
    return elements(tokens, 2 * both, both, 3 * H_q * h + both)


def delayed_values(d: Expr, width: Expr, bias: bool) -> Cost:
    """y_to = sum_i x_(t - 1)i W_io (+ b_o): that of the last token is cached for the next step."""
    return linear(s.T_delay, d, width, bias=bias) + state(width, s.b_c)


def normalize_heads(tokens: Expr, H_q: Expr, H_kv: Expr, h: Expr) -> Cost:
    """y = x sqrt(h) / |x| of each head, times a learned number per KV head for keys."""
    scaled = Cost(vector=elementwise(tokens * H_kv * h)) + stored_weights(H_kv * s.b_n)
    return elements(tokens * (H_q + H_kv), h, h, 3 * h + 2) + scaled
