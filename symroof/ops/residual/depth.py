"""Attention over depth: what a sublayer reads is a weighted sum of earlier sums of the residual stream."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import NORMS


def attend(tokens: Expr, d: Expr, mixes: Expr, terms: Expr, states: Expr) -> Cost:
    """y_tm = sum_i softmax_i(w_m . norm(x_ti) / sqrt d) norm(x_ti) for each of `mixes` queries w_m.

    They have `terms` together, of `states` that are normalised. Softmax of l scores as in attention: 6 l - 2.
    """
    rows, run, weights = tokens * terms, tokens * mixes, mixes * d * s.b_n
    return Cost(
        matmul=dots(rows * d, rows) + dots(rows * d, run * d),
        vector=elementwise(tokens * states * (NORMS["rms_plain"].each * d + 2) + 6 * rows - 2 * run),
        weight_read=weights,
        act_read=tokens * states * d * s.b_a,
        act_write=run * d * s.b_a,
        weight_held=weights,
    )


def mix(tokens: Expr, d: Expr, mixes: Expr, terms: Expr) -> Cost:
    """y_t = sum_i softmax_i(w . g norm(x_ti)) x_ti for all but the first of `mixes` sums, of `terms` terms together.

    Weights w and g of every sum. Softmax of l scores: maximum l - 1, subtract, exponentiate, sum l - 1, divide.
    """
    run, weights = tokens * (mixes - 1), 2 * mixes * d * s.b_n
    rows = tokens * terms
    return Cost(
        matmul=dots(rows * d, rows) + dots(rows * d, run * d),
        vector=elementwise(rows * (NORMS["rms"].each * d + 2) + 5 * rows - 2 * run),
        weight_read=weights,
        act_read=rows * d * s.b_a,
        act_write=run * d * s.b_a,
        weight_held=weights,
    )
