"""What all forms of attention share: scores of pairs, their softmax, the weighted sum of values."""

from sympy import Expr

from symroof.cost.cost import Cost, sum_costs
from symroof.cost.flops import dots


def scores_and_values(pairs: Expr, rows: Expr, h: Expr, h_v: Expr) -> tuple[tuple[str, Cost], ...]:
    """The scores q_t . k_j of all pairs (t, j), keys of size h; the values sum_j a_tj v_j of each row, of size h_v."""
    return ("scores", Cost(matmul=dots(pairs * h, pairs))), ("values", Cost(matmul=dots(pairs * h_v, rows * h_v)))


def attend(pairs: Expr, rows: Expr, h: Expr, h_v: Expr) -> Cost:
    """Both of them."""
    return sum_costs(cost for _, cost in scores_and_values(pairs, rows, h, h_v))


# Of l scores of a row: scale l, maximum l - 1, subtract l, exponentiate l, sum l - 1, divide l.
def softmax_operations(pairs: Expr, rows: Expr, further: int = 0) -> Expr:
    """Elementary operations of a_tj = e^(s_tj - m_t) / sum_j e^(s_tj - m_t), and `further` ones per score."""
    return (6 + further) * pairs - 2 * rows
