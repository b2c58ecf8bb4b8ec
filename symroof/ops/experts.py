"""Routed experts. Each token runs `k_run` of `N_e` experts; a step reads the weights of `N_x` of them."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost import Cost, dots, elementwise
from symroof.ops.dense import elements, linear


def route(tokens: Expr, d: Expr) -> Cost:
    """p_te = sigmoid((x_t W)_e) for the k largest of N_e, else 0: k passes of comparisons, k sigmoids of 4."""
    choose = s.k * s.N_e - s.k * (s.k + 1) / 2
    return linear(tokens, d, s.N_e, s.b_r) + Cost(vector=elementwise(tokens * (choose + 4 * s.k)))


def dispatch(tokens: Expr, d: Expr) -> Cost:
    """y_te = p_te x_t for each expert e that token t runs."""
    return elements(tokens, d + s.k_run, s.k_run * d, s.k_run * d)


def expert_linear(tokens: Expr, d_in: Expr, d_out: Expr) -> Cost:
    """y_te = x_te W_e for each expert e that token t runs; weights [N_e, d_in, d_out]."""
    rows, weights = tokens * s.k_run, d_in * d_out * s.b_e
    return Cost(
        matmul=dots(rows * d_in * d_out, rows * d_out),
        weight_read=s.N_x * weights,
        act_read=rows * d_in * s.b_a,
        act_write=rows * d_out * s.b_a,
        weight_held=s.N_e * weights,
    )


def combine(tokens: Expr, d: Expr, shared: bool) -> Cost:
    """y_t = sum_e y_te (+ the shared expert's output)."""
    parts = s.k_run + 1 if shared else s.k_run
    return elements(tokens, parts * d, d, (parts - 1) * d)
