"""Dense operators: lookups, projections, norms, activations, residuals. One row is one token's vector."""

from dataclasses import replace

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost import Cost, dots, elementwise

# Elementary operations an element, counted off the definitions.
ACTIVATIONS = {
    "silu": 4,  # x / (1 + exp(-x)): negate, exponentiate, add, divide
    "relu": 1,  # max(x, 0)
    "gelu": 5,  # x/2 (1 + erf(x / sqrt 2)): scale, erf, add, halve, multiply
    "gelu_tanh": 9,  # x/2 (1 + tanh(a (x + b x^3))): cube 2, scale, add, scale, tanh, add, halve, multiply
}


def lookup(rows: Expr, d: Expr, V: Expr) -> Cost:
    """y_t = E[token_t]: one row of the table [V, d] read for each token."""
    return Cost(weight_read=rows * d * s.b_emb, act_write=rows * d * s.b_a, weight_held=V * d * s.b_emb)


def linear(rows: Expr, d_in: Expr, d_out: Expr, width: Expr = s.b_w, bias: bool = False) -> Cost:
    """y_to = sum_i x_ti W_io (+ b_o): weights [d_in, d_out] of `width` bytes an element."""
    weights = d_in * d_out * width + (d_out * s.b_n if bias else 0)
    return Cost(
        matmul=dots(rows * d_in * d_out, rows * d_out),
        vector=elementwise(rows * d_out) if bias else Integer(0),
        weight_read=weights,
        act_read=rows * d_in * s.b_a,
        act_write=rows * d_out * s.b_a,
        weight_held=weights,
    )


def run(cost: Cost, times: Expr, tied: bool = False) -> Cost:
    """An operator run `times` over whose weights are kept all the same, or by another one where `tied`."""
    done: Cost = cost * times
    return replace(done, weight_held=0 if tied else cost.weight_held)


def elements(rows: Expr, read: Expr, written: Expr, operations: Expr) -> Cost:
    """An operator without weights: elements read, written, and elementary operations, for each row."""
    return Cost(
        vector=elementwise(rows * operations),
        act_read=rows * read * s.b_a,
        act_write=rows * written * s.b_a,
    )


def rms_norm(rows: Expr, d: Expr) -> Cost:
    """y_i = g_i x_i / sqrt(mean_j x_j^2 + eps): squares d, sum d - 1, mean, eps, root, scale d, weigh d."""
    weights = Cost(weight_read=d * s.b_n, weight_held=d * s.b_n)
    return elements(rows, d, d, 4 * d + 2) + weights


def l2_norm(rows: Expr, d: Expr) -> Cost:
    """y_i = x_i / sqrt(mean_j x_j^2 + eps), without weights."""
    return elements(rows, d, d, 3 * d + 2)


def activate(rows: Expr, f: Expr, act: str = "silu") -> Cost:
    """y_i = act(g_i) u_i for the two halves g, u of each row."""
    return elements(rows, 2 * f, f, (ACTIVATIONS[act] + 1) * f)


def residual(rows: Expr, d: Expr) -> Cost:
    """y = x + r."""
    return elements(rows, 2 * d, d, d)
