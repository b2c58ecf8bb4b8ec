"""Attention through a latent of r elements per token that keys and values are projected from (MLA), and its indexer.

A rule chooses for each query whether the keys and values of all its tokens are expanded, or the query stays in the
latent, which then serves all heads as key and value. In addition to its latent a token has a rotated key of h_r
elements.
"""

from dataclasses import dataclass

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost, sum_costs
from symroof.cost.flops import dots, elementwise
from symroof.ops.attention.softmax import scores_and_values, softmax_operations
from symroof.ops.dense import elements
from symroof.ops.weights_and_cache import cache_entries, stored_weights


@dataclass(frozen=True)
class LatentSums:
    """Sums over the queries that stay in the latent, and over those whose keys and values are expanded."""

    tokens: Expr  # new ones in the latent; those of the other queries are expanded
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


LATENT_SUMS = {
    "causal": LatentSums(s.T_lat, s.P_lat, s.C_lat, s.P - s.P_lat, s.C - s.C_lat, s.K),
    "sliding": LatentSums(s.T_swalat, s.P_swalat, s.C_swalat, s.P_swa - s.P_swalat, s.C_swa - s.C_swalat, s.K_swa),
    "top": LatentSums(s.T_toplat, s.P_toplat, s.C_toplat, s.P_topexp, s.C_topexp, s.K),
    "tail": LatentSums(s.T_taillat, s.P_taillat, s.C_taillat, s.P_tailexp, s.C_tailexp, s.K),
}


# The weights [r, H (h_n + h_v)] are the same in both cases.
def project_latent(sums: LatentSums, H: Expr, r: Expr, h_n: Expr, h_v: Expr) -> Cost:
    """k_jm = U_m l_j and v_jm = W_m l_j of expanded tokens j; q'_tm = U_m' q_tm and y_tm = W_m y'_tm in the latent."""
    rows, expanded = sums.tokens * H, sums.expanded * H * (h_n + h_v)
    return stored_weights(r * H * (h_n + h_v) * s.b_w) + Cost(
        matmul=dots(expanded * r, expanded) + dots(rows * h_n * r, rows * r) + dots(rows * r * h_v, rows * h_v),
        cache_read=sums.read_expanded * r * s.b_c,
        act_read=(sums.rows_expanded * r + rows * (h_n + r)) * s.b_a,
        act_write=(expanded + rows * (r + h_v)) * s.b_a,
    )


def latent_products(
    sums: LatentSums, H: Expr, r: Expr, h_n: Expr, h_r: Expr, h_v: Expr
) -> tuple[tuple[str, Cost], ...]:
    """The scores and the values of expanded pairs and of those in the latent."""
    expanded = scores_and_values(sums.pairs_expanded * H, sums.rows_expanded * H, h_n + h_r, h_v)
    in_latent = scores_and_values(sums.pairs * H, sums.tokens * H, r + h_r, r)
    return tuple((name, a + b) for (name, a), (_, b) in zip(expanded, in_latent, strict=True))


# In the latent q'_tm . l_j replaces q_tm . k_jm and l_j replaces v_jm. l_j and o_j of each token are cached, unless
# they are `borrowed` from another layer's cache; `selected` pairs are read from an indexer.
def latent_attention(
    sums: LatentSums, H: Expr, r: Expr, h_n: Expr, h_r: Expr, h_v: Expr, selected: Expr, borrowed: bool = False
) -> Cost:
    """softmax_j((q_tm . k_jm + p_tm . o_j) / sqrt h) over pairs (t, j), o the rotated keys, times v_jm."""
    new, held = (0, 0) if borrowed else (s.T, sums.held)
    pairs, pairs_expanded = sums.pairs * H, sums.pairs_expanded * H
    rows, rows_expanded = sums.tokens * H, sums.rows_expanded * H
    expanded = rows_expanded * (h_n + h_r) + sums.expanded * H * (h_n + h_v)
    latent = rows * (r + h_r) + s.T * (r + h_r)
    products = sum_costs(cost for _, cost in latent_products(sums, H, r, h_n, h_r, h_v))
    return (
        cache_entries(sums.read, new, held, (r + h_r) * s.b_c)
        + products
        + Cost(
            vector=elementwise(softmax_operations(pairs + pairs_expanded, rows + rows_expanded)),
            cache_read=sums.read_expanded * h_r * s.b_c,
            act_read=(expanded + latent + selected) * s.b_a,
            act_write=(rows_expanded * h_v + rows * r) * s.b_a,
        )
    )


# Keys of h elements serve all heads and are cached; a selected pair is written as one element.
def index_tokens(H: Expr, h: Expr) -> Cost:
    """I_tj = sum_m w_tm relu(q_tm . k_j) for each causal pair; the largest per t are selected by a threshold."""
    return cache_entries(s.C, s.T, s.K, h * s.b_c) + Cost(
        matmul=dots(s.P * H * h, s.P * H) + dots(s.P * H, s.P),
        vector=elementwise(s.P * H + s.P),
        act_read=s.T * (H * h + H + h) * s.b_a,
        act_write=s.P_top * s.b_a,
    )


def scale_by_position(tokens: Expr, heads: Expr, h: Expr) -> Cost:
    """y_tm = (a_m log t + b_m) x_tm: the elements of each head times a factor that the position gives."""
    return elements(tokens * heads, h, h, 2 + h) + stored_weights(2 * heads * s.b_n)
