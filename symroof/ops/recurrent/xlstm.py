"""The memory of an xLSTM layer: one matrix per head, under gates scaled by exponentials."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots
from symroof.ops.dense import elements
from symroof.ops.recurrent.convolution_and_state import state


def softcap(tokens: Expr, d: Expr) -> Cost:
    """y = a tanh(x / a): 3 operations per element."""
    return elements(tokens, d, d, 3 * d)


# With F = log sigmoid(x_f) of 5 operations, m' = max(F + m, x_i), f = e^(F + m - m') and i = e^(x_i - m'): 11 in all;
# absolute value, e^-m' of 2, maximum and eps: 5. Other elementwise ones: q scaled, i k, the decays of C and n, the sum
# of n, the quotient. C, n and m are held in the format of the cache.
def matrix_memory(tokens: Expr, heads: Expr, d_k: Expr, d_v: Expr) -> Cost:
    """C' = f C + i k v^T, n' = f n + i k, y = C'^T q / (max(|n' . q|, e^-m') + eps) for q over the root of d_k."""
    rows = tokens * heads
    products = Cost(matmul=dots(rows * (2 * d_k * d_v + d_k), rows * (d_v + 1)))
    activations = elements(rows, 2 * d_k + d_v + 2, d_v, d_k * d_v + 4 * d_k + d_v + 16)
    return state(heads * (d_k * d_v + d_k + 1), s.b_c) + activations + products
