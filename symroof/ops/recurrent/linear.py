"""Linear attention and gated linear recurrences, whose cost per token does not grow with the context.

A state of constant size is decayed, updated and read by every token. The standard rules count token by token, which is
linear in tokens; P_delta and P_light are the pairs that a chunked scan multiplies in addition.
"""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import elements
from symroof.ops.recurrent.convolution_and_state import state
from symroof.ops.weights_and_cache import stored_weights


def normalize_queries_keys(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """(q, k) -> (q / (|q| sqrt h), k / |k|) of each head: square, add up, eps, root, divide; scale q."""
    return elements(tokens * heads, 2 * h, 2 * h, 2 * (3 * h + 1) + h)


# Twice sigmoid(x_t) where `doubled`; a_t = exp(m sigmoid(A (y_t + s))) where `bounded`. Weights: A of every head, s of
# every channel. Sigmoid is 4 operations, softplus 3; the rest of a is to shift, scale (by m too) and exponentiate.
def decay_rates(tokens: Expr, heads: Expr, channels: Expr, bounded: bool, doubled: bool) -> Cost:
    """b_t = sigmoid(x_t) of each head; a_t = exp(-A softplus(y_t + s)), `channels` of them."""
    operations = (5 if doubled else 4) * heads + (8 if bounded else 6) * channels
    weights = (heads + channels) * s.b_n
    return elements(tokens, heads + channels, heads + channels, operations) + stored_weights(weights)


# A state [d_k, d_v] per value head; q, k of H_k heads, v of H_v, `channels` numbers a and H_v numbers b per token.
# Elementwise: decay d_k d_v, subtract and scale d_v. In chunks the pairs of a chunk are scored (k k^T, q k^T) and read
# (q k^T v) as well.
def delta_rule(tokens: Expr, H_k: Expr, H_v: Expr, d_k: Expr, d_v: Expr, channels: Expr) -> Cost:
    """S_t = a_t S_(t-1) + k_t (b_t (v_t - k_t^T a_t S_(t-1)))^T, y_t = q_t^T S_t."""
    rows, pairs = s.T_delta * H_v, s.P_delta * H_v
    return state(H_v * d_k * d_v) + Cost(
        matmul=dots(3 * rows * d_k * d_v + pairs * (2 * d_k + d_v), 2 * rows * d_v + 2 * pairs),
        vector=elementwise(tokens * H_v * (d_k * d_v + 2 * d_v)),
        act_read=tokens * (2 * H_k * d_k + H_v * d_v + H_v + channels) * s.b_a,
        act_write=tokens * H_v * d_v * s.b_a,
    )


# A state [h, h] per head, in the format of the cache. In blocks the pairs of a block are scored (q k^T) and read
# ((q k^T) v) as well.
def lightning_attention(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """S_t = r S_(t-1) + k_t v_t^T, y_t = q_t^T S_t for a fixed decay r of each head."""
    rows, pairs = tokens * heads, s.P_light * heads
    scan = Cost(matmul=dots(2 * rows * h * h + 2 * pairs * h, rows * h + pairs))
    return state(heads * h * h, s.b_c) + elements(rows, 3 * h, h, h * h) + scan


def block_gates(tokens: Expr, d: Expr, blocks: Expr) -> Cost:
    """(r_tb, i_tb) = x_tb (W_b, U_b) + (v_b, u_b) for each of `blocks` blocks of the width d."""
    weights = 2 * d * d / blocks * s.b_w + 2 * d * s.b_n
    products = Cost(matmul=dots(2 * tokens * d * d / blocks, 2 * tokens * d))
    return elements(tokens, d, 2 * d, 2 * d) + stored_weights(weights) + products


# Two sigmoids of 4, scale, exponentiate; square, subtract, root, two products; decay, add.
def gated_recurrence(tokens: Expr, d: Expr) -> Cost:
    """h_t = a_t h_(t-1) + sqrt(1 - a_t^2) sigmoid(i_t) x_t, a_t = exp(A sigmoid(r_t)), for each of d elements."""
    return elements(tokens, 3 * d, d, 17 * d) + state(d) + stored_weights(d * s.b_n)


def multiply_elements(tokens: Expr, d: Expr) -> Cost:
    """y_i = g_i x_i."""
    return elements(tokens, 2 * d, d, d)
