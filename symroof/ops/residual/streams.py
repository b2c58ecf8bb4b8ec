"""Several residual streams (AltUp), low-rank residuals (LAuReL), and per-layer inputs."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import elements, matmul
from symroof.ops.weights_and_cache import stored_weights


def mix_inputs(rows: Expr, d: Expr) -> Cost:
    """y_i = (x_i + a e_i) b for two constants: three operations per element."""
    return elements(rows, 2 * d, d, 3 * d)


def tanh(rows: Expr, d: Expr) -> Cost:
    """y_i = tanh(x_i)."""
    return elements(rows, d, d, d)


def predict_streams(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti + sum_j x_tj c_tji for streams i, j: each token has coefficients c_t."""
    coefficients, outputs = tokens * streams**2, tokens * streams * d
    return Cost(
        matmul=dots(coefficients * d, outputs),
        vector=elementwise(outputs),
        act_read=(outputs + coefficients) * s.b_a,
        act_write=outputs * s.b_a,
    )


# The difference between the computed and the predicted active stream is added to all streams.
def correct_streams(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti + (c_ti + 1)(z_t - x_t0)."""
    return elements(tokens, (streams + 1) * d + streams, streams * d, streams + d + 2 * streams * d)


def scale_elements(tokens: Expr, d: Expr) -> Cost:
    """y_i = g_i x_i for learned weights g."""
    return elements(tokens, d, d, d) + stored_weights(d * s.b_n)


def add_to_streams(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti + z_t for all streams but one."""
    return elements(tokens, streams * d, (streams - 1) * d, (streams - 1) * d)


# A mean square takes d products, d - 1 additions and a division; with the root 2 d + 1.
def match_magnitudes(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti |x_t0| / max(|x_ti|, eps) for all streams but the first, |x| the root of the mean square."""
    others = streams - 1
    return elements(tokens, streams * d, others * d, streams * (2 * d + 1) + others * (d + 2))


def project_streams(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti W_i for all streams but the first; weights [streams - 1, d, d]."""
    return matmul(tokens * (streams - 1), d, d, (streams - 1) * d**2 * s.b_w)


def mean_of_streams(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_t = sum_i x_ti / streams: one addition less than there are streams, and a division."""
    return elements(tokens, streams * d, d, streams * d)


def add_scaled_residuals(tokens: Expr, d: Expr) -> Cost:
    """y = (x + u + v) a."""
    return elements(tokens, 3 * d, d, 3 * d)
