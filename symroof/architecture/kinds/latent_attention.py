"""Attention whose cache has latent or compressed entries in place of keys and values."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class LatentAttention:
    """Multi-head latent attention (MLA) with a latent of r_kv elements per token: H_q heads of h_n + h_r, where the
    h_r elements are rotated and their keys shared by all heads; values of h_v.
    """

    builder: ClassVar[str] = "attention.latent.build_latent_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    mask: str = "causal"  # "tail": an indexer pools blocks of w_i keys by weights, and selects k_b blocks
    low_rank: bool = True  # queries are projected through a normalised latent of rank r_q
    raw: bool = False  # and also from that latent before its norm
    rotary: bool = True
    bias: bool = False  # on the projections into the latents
    out_bias: bool = False
    key_norm: bool = False  # of the rotated key
    indexer: str = ""  # keys are selected by H_i heads of h_i, of this layer ("full") or of an earlier one ("shared")
    gate: str = ""  # the output is gated: "full" per element, "head" by one number per head, "latent" per element by a
    # projection of the queries' latent
    sinks: bool = False  # one learned score per head joins the softmax
    temperature: bool = False  # queries scaled by a learned factor per head that depends on their position
    tuned: bool = False  # queries scaled by a factor that depends on their position
    borrowed: bool = False  # latents are those of another layer's cache


@frozen
class CompressedAttention:
    """Attention of H_q heads of size h to one head of keys that serve as values, h_r rotated: the keys in a window
    w, plus compressed entries of w_c tokens each. Queries are projected through rank r_q, outputs through r_o in G_o
    groups. Compressed entries are `all` seen, or k_i of them, which overlap, are `selected` by H_i heads of h_i.
    """

    builder: ClassVar[str] = "attention.compressed.build_compressed_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    entries: str = ""  # "", "all", "selected"
