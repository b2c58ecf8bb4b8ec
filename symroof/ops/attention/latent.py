"""Attention through a latent of r elements a token that stands for keys and values, and the indexer that selects.

A query is computed in one of two ways, chosen by a rule: with the keys and values of all its tokens expanded, or in
the latent, which serves all heads as key and value. Beside the latent a token has a rotated key of h_r elements.
"""

from dataclasses import dataclass

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.flops import dots, elementwise
from symroof.ops.dense import elements


@dataclass(frozen=True)
class Ways:
    """Sums over the queries computed in the latent, and over those with keys and values expanded."""

    tokens: Expr  # new ones in the latent; the others have theirs expanded
    pairs: Expr  # in the latent
    read: Expr  # cached tokens, in the latent
    pairs_expanded: Expr
    read_expanded: Expr
    held: Expr

    @property
    def rows_expanded(self) -> Expr:
        """New tokens of queries with keys expanded."""
        return s.T - self.tokens

    @property
    def expanded(self) -> Expr:
        """All tokens whose keys and values are expanded."""
        return self.rows_expanded + self.read_expanded


WAYS = {
    "causal": Ways(s.T_lat, s.P_lat, s.C_lat, s.P - s.P_lat, s.C - s.C_lat, s.K),
    "sliding": Ways(s.T_swalat, s.P_swalat, s.C_swalat, s.P_swa - s.P_swalat, s.C_swa - s.C_swalat, s.K_swa),
    "top": Ways(s.T_toplat, s.P_toplat, s.C_toplat, s.P_topexp, s.C_topexp, s.K),
    "tail": Ways(s.T_taillat, s.P_taillat, s.C_taillat, s.P_tailexp, s.C_tailexp, s.K),
}


def project(ways: Ways, H: Expr, r: Expr, h_n: Expr, h_v: Expr) -> Cost:
    """k_jm = U_m l_j and v_jm = W_m l_j of expanded tokens j, or q'_tm = U_m' q_tm and y_tm = W_m y'_tm of new ones t.

    The weights [r, H (h_n + h_v)] are those of either way.
    """
    weights, expanded = r * H * (h_n + h_v) * s.b_w, ways.expanded * H * (h_n + h_v)
    return Cost(
        matmul=dots(expanded * r, expanded)
        + dots(ways.tokens * H * h_n * r, ways.tokens * H * r)
        + dots(ways.tokens * H * r * h_v, ways.tokens * H * h_v),
        weight_read=weights,
        cache_read=ways.read_expanded * r * s.b_c,
        act_read=(ways.rows_expanded * r + ways.tokens * H * (h_n + r)) * s.b_a,
        act_write=(expanded + ways.tokens * H * (r + h_v)) * s.b_a,
        weight_held=weights,
    )


def attend(
    ways: Ways, H: Expr, r: Expr, h_n: Expr, h_r: Expr, h_v: Expr, selected: Expr, borrowed: bool = False
) -> Cost:
    """softmax_j((q_tm . k_jm + p_tm . o_j) / sqrt h) over pairs (t, j), o the rotated keys, times v_jm.

    In the latent q'_tm . l_j in place of q_tm . k_jm and l_j in place of v_jm. Kept are l_j and o_j of each token,
    unless they are `borrowed` from another layer's cache; `selected` pairs are read from an indexer.
    """
    kept = (r + h_r) * s.b_c
    pairs, pairs_expanded = ways.pairs * H, ways.pairs_expanded * H
    rows, rows_expanded = ways.tokens * H, ways.rows_expanded * H
    return Cost(
        matmul=dots(pairs_expanded * (h_n + h_r), pairs_expanded)
        + dots(pairs_expanded * h_v, rows_expanded * h_v)
        + dots(pairs * (r + h_r), pairs)
        + dots(pairs * r, rows * r),
        vector=elementwise(6 * (pairs + pairs_expanded) - 2 * (rows + rows_expanded)),
        cache_read=ways.read * kept + ways.read_expanded * h_r * s.b_c,
        cache_write=0 if borrowed else s.T * kept,
        act_read=(
            rows_expanded * (h_n + h_r)
            + ways.expanded * H * (h_n + h_v)
            + rows * (r + h_r)
            + s.T * (r + h_r)
            + selected
        )
        * s.b_a,
        act_write=(rows_expanded * h_v + rows * r) * s.b_a,
        cache_held=0 if borrowed else ways.held * kept,
    )


def index(H: Expr, h: Expr) -> Cost:
    """I_tj = sum_m w_tm relu(q_tm . k_j) for each causal pair, and the largest of each row, selected by a threshold.

    Keys of h elements serve all heads and are kept; a selected pair is written down as one element.
    """
    return Cost(
        matmul=dots(s.P * H * h, s.P * H) + dots(s.P * H, s.P),
        vector=elementwise(s.P * H + s.P),
        cache_read=s.C * h * s.b_c,
        cache_write=s.T * h * s.b_c,
        act_read=s.T * (H * h + H + h) * s.b_a,
        act_write=s.P_top * s.b_a,
        cache_held=s.K * h * s.b_c,
    )


def temper(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """y_tm = (a_m log t + b_m) x_tm: each head's elements times a factor of its own that the position gives."""
    weights = 2 * heads * s.b_n
    return elements(tokens * heads, h, h, 2 + h) + Cost(weight_read=weights, weight_held=weights)
