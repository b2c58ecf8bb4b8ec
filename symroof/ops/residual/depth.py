"""Attention over depth: the input of a sublayer is a weighted sum of earlier sums of the residual stream."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import NORMS
from symroof.ops.weights_and_cache import stored_weights


# The queries have `terms` together, of `states` that are normalised. Softmax of l scores as in attention: 6 l - 2.
def attention_over_depth(tokens: Expr, d: Expr, mixes: Expr, terms: Expr, states: Expr) -> Cost:
    """y_tm = sum_i softmax_i(w_m . norm(x_ti) / sqrt d) norm(x_ti) for each of `mixes` queries w_m."""
    rows, sums = tokens * terms, tokens * mixes
    return stored_weights(mixes * d * s.b_n) + Cost(
        matmul=dots(rows * d, rows) + dots(rows * d, sums * d),
        vector=elementwise(tokens * states * (NORMS["rms_plain"].each * d + 2) + 6 * rows - 2 * sums),
        act_read=tokens * states * d * s.b_a,
        act_write=sums * d * s.b_a,
    )


# For all but the first of `mixes` sums, of `terms` terms together; weights w and g of every sum. Softmax of l scores:
# maximum l - 1, subtract, exponentiate, sum l - 1, divide.
def sums_over_depth(tokens: Expr, d: Expr, mixes: Expr, terms: Expr) -> Cost:
    """y_t = sum_i softmax_i(w . g norm(x_ti)) x_ti."""
    rows, sums = tokens * terms, tokens * (mixes - 1)
    return stored_weights(2 * mixes * d * s.b_n) + Cost(
        matmul=dots(rows * d, rows) + dots(rows * d, sums * d),
        vector=elementwise(rows * (NORMS["rms"].each * d + 2) + 5 * rows - 2 * sums),
        act_read=rows * d * s.b_a,
        act_write=sums * d * s.b_a,
    )
