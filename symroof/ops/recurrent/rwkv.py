"""RWKV: tokens mixed with the ones before them, and linear attention whose keys decay at a rate of their channel."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import elements
from symroof.ops.recurrent.convolution_and_state import state


def mix(tokens: Expr, d: Expr, ways: int) -> Cost:
    """y_gt = x_(t-1) + m_g (x_t - x_(t-1)) for each of `ways` vectors m_g; the last token is kept for the next step."""
    weights = ways * d * s.b_n
    return (
        elements(tokens, d, ways * d, d + 2 * ways * d)
        + state(d, s.b_c)
        + Cost(weight_read=weights, weight_held=weights)
    )


def channels(tokens: Expr, d: Expr) -> Cost:
    """y_t = (a + e^(u + k_t) v_t) / (b + e^(u + k_t)), a' = e^(-w) a + e^(k_t) v_t, b' = e^(-w) b + e^(k_t).

    For each of d channels, where a and b are kept over e^p for the largest exponent p so far. By x = u + k, q =
    max(p, x), e^(p - q), e^(x - q), six operations for y; p - w, p' = max(p - w, k), e^(p - w - p'), e^(k - p'),
    three for a', two for b'. Weights: u and w.
    """
    weights = 2 * d * s.b_n
    return elements(tokens, 2 * d, d, 23 * d) + state(3 * d) + Cost(weight_read=weights, weight_held=weights)


def heads(tokens: Expr, H: Expr, h: Expr) -> Cost:
    """y_t = r_t^T S + (r_t . u k_t) v_t, S' = diag(w) S + k_t v_t^T: a state [h, h] a head.

    Elementwise: u k, the product with v and the sum of h each, and the decay of the state. Weights: u and w.
    """
    rows, weights = tokens * H, 2 * H * h * s.b_n
    return state(H * h * h) + Cost(
        matmul=dots(rows * (2 * h * h + h), rows * (h + 1)),
        vector=elementwise(rows * (h * h + 3 * h)),
        weight_read=weights,
        act_read=3 * rows * h * s.b_a,
        act_write=rows * h * s.b_a,
        weight_held=weights,
    )
