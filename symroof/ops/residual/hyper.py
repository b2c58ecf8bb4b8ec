"""Hyper-connections: m streams in place of one residual, gathered before a sublayer and spread after it.

The weights of both come from the streams themselves, by one projection of all m d elements of a token.
"""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots
from symroof.ops.dense import elements, linear
from symroof.ops.weights_and_cache import stored_weights


# Where `mixing`, m^2 of the `outputs` per token are a matrix instead: a softmax of its rows, made doubly stochastic by
# dividing rows and columns by their sums m_s times.
def stream_weights(outputs: Expr, scales: int, mixing: bool) -> Cost:
    """a_o = sigmoid(s (X W)_o + b_o) + e."""
    matrix = s.m**2 if mixing else 0
    softmax = 3 * matrix + s.m * (5 * s.m - 2) if mixing else 0
    operations = 7 * (outputs - matrix) + softmax + (2 * s.m_s - 1) * 2 * matrix
    learned = stored_weights((outputs + scales) * s.b_n)
    return linear(s.T, s.m * s.d, outputs, s.b_r) + learned + elements(s.T, 0, 0, operations)


def gather_streams() -> Cost:
    """x = sum_i a_i X_i."""
    return elements(s.T, s.m * (s.d + 1), s.d, (2 * s.m - 1) * s.d)


def gather_streams_weighted() -> Cost:
    """x_i = sum_k sigmoid(u_ki) X_ki / m: one weight u per element of each stream."""
    return elements(s.T, 2 * s.m * s.d, s.d, 6 * s.m * s.d)


def spread_to_streams(mixing: bool) -> Cost:
    """X'_k = b_k y + X_k, or b_k y + sum_i c_ik X_i where `mixing`."""
    sums = elements(s.T, s.m * s.d + s.d + s.m, s.m * s.d, 2 * s.m * s.d)
    outputs = s.T * s.m * s.d
    mixed = Cost(matmul=dots(outputs * s.m, outputs), act_read=s.T * s.m**2 * s.b_a)
    return sums + mixed if mixing else sums
