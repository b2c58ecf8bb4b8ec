"""Several residual streams (AltUp), low-rank residuals (LAuReL), and inputs of each layer's own."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import elements


def mix(rows: Expr, d: Expr) -> Cost:
    """y_i = (x_i + a e_i) b for two constants: three operations an element."""
    return elements(rows, 2 * d, d, 3 * d)


def squash(rows: Expr, d: Expr) -> Cost:
    """y_i = tanh(x_i)."""
    return elements(rows, d, d, d)


def predict(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti + sum_j x_tj c_tji for streams i, j: each token has coefficients of its own."""
    products, outputs = tokens * streams**2 * d, tokens * streams * d
    return Cost(
        matmul=dots(products, outputs),
        vector=elementwise(outputs),
        act_read=(outputs + tokens * streams**2) * s.b_a,
        act_write=outputs * s.b_a,
    )


def correct(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti + (c_ti + 1)(z_t - x_t0): what the active stream became, less what was predicted, to all."""
    return elements(tokens, (streams + 1) * d + streams, streams * d, streams + d + 2 * streams * d)


def weigh(tokens: Expr, d: Expr) -> Cost:
    """y_i = g_i x_i."""
    return elements(tokens, d, d, d) + Cost(weight_read=d * s.b_n, weight_held=d * s.b_n)


def spread(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti + z_t for all streams but one."""
    return elements(tokens, streams * d, (streams - 1) * d, (streams - 1) * d)


def level(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti |x_t0| / max(|x_ti|, eps) for all streams but the first, |x| the root of the mean square.

    A mean square takes d products, d - 1 additions and a division; with the root 2 d + 1.
    """
    others = streams - 1
    return elements(tokens, streams * d, others * d, streams * (2 * d + 1) + others * (d + 2))


def project_each(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_ti = x_ti W_i for all streams but the first; weights [streams - 1, d, d]."""
    rows, weights = tokens * (streams - 1) * d, (streams - 1) * d**2 * s.b_w
    return Cost(
        matmul=dots(rows * d, rows),
        weight_read=weights,
        act_read=rows * s.b_a,
        act_write=rows * s.b_a,
        weight_held=weights,
    )


def mean(tokens: Expr, streams: Expr, d: Expr) -> Cost:
    """y_t = mean of the streams: as many additions but one, and a division."""
    return elements(tokens, streams * d, d, streams * d)


def join(tokens: Expr, d: Expr) -> Cost:
    """y = (x + u + v) a: two residuals added up and scaled."""
    return elements(tokens, 3 * d, d, 3 * d)
