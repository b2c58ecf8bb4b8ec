"""What recurrences share: short causal convolutions, and states of constant size."""

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise


def convolve(
    channels: Expr, bias: bool = False, positions: Expr = s.T_conv, columns: Expr = s.u_c, width: Expr = s.b_c
) -> Cost:
    """y_ti = sum_j w_ij x_(t - j)i (+ b_i) over the k_c tokens up to t; the last columns are kept for the next step."""
    rows = positions * channels
    weights = channels * (s.k_c + 1 if bias else s.k_c) * s.b_n
    return state(channels * columns, width) + Cost(
        matmul=dots(rows * s.k_c, rows),
        vector=elementwise(s.T * channels) if bias else Integer(0),
        weight_read=weights,
        act_read=s.T * channels * s.b_a,
        act_write=s.T * channels * s.b_a,
        weight_held=weights,
    )


def convolve_added(channels: Expr) -> Cost:
    """z_ti = y_ti + x_ti for the convolution y of x; its columns are kept as states are."""
    return convolve(channels, width=s.b_s) + Cost(vector=elementwise(s.T * channels))


def state(elements: Expr, width: Expr = s.b_s) -> Cost:
    """A state of constant size a query: read where there is one, written back, and kept."""
    return Cost(
        cache_read=s.B_old * elements * width,
        cache_write=s.B * elements * width,
        cache_held=s.B * elements * width,
    )
