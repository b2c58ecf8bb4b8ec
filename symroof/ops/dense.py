"""Dense operators: lookups, projections, norms, activations, residuals. A row is the vector of one token."""

from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.weights_and_cache import stored_weights


@dataclass(frozen=True)
class Norm:
    """Weights per element; elementary operations, `each` per element and 2 per row (the mean's eps and root)."""

    weights: int
    each: int


NORMS = {
    "rms": Norm(1, 4),  # g x / sqrt(mean x^2 + eps): square, add up, divide, multiply by g
    "rms_shifted": Norm(2, 5),  # and shifted
    "rms_plain": Norm(0, 3),
    "layer": Norm(2, 7),  # g (x - mean x) / sqrt(var x + eps) + b: add up, subtract, square, add up, divide, g, b
    "layer_unbiased": Norm(1, 6),
    "layer_plain": Norm(0, 5),
}

# Elementary operations per element, by the definitions.
ACTIVATIONS = {
    "silu_clamped": 9,  # g / (1 + exp(-a g)) (u + 1): clamp g above 1 and u on both sides 2, scale, silu 4, add
    "situ": 11,  # b tanh(g / b) c tanh(u / c) sigmoid(g): twice scale, tanh, scale; sigmoid 4, multiply
    "silu_limited": 7,  # g / (1 + exp(-g)) u: clamp g above 1 and u on both sides 2, silu 4
    "silu": 4,  # x / (1 + exp(-x)): negate, exponentiate, add, divide
    "relu": 1,  # max(x, 0)
    "relu2": 2,  # max(x, 0)^2
    "gelu": 5,  # x/2 (1 + erf(x / sqrt 2)): scale, erf, add, halve, multiply
    "xielu": 10,  # a x^2 + b x above 0, c (exp(x) - 1 - x) + b x below: b x, the rest of each side 3 and 5, compare
    "gelu_tanh": 9,  # x/2 (1 + tanh(a (x + b x^3))): cube 2, scale, add, scale, tanh, add, halve, multiply
}

ACTIVATION_WEIGHTS = {"xielu": 2}  # a and c


def lookup(rows: Expr, d: Expr, V: Expr) -> Cost:
    """y_t = E[token_t]: one row of the table [V, d] read for each token."""
    return Cost(weight_read=rows * d * s.b_emb, act_write=rows * d * s.b_a, weight_held=V * d * s.b_emb)


def lookup_added(rows: Expr, d: Expr, N: Expr) -> Cost:
    """y_t = x_t + E[t]: a row of the table [N, d] added to each token."""
    return replace(lookup(rows, d, N), act_read=rows * d * s.b_a, vector=elementwise(rows * d))


def matmul(rows: Expr, d_in: Expr, d_out: Expr, weights: Expr) -> Cost:
    """y_to = sum_i x_ti W_io, with weights of so many bytes."""
    products = Cost(matmul=dots(rows * d_in * d_out, rows * d_out))
    return elements(rows, d_in, d_out) + stored_weights(weights) + products


def linear(rows: Expr, d_in: Expr, d_out: Expr, width: Expr = s.b_w, bias: bool = False) -> Cost:
    """y_to = sum_i x_ti W_io (+ b_o): weights [d_in, d_out] of `width` bytes per element."""
    weights = d_in * d_out * width + (d_out * s.b_n if bias else 0)
    return matmul(rows, d_in, d_out, weights) + Cost(vector=elementwise(rows * d_out) if bias else Integer(0))


def bias(rows: Expr, d: Expr, width: Expr = s.b_n) -> Cost:
    """y_i = x_i + b_i, while the projection that computes x writes it; b_i of `width` bytes."""
    return Cost(vector=elementwise(rows * d)) + stored_weights(d * width)


def run_times(cost: Cost, times: Expr, tied: bool = False) -> Cost:
    """An operator run `times` times with the same weights, which another operator holds where they are `tied`."""
    repeated: Cost = cost * times
    return replace(repeated, weight_held=0 if tied else cost.weight_held)


def elements(rows: Expr, read: Any, written: Any, operations: Any = 0) -> Cost:
    """An operator without weights: elements read, elements written and elementary operations, per row."""
    return Cost(
        vector=elementwise(rows * operations),
        act_read=rows * read * s.b_a,
        act_write=rows * written * s.b_a,
    )


def scale_by_number(rows: Expr, d: Expr) -> Cost:
    """y_i = g x_i for one learned number g."""
    return elements(rows, d, d, d) + stored_weights(s.b_n)


def shift(rows: Expr, d: Expr) -> Cost:
    """y_i = g_i (x_i + b_i)."""
    return elements(rows, d, d, 2 * d) + stored_weights(2 * d * s.b_n)


def clamp(rows: Expr, d: Expr) -> Cost:
    """y_i = min(max(x_i, -a), a)."""
    return elements(rows, d, d, 2 * d)


# A row's sums of d terms take d - 1 additions each and a division by d: with eps and the root 2 more than the `each` d
# of NORMS. `weights`: elements of g, where rows do not all share theirs.
def norm(rows: Expr, d: Expr, kind: str = "rms", weights: Expr | None = None) -> Cost:
    """y_i = g_i (x_i - m) / s + b_i for the mean m and deviation s of each row; a `kind` of NORMS leaves some out."""
    held = NORMS[kind].weights * (d if weights is None else weights) * s.b_n
    return elements(rows, d, d, NORMS[kind].each * d + 2) + stored_weights(held)


def activate(rows: Expr, f: Expr, act: str = "silu", gated: bool = True) -> Cost:
    """y_i = act(g_i) u_i for the two halves g, u of each row; y_i = act(x_i) where not `gated`."""
    read, operations = (2 * f, ACTIVATIONS[act] + 1) if gated else (f, ACTIVATIONS[act])
    return elements(rows, read, f, operations * f) + stored_weights(ACTIVATION_WEIGHTS.get(act, 0) * s.b_n)


# The mean takes f operations, the deviation 3 f + 1.
def gaussian_topk(rows: Expr, f: Expr) -> Cost:
    """y_i = max(x_i - m - a s, 0) for the mean m and deviation s of each row."""
    return elements(rows, f, f, 6 * f + 3)


def residual(rows: Expr, d: Expr, weighed: bool = False) -> Cost:
    """y = x + r, or y_i = x_i + g_i r_i with a weight per element."""
    weights = d * s.b_n if weighed else Integer(0)
    return elements(rows, 2 * d, d, 2 * d if weighed else d) + stored_weights(weights)


# Weights and operations per element: a and b both follow from one weight ("gate"), are two constants ("constants"), or
# are two of four weights in a_i (x_i + e_i) + b_i (r_i + f_i) ("shifted").
BLENDS = {"gate": (1, 3), "constants": (0, 3), "shifted": (4, 5)}


def blend(rows: Expr, d: Expr, how: str) -> Cost:
    """y_i = a_i x_i + b_i r_i of residual x and output r, in one of the forms of BLENDS."""
    weights, operations = BLENDS[how]
    return elements(rows, 2 * d, d, operations * d) + stored_weights(weights * d * s.b_n)


def broadcast(rows: Expr, d: Expr) -> Cost:
    """y_t = x, one vector for all rows."""
    return stored_weights(d * s.b_n) + Cost(act_write=rows * d * s.b_a)
