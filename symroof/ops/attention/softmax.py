"""What all forms of attention share: scores of pairs, their softmax, the weighted sum of values."""

from sympy import Expr

from symroof.cost.cost import Quantity
from symroof.cost.flops import dots


def scores_and_values(pairs: Expr, rows: Expr, h: Expr, h_v: Expr) -> Quantity:
    """FLOP of q_t . k_j over all pairs (t, j), keys of size h; of sum_j a_tj v_j for each row, values of h_v."""
    return dots(pairs * h, pairs) + dots(pairs * h_v, rows * h_v)


# Of l scores of a row: scale l, maximum l - 1, subtract l, exponentiate l, sum l - 1, divide l.
def softmax_operations(pairs: Expr, rows: Expr, further: int = 0) -> Expr:
    """Elementary operations of a_tj = e^(s_tj - m_t) / sum_j e^(s_tj - m_t), and `further` ones per score."""
    return (6 + further) * pairs - 2 * rows
