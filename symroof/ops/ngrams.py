"""Embeddings of several tokens at once: rows of a large table, chosen by hashes, that are added to the streams."""

from dataclasses import replace

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.ops.dense import elements, lookup


def lookup_ngrams() -> Cost:
    """y_t = [E[hash_1], ..., E[hash_H_g]]: rows of d_g / H_g elements for the H_g hashes of the last tokens up to t."""
    return replace(lookup(s.T, s.d_g, s.V_g), weight_held=s.V_g * s.d_g / s.H_g * s.b_emb)


# The product of 2 d - 1, divide, absolute, compare, root, sign, sigmoid of 4; multiply.
def gate_ngrams() -> Cost:
    """y_tk = sigmoid(root(q_tk . e_tk / sqrt d)) v_t for each stream k, root(x) = sign(x) sqrt(max(|x|, c))."""
    return elements(s.T, (2 * s.m + 1) * s.d, s.m * s.d, s.m * (3 * s.d + 8))


def add_ngrams() -> Cost:
    """X_k + y_k + z_k of each stream k."""
    return elements(s.T, 3 * s.m * s.d, s.m * s.d, 2 * s.m * s.d)
