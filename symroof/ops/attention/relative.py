"""Attention with biases by distance: lengths that are limited, convolutions whose weights depend on the token."""

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import elementwise
from symroof.ops.dense import elements
from symroof.ops.recurrent.convolution_and_state import state


def limit(rows: Expr, h: Expr, weights: Expr | int = 0) -> Cost:
    """y_i = x_i min(1, a / |x|) for each row, of g_i x_i in place of x_i where there are `weights` g.

    Square, add up, root and eps, divide, compare, multiply: 3 h + 3, and h to weigh.
    """
    held = weights * s.b_n
    return elements(rows, h, h, (4 if weights else 3) * h + 3) + Cost(weight_read=held, weight_held=held)


def convolve_by_token(heads: Expr, h: Expr) -> Cost:
    """z_tmi = (x_tmi + sum_j (w_mij + u_tmj) x_(t - j)mi) / a over k_c tokens j, with weights u of each token.

    k_c to add weights, 2 k_c - 1 to weigh and add up, 2 to add x and divide. The last columns are kept as states are.
    """
    channels, weights = heads * h, heads * h * s.k_c * s.b_n
    return state(channels * s.u_c) + Cost(
        vector=elementwise(s.T * channels * (3 * s.k_c + 1)),
        weight_read=weights,
        act_read=s.T * (channels + heads * s.k_c) * s.b_a,
        act_write=s.T * channels * s.b_a,
        weight_held=weights,
    )


def sink(tokens: Expr, heads: Expr) -> Cost:
    """One more score a row of the softmax, a projected one: compared, subtracted, exponentiated, added."""
    return elements(tokens, heads, Integer(0), 4 * heads)
