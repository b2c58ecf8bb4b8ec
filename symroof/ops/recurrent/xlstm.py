"""The memory of an xLSTM layer: a matrix a head under gates that exponentials scale."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import elements
from symroof.ops.recurrent.convolution_and_state import state


def cap(tokens: Expr, d: Expr) -> Cost:
    """y = a tanh(x / a): 3 operations an element."""
    return elements(tokens, d, d, 3 * d)


def memory(tokens: Expr, heads: Expr, d_k: Expr, d_v: Expr) -> Cost:
    """C' = f C + i k v^T, n' = f n + i k, y = C'^T q / (max(|n' . q|, e^-m') + eps) for q over the root of d_k.

    With F = log sigmoid(x_f) of 5 operations, m' = max(F + m, x_i), f = e^(F + m - m') and i = e^(x_i - m'): 11 in
    all; absolute value, e^-m' of 2, maximum and eps: 5. Elementwise besides: q scaled, i k, the decays of C and n, the
    sum of n, the quotient. C, n and m are kept, in the format of the cache.
    """
    rows = tokens * heads
    return state(heads * (d_k * d_v + d_k + 1), s.b_c) + Cost(
        matmul=dots(rows * (2 * d_k * d_v + d_k), rows * (d_v + 1)),
        vector=elementwise(rows * (d_k * d_v + 4 * d_k + d_v + 16)),
        act_read=rows * (2 * d_k + d_v + 2) * s.b_a,
        act_write=rows * d_v * s.b_a,
    )
