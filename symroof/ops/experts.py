"""Routed experts. Each token runs `k_run` of `N_e` experts; a step reads the weights of `N_x` of them."""

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import bias as own_bias
from symroof.ops.dense import elements, linear


def route(
    tokens: Expr, d: Expr, bias: bool = False, correction: bool = False, others: Expr | int = 0, hashed: bool = False
) -> Cost:
    """p_te = sigmoid((x_t W)_e (+ b_e)) for the k largest of N_e, else 0: k passes of comparisons, k sigmoids of 4.

    A `correction` is a learned weight an expert, added to the sigmoids, of all N_e then, that are compared.
    As many `others` are scored beside them, and always run. Where they are `hashed` the token says which k they are.
    """
    choose = 0 if hashed else s.k * s.N_e - s.k * (s.k + 1) / 2
    squashed = (s.N_e if correction else s.k) + others
    cost = linear(tokens, d, s.N_e + others, s.b_r, bias) + Cost(vector=elementwise(tokens * (choose + 4 * squashed)))
    return cost + own_bias(tokens, s.N_e) if correction else cost


def scale(tokens: Expr) -> Cost:
    """y_te = g_e p_te for each expert e that token t runs."""
    weights = s.N_e * s.b_n
    return elements(tokens, s.k, s.k, s.k) + Cost(weight_read=weights, weight_held=weights)


def dispatch(tokens: Expr, d: Expr) -> Cost:
    """y_te = p_te x_t for each expert e that token t runs."""
    return elements(tokens, d + s.k_run, s.k_run * d, s.k_run * d)


def copies(tokens: Expr, d: Expr) -> Cost:
    """y_te = x_t for each expert e that token t runs."""
    return elements(tokens, d, s.k_run * d, Integer(0))


def weigh(tokens: Expr, d: Expr) -> Cost:
    """y_t = sum_e p_te y_te."""
    return elements(tokens, s.k_run * (d + 1), d, (2 * s.k_run - 1) * d)


def expert_linear(tokens: Expr, d_in: Expr, d_out: Expr, bias: bool = False) -> Cost:
    """y_te = x_te W_e (+ b_e) for each expert e that token t runs; weights [N_e, d_in, d_out]."""
    rows, weights = tokens * s.k_run, d_in * d_out * s.b_e + (d_out * s.b_n if bias else 0)
    return Cost(
        matmul=dots(rows * d_in * d_out, rows * d_out),
        vector=elementwise(rows * d_out) if bias else Integer(0),
        weight_read=s.N_x * weights,
        act_read=rows * d_in * s.b_a,
        act_write=rows * d_out * s.b_a,
        weight_held=s.N_e * weights,
    )


def combine(tokens: Expr, d: Expr, shared: bool) -> Cost:
    """y_t = sum_e y_te (+ the shared expert's output)."""
    parts = s.k_run + 1 if shared else s.k_run
    return elements(tokens, parts * d, d, (parts - 1) * d)
