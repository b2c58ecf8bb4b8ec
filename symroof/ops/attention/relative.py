"""Attention with biases by distance: limited lengths of queries and keys, convolutions weighted by token."""

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.ops.dense import elements
from symroof.ops.recurrent.convolution_and_state import state
from symroof.ops.weights_and_cache import stored_weights


# Square, add up, root and eps, divide, compare, multiply: 3 h + 3, and h to multiply by g.
def limit_length(rows: Expr, h: Expr, weights: Expr | int = 0) -> Cost:
    """y_i = x_i min(1, a / |x|) for each row x; g_i x_i in place of x_i where there are `weights` g."""
    return elements(rows, h, h, (4 if weights else 3) * h + 3) + stored_weights(weights * s.b_n)


# k_c to add weights, 2 k_c - 1 to weight and add up, 2 to add x and divide. The last columns are held as states are.
def convolve_by_token(heads: Expr, h: Expr) -> Cost:
    """z_tmi = (x_tmi + sum_j (w_mij + u_tmj) x_(t - j)mi) / a over k_c tokens j, with weights u of each token."""
    channels = heads * h
    sums = elements(s.T, channels + heads * s.k_c, channels, channels * (3 * s.k_c + 1))
    return state(channels * s.u_c) + sums + stored_weights(channels * s.k_c * s.b_n)


def projected_sink(tokens: Expr, heads: Expr) -> Cost:
    """One more score per row of the softmax, a projected one: compared, subtracted, exponentiated, added."""
    return elements(tokens, heads, Integer(0), 4 * heads)
