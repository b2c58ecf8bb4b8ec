"""The usual attention: over grouped heads."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class Attention:
    """Self-attention over grouped heads: H_q query heads, H_kv key/value heads of size h, values of h_v if `values`."""

    builder: ClassVar[str] = "attention.grouped.build_attention"
    weights: ClassVar[tuple[str, ...]] = ("attention", "attention_output")

    mask: str = "causal"  # of window or chunk w
    rotary: str = "full"  # rotary embedding of queries and keys: "full", "partial" (h_r of h), "" none
    bias: bool = False  # on the q, k, v projections
    out_bias: bool = False  # on the output projection
    low_rank: bool = False  # queries are projected through a normalised r_q
    qk_norm: str = ""  # norm of queries and keys, where there is one
    qk_over: str = "head"  # a head by weights all share, "heads": by its own weights, "width": all heads as one
    norm_last: bool = False  # after the rotation, not before
    value_norm: str = ""  # norm of each value head
    values: bool = False  # values have a size h_v of their own
    gate: str = ""  # the output is gated: "full" by every element (part of the query projection), "apart" by every
    # element (a projection of its own, without bias), "head" by one number a head
    gate_bias: bool = False  # one number a head added to its gates
    softplus: bool = False  # of the gates, not their sigmoid
    sinks: bool = False  # a learned score a head joins the softmax
    clip: bool = False  # queries, keys and values clamped to a range
    dynamic: bool = False  # a mask of each key is computed from its value and added to its scores
    alibi: bool = False  # a bias linear in the distance is added to each score
    softcap: bool = False  # scores through a scaled tanh
    temperature: bool = False  # queries scaled by a factor that depends on their position
    inner_norm: str = ""  # norm of the heads' output, ahead of the output projection
    inner_over: str = "width"  # all heads as one, "head": each by itself
    keys: str = "own"  # "own", "values" (keys serve as values), "borrowed" (keys and values of another layer's cache)
    indexer: bool = False  # k_b blocks of w_i keys are selected by H_i heads of h_i: by their keys (mask "blocks"), or
    # by one pooled key each, where the keys after the last complete block are all seen (mask "tail")
    repeated: bool = False  # transformers caches keys and values once a query head
    doubled: bool = False  # reads the stream and the embedding side by side, normalised as one of width 2 d
