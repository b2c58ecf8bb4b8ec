"""Dense operators: lookups, projections, norms, activations, residuals. One row is one token's vector."""

from dataclasses import dataclass, replace

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise


@dataclass(frozen=True)
class Norm:
    """Weights an element, and elementary operations: `each` an element and 2 a row (the mean's eps and root)."""

    weights: int
    each: int


NORMS = {
    "rms": Norm(1, 4),  # g x / sqrt(mean x^2 + eps): square, add up, divide, weigh
    "rms_shifted": Norm(2, 5),  # and shifted
    "rms_plain": Norm(0, 3),
    "layer": Norm(
        2, 7
    ),  # g (x - mean x) / sqrt(var x + eps) + b: add up, subtract, square, add up, divide, weigh, shift
    "layer_unbiased": Norm(1, 6),
    "layer_plain": Norm(0, 5),
}

# Elementary operations an element, counted off the definitions.
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


def bias(rows: Expr, d: Expr) -> Cost:
    """y_i = x_i + b_i, apart from the projection that writes x."""
    return Cost(vector=elementwise(rows * d), weight_read=d * s.b_n, weight_held=d * s.b_n)


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


def factor(rows: Expr, d: Expr) -> Cost:
    """y_i = g x_i for one learned number g."""
    return elements(rows, d, d, d) + Cost(weight_read=s.b_n, weight_held=s.b_n)


def shift(rows: Expr, d: Expr) -> Cost:
    """y_i = g_i (x_i + b_i)."""
    weights = 2 * d * s.b_n
    return elements(rows, d, d, 2 * d) + Cost(weight_read=weights, weight_held=weights)


def clamp(rows: Expr, d: Expr) -> Cost:
    """y_i = min(max(x_i, -a), a)."""
    return elements(rows, d, d, 2 * d)


def norm(rows: Expr, d: Expr, kind: str = "rms", weights: Expr | None = None) -> Cost:
    """y_i = g_i (x_i - m) / s + b_i for the mean m and deviation s of each row; `kind` says what of it there is.

    A row's sums of d terms take d - 1 additions each and a division by d: with eps and the root 2 more than the
    `each` d of NORMS. `weights`: elements of g, where rows do not all share theirs.
    """
    held = NORMS[kind].weights * (d if weights is None else weights) * s.b_n
    return elements(rows, d, d, NORMS[kind].each * d + 2) + Cost(weight_read=held, weight_held=held)


def activate(rows: Expr, f: Expr, act: str = "silu", gated: bool = True) -> Cost:
    """y_i = act(g_i) u_i for the two halves g, u of each row; y_i = act(x_i) where not `gated`."""
    weights = ACTIVATION_WEIGHTS.get(act, 0) * s.b_n
    learned = Cost(weight_read=weights, weight_held=weights)
    if gated:
        return elements(rows, 2 * f, f, (ACTIVATIONS[act] + 1) * f) + learned
    return elements(rows, f, f, ACTIVATIONS[act] * f) + learned


def cut(rows: Expr, f: Expr) -> Cost:
    """y_i = max(x_i - m - a s, 0) for the mean m and deviation s of each row: m takes f operations, s 3 f + 1."""
    return elements(rows, f, f, 6 * f + 3)


def residual(rows: Expr, d: Expr, weighed: bool = False) -> Cost:
    """y = x + r, or x + g r with a weight g_i an element."""
    weights = d * s.b_n if weighed else Integer(0)
    return elements(rows, 2 * d, d, 2 * d if weighed else d) + Cost(weight_read=weights, weight_held=weights)


def blend(rows: Expr, d: Expr, how: str) -> Cost:
    """y_i = a_i x_i + b_i r_i of residual x and output r: a and b both follow from one weight an element ("gate").

    Or y_i = a x_i + b r_i for two constants ("constants"); or y_i = a_i (x_i + e_i) + b_i (r_i + f_i), four weights an
    element ("shifted").
    """
    each, operations = {"gate": (1, 3), "constants": (0, 3), "shifted": (4, 5)}[how]
    weights = each * d * s.b_n
    return elements(rows, 2 * d, d, operations * d) + Cost(weight_read=weights, weight_held=weights)


def broadcast(rows: Expr, d: Expr) -> Cost:
    """y_t = x, one vector for all rows."""
    return Cost(weight_read=d * s.b_n, act_write=rows * d * s.b_a, weight_held=d * s.b_n)
