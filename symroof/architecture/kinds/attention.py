"""The usual attention: over grouped heads."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class Attention:
    """Grouped-query attention: H_q query heads, H_kv key/value heads of size h, values of size h_v if `values`."""

    builder: ClassVar[str] = "attention.grouped.build_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    mask: str = "causal"  # with a window or chunk of w for those masks that have one
    rotary: str = "full"  # rotary embedding of queries and keys: "full", "partial" (h_r of h), "" none
    bias: bool = False  # on the q, k, v projections
    out_bias: bool = False  # on the output projection
    low_rank: bool = False  # queries are projected through a normalised latent of rank r_q
    qk_norm: str = ""  # norm of queries and keys, empty where none
    qk_over: str = (
        "head"  # it normalises each head: "head" with shared weights, "heads" with per-head weights; "width":
    )
    # all heads together
    norm_last: bool = False  # after the rotary embedding, not before
    value_norm: str = ""  # norm of each value head
    values: bool = False  # values have size h_v, not h
    gate: str = ""  # the output is gated: "full" per element (gates are part of the query projection), "separate" per
    # element (by another projection, without bias), "head" by one number per head
    gate_bias: bool = False  # one number per head added to its gates
    softplus: bool = False  # gates are a softplus, not a sigmoid
    sinks: bool = False  # one learned score per head joins the softmax
    clip: bool = False  # queries, keys and values clamped to a range
    dynamic: bool = False  # a mask of each key is computed from its value and added to its scores
    alibi: bool = False  # a bias linear in the distance is added to each score
    softcap: bool = False  # scores through a scaled tanh
    temperature: bool = False  # queries scaled by a factor that depends on their position
    inner_norm: str = ""  # norm of the heads' output, before the output projection
    inner_over: str = "width"  # it normalises all heads together, or each "head"
    keys: str = "projected"  # by this layer; "values": keys serve as values; "borrowed": those of another layer's cache
    indexer: bool = False  # k_b blocks of w_i keys are selected by H_i heads of h_i: by their keys (mask "blocks"), or
    # by one pooled key each, where all keys after the last complete block are seen (mask "tail")
    repeated: bool = False  # transformers caches keys and values once per query head
    doubled: bool = False  # the input is the residual stream concatenated with the embedding, normalised over width 2 d
