"""Embeddings of several tokens at once, rows of a large table that they are hashed to, joined to streams."""

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.ops.dense import elements


def lookup() -> Cost:
    """y_t = the rows of d_g / H_g elements each that the H_g hashes of the last tokens up to t say, of V_g rows."""
    return Cost(
        weight_read=s.T * s.d_g * s.b_emb,
        act_write=s.T * s.d_g * s.b_a,
        weight_held=s.V_g * s.d_g / s.H_g * s.b_emb,
    )


def gate() -> Cost:
    """y_tk = sigmoid(root(q_tk . e_tk / sqrt d)) v_t for each stream k, root(x) = sign(x) sqrt(max(|x|, c)).

    The product of 2 d - 1, divide, absolute, compare, root, sign, sigmoid of 4; multiply.
    """
    return elements(s.T, (2 * s.m + 1) * s.d, s.m * s.d, s.m * (3 * s.d + 8))


def joined() -> Cost:
    """X_k + y_k + z_k of each stream k."""
    return elements(s.T, 3 * s.m * s.d, s.m * s.d, 2 * s.m * s.d)
