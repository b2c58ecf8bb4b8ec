"""Hyper-connections: m streams in place of one residual, gathered ahead of a sublayer and spread after it.

The weights of both come from the streams themselves, by one projection of all m d elements of a token.
"""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots
from symroof.ops.dense import elements, linear


def weights(outputs: Expr, scales: int, mixing: bool) -> Cost:
    """a_o = sigmoid(s (X W)_o + b_o) + e, `outputs` of a token; where `mixing`, m^2 of them are a matrix instead.

    That is a softmax of its rows, made doubly stochastic by dividing rows and columns by their sums m_s times.
    """
    held, matrix = (outputs + scales) * s.b_n, s.m**2 if mixing else 0
    softmax = 3 * matrix + s.m * (5 * s.m - 2) if mixing else 0
    operations = 7 * (outputs - matrix) + softmax + (2 * s.m_s - 1) * 2 * matrix
    learned = Cost(weight_read=held, weight_held=held)
    return linear(s.T, s.m * s.d, outputs, s.b_r) + learned + elements(s.T, 0, 0, operations)


def gather() -> Cost:
    """x = sum_i a_i X_i."""
    return elements(s.T, s.m * (s.d + 1), s.d, (2 * s.m - 1) * s.d)


def gather_weighed() -> Cost:
    """x_i = sum_k sigmoid(u_ki) X_ki / m: weights u an element of each stream."""
    return elements(s.T, 2 * s.m * s.d, s.d, 6 * s.m * s.d)


def spread(mixing: bool) -> Cost:
    """X'_k = b_k y + X_k, or b_k y + sum_i c_ik X_i."""
    read = s.m * s.d + s.d + s.m
    if not mixing:
        return elements(s.T, read, s.m * s.d, 2 * s.m * s.d)
    outputs = s.T * s.m * s.d
    mixed = Cost(matmul=dots(outputs * s.m, outputs), act_read=s.T * s.m**2 * s.b_a)
    return elements(s.T, read, s.m * s.d, 2 * s.m * s.d) + mixed
