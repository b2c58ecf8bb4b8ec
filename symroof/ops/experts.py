"""Routed experts. Each token runs `k_run` of `N_e` experts; a step reads the weights of `N_x` of them."""

from dataclasses import replace

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import elementwise
from symroof.ops import dense
from symroof.ops.dense import elements, linear
from symroof.ops.weights_and_cache import stored_weights


# k passes of comparisons, unless a hash of the token chooses the experts; k sigmoids of 4 operations. A `correction`
# is a learned weight per expert, added to the sigmoids, then of all N_e, before they are compared. `others`: shared
# experts that are scored too, and always run.
def route(
    tokens: Expr, d: Expr, bias: bool = False, correction: bool = False, others: Expr | int = 0, hashed: bool = False
) -> Cost:
    """p_te = sigmoid((x_t W)_e (+ b_e)) for the k largest of N_e, else 0."""
    comparisons = 0 if hashed else s.k * s.N_e - s.k * (s.k + 1) / 2
    sigmoids = (s.N_e if correction else s.k) + others
    choice = Cost(vector=elementwise(tokens * (comparisons + 4 * sigmoids)))
    cost = linear(tokens, d, s.N_e + others, s.b_r, bias) + choice
    return cost + dense.bias(tokens, s.N_e, s.b_sc) if correction else cost


def scale_scores(tokens: Expr) -> Cost:
    """y_te = g_e p_te for each expert e that token t runs."""
    return elements(tokens, s.k, s.k, s.k) + stored_weights(s.N_e * s.b_n)


def dispatch(tokens: Expr, d: Expr) -> Cost:
    """y_te = p_te x_t for each expert e that token t runs."""
    return elements(tokens, d + s.k_run, s.k_run * d, s.k_run * d)


def copy_to_experts(tokens: Expr, d: Expr) -> Cost:
    """y_te = x_t for each expert e that token t runs."""
    return elements(tokens, d, s.k_run * d, Integer(0))


def combine_weighted(tokens: Expr, d: Expr) -> Cost:
    """y_t = sum_e p_te y_te."""
    return elements(tokens, s.k_run * (d + 1), d, (2 * s.k_run - 1) * d)


def expert_linear(tokens: Expr, d_in: Expr, d_out: Expr, bias: bool = False) -> Cost:
    """y_te = x_te W_e (+ b_e) for each expert e that token t runs; weights [N_e, d_in, d_out]."""
    one = linear(tokens * s.k_run, d_in, d_out, s.b_e, bias)
    return replace(one, weight_read=s.N_x * one.weight_read, weight_held=s.N_e * one.weight_held)


def combine(tokens: Expr, d: Expr, shared: bool) -> Cost:
    """y_t = sum_e y_te (+ the shared expert's output)."""
    parts = s.k_run + 1 if shared else s.k_run
    return elements(tokens, parts * d, d, (parts - 1) * d)
