"""RWKV: tokens mixed with the ones before them, and linear attention whose keys decay at a rate per channel."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots
from symroof.ops.dense import elements
from symroof.ops.recurrent.convolution_and_state import state
from symroof.ops.weights_and_cache import stored_weights


# The last token is cached for the next step.
def token_shift(tokens: Expr, d: Expr, mixtures: int) -> Cost:
    """y_gt = x_(t-1) + m_g (x_t - x_(t-1)) for each of `mixtures` vectors m_g."""
    shifted = elements(tokens, d, mixtures * d, d + 2 * mixtures * d)
    return shifted + state(d, s.b_c) + stored_weights(mixtures * d * s.b_n)


# For each of d channels; a and b are held over e^p for the largest exponent p so far. By x = u + k, q = max(p, x),
# e^(p - q), e^(x - q), six operations for y; p - w, p' = max(p - w, k), e^(p - w - p'), e^(k - p'), three for a', two
# for b'. Weights: u and w.
def wkv_by_channel(tokens: Expr, d: Expr) -> Cost:
    """y_t = (a + e^(u + k_t) v_t) / (b + e^(u + k_t)), a' = e^(-w) a + e^(k_t) v_t, b' = e^(-w) b + e^(k_t)."""
    return elements(tokens, 2 * d, d, 23 * d) + state(3 * d) + stored_weights(2 * d * s.b_n)


# A state [h, h] per head. Elementwise: u k, the product with v and the sum of h each, and the decay of the state.
# Weights: u and w.
def wkv_by_head(tokens: Expr, H: Expr, h: Expr) -> Cost:
    """y_t = r_t^T S + (r_t . u k_t) v_t, S' = diag(w) S + k_t v_t^T."""
    rows = tokens * H
    products = Cost(matmul=dots(rows * (2 * h * h + h), rows * (h + 1)))
    return state(H * h * h) + elements(rows, 3 * h, h, h * h + 3 * h) + stored_weights(2 * H * h * s.b_n) + products
