"""Attention to latent or compressed entries in place of keys and values."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class LatentAttention:
    """Attention through a latent of r_kv elements a token: H_q heads of h_n + h_r, the h_r rotated and with keys that
    all heads share, values of h_v.
    """

    builder: ClassVar[str] = "attention.latent.build_latent_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    mask: str = "causal"  # "tail": an indexer pools w_i keys each by weights, and selects k_b such blocks
    low_rank: bool = True  # queries are projected through a normalised latent of r_q
    raw: bool = False  # and through the same before its norm
    rotary: bool = True
    bias: bool = False  # on the projections into the latents
    out_bias: bool = False
    key_norm: bool = False  # of the rotated key
    indexer: str = ""  # keys are selected by H_i heads of h_i: "own" ones, or "shared": those of an earlier layer
    gate: str = ""  # the output is gated: "full" by every element, "head" by one number a head, "latent" by every
    # element, projected from the queries' latent
    sinks: bool = False  # a learned score a head joins the softmax
    temperature: bool = False  # queries scaled by a learned factor a head that depends on their position
    tuned: bool = False  # queries scaled by a factor that depends on their position
    borrowed: bool = False  # latents are those of another layer's cache


@frozen
class CompressedAttention:
    """Attention of H_q heads of size h to one head of keys that serve as values, h_r of it rotated: those in a window w
    and, beside them, compressed entries of w_c tokens each. Queries go through a rank r_q, outputs through r_o in G_o
    groups. Compressed entries are `all` seen, or k_i of them that H_i heads of h_i select, and which overlap.
    """

    builder: ClassVar[str] = "attention.compressed.build_compressed_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    entries: str = ""  # "", "all", "selected"
