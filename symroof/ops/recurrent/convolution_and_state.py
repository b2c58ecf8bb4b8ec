"""What recurrences share: short causal convolutions, and states of constant size."""

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import elements
from symroof.ops.weights_and_cache import cache_entries, stored_weights


# The last `columns` of x are cached for the next step.
def convolve(
    channels: Expr, bias: bool = False, positions: Expr = s.T_conv, columns: Expr = s.u_c, width: Expr = s.b_c
) -> Cost:
    """y_ti = sum_j w_ij x_(t - j)i (+ b_i) over the k_c tokens up to t."""
    rows = positions * channels
    weights = channels * (s.k_c + 1 if bias else s.k_c) * s.b_n
    products = Cost(matmul=dots(rows * s.k_c, rows))
    activations = elements(s.T, channels, channels, channels if bias else Integer(0))
    return state(channels * columns, width) + activations + stored_weights(weights) + products


# The last columns of x are held as states are.
def convolve_added(channels: Expr) -> Cost:
    """z_ti = y_ti + x_ti for the convolution y of x."""
    return convolve(channels, width=s.b_s) + Cost(vector=elementwise(s.T * channels))


def state(size: Expr, width: Expr = s.b_s) -> Cost:
    """A state of constant size per query: read where there is one already, written back, and held."""
    return cache_entries(s.B_old, s.B, s.B, size * width)
