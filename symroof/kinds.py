"""The kinds of sublayers a decoder can have: frozen flags, no sizes.

A kind says which operators a sublayer has; its sizes are the symbols that its docstring names. Names of norms
are those of ops.dense.NORMS, of activations ops.dense.ACTIVATIONS, of masks masks.MASKS.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attention:
    """Self-attention over grouped heads: H_q query heads, H_kv key/value heads of size h, values of h_v if `values`."""

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


@dataclass(frozen=True)
class DifferentialAttention:
    """Causal attention whose H_q heads of h attend to both halves of the values of H_kv heads, and subtract."""

    bias: bool = False  # on all projections


@dataclass(frozen=True)
class LatentAttention:
    """Attention through a latent of r_kv elements a token: H_q heads of h_n + h_r, the h_r rotated and with keys that
    all heads share, values of h_v.
    """

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


@dataclass(frozen=True)
class RelativeAttention:
    """Attention over grouped heads without rotation: each query head adds biases by distance, up to e_b tokens back,
    that it mixes from e_b x d_b learned ones. Keys and values are convolved over k_c tokens.
    """

    mask: str = "causal"
    temperature: bool = False  # queries and biases scaled by a factor that depends on their position
    clipped: bool = False  # queries, keys and what biases are mixed from are limited in length, values normalised; the
    # output is gated by every element, and a projected score a head joins the softmax
    dynamic: bool = False  # keys and values have inputs of their own, which give their convolutions weights a KV head


@dataclass(frozen=True)
class ConvolvedAttention:
    """Attention over grouped heads, h_r of h rotated, whose queries and keys are convolved: over k_c tokens each
    element by itself, then over k_g tokens each head. Half of a value is that of the token before.
    """

    mask: str = "causal"
    bias: bool = False  # on all projections


@dataclass(frozen=True)
class CompressedAttention:
    """Attention of H_q heads of size h to one head of keys that serve as values, h_r of it rotated: those in a window w
    and, beside them, compressed entries of w_c tokens each. Queries go through a rank r_q, outputs through r_o in G_o
    groups. Compressed entries are `all` seen, or k_i of them that H_i heads of h_i select, and which overlap.
    """

    entries: str = ""  # "", "all", "selected"


@dataclass(frozen=True)
class FeedForward:
    """A feed-forward network of width f: gated (three matrices) or plain (two)."""

    act: str = "silu"
    gated: bool = True
    bias: bool = False
    inner_norm: str = ""  # norm of the width f, ahead of the down projection
    factor: bool = False  # the output is multiplied by a learned number
    sparse: bool = False  # gates below a multiple of the deviations above the mean are cut off


@dataclass(frozen=True)
class Experts:
    """k of N_e routed experts of width f_e, beside a shared one of width f_s where `shared`."""

    act: str = "silu"
    gated: bool = True
    bias: bool = False  # on the experts' projections
    router_bias: bool = False
    router_norm: str = ""  # norm ahead of the router alone
    router_deep: bool = False  # scores are of a network of width r_r, and of one expert more that does nothing
    router_handed: bool = False  # the width is joined by that of the layer before, weighed an element
    hashed: bool = False  # the token itself, not its scores, says which experts
    correction: bool = False  # a learned bias on each expert's score
    expert_scale: bool = False  # a learned factor on each expert's score
    shared: bool = False
    shared_bias: bool = False
    shared_act: str = ""  # where it is another
    shared_gate: bool = False  # the shared output scaled by a sigmoid of the token
    shared_scored: bool = False  # the router weighs the N_s shared experts too, and all by a learned number
    sum_bias: bool = False  # on the sum of the experts' outputs
    latent: bool = False  # routed experts work on d_lat elements, projected from and to the stream
    latent_bias: bool = False
    idle: bool = False  # N_z more do nothing: they hand on the token
    latent_norm: str = ""  # norm of the sum of the experts' outputs, ahead of the projection to the stream
    latent_in: str = ""  # norm of what is projected to them
    each_norm: str = ""  # norm of the output of each expert, by weights that all share


@dataclass(frozen=True)
class RoutedAttention:
    """Attention of k groups of H_kv query heads of size h, a group for each of the k of N_e experts that a token is
    sent to: these project queries and outputs. All groups share H_kv key/value heads.
    """

    sum_bias: bool = False  # on the sum of the experts' outputs


@dataclass(frozen=True)
class DeltaNet:
    """Linear attention by the gated delta rule: queries and keys of H_k heads of size d_k, values of H_v heads of d_v,
    behind a convolution over k_c tokens.
    """

    act: str = "silu"  # after the convolution
    decay: str = "head"  # of the state: one number a value "head"; one a "channel" of it; these "low_rank", through d_k
    bounded: bool = False  # the decay has a lower bound
    doubled: bool = False  # what a key overwrites is scaled up to 2
    gate: str = "full"  # the output is gated by a projection: "full", or "low_rank" through rank d_k


@dataclass(frozen=True)
class DepthAttention:
    """Attention over depth in the place of plain sums of residuals: N_mix weighted sums of X_mix earlier sums."""

    normalised: bool = False  # the sums are of Y_mix normalised ones, and several may be of the same


@dataclass(frozen=True)
class LightningAttention:
    """Linear attention of H_q heads of size h with a fixed decay; transformers takes blocks of w_s tokens."""

    act: str = "silu"  # of queries, keys and values


@dataclass(frozen=True)
class GatedRecurrence:
    """A gated linear recurrence (RG-LRU) of width d_r, gates in H_q blocks, behind a convolution over k_c tokens."""

    act: str = "gelu_tanh"  # of the branch that gates the output


@dataclass(frozen=True)
class ShortConvolution:
    """A gated convolution of width d over k_c tokens."""

    bias: bool = False


@dataclass(frozen=True)
class Mamba:
    """A selective state space: a state of N_m for each of d_m channels, time steps of rank r_m, behind a convolution
    over k_c tokens.
    """

    bias: bool = False  # on the projections in and out
    conv_bias: bool = True
    act: str = "silu"  # after the convolution
    norm: str = ""  # of time steps, B and C
    heads: bool = False  # the channels are in H_m heads with time steps, B and C of their own


@dataclass(frozen=True)
class Mamba2:
    """A state space of H_m heads of size h_m with a state [h_m, N_m] each, B and C shared in G_m groups, behind a
    convolution over k_c tokens; transformers scans w_s tokens at a time.
    """

    bias: bool = False  # on the projection in
    out_bias: bool = False
    conv_bias: bool = True
    act: str = "silu"  # after the convolution
    norm: str = "rms"  # of each group's gated output


@dataclass(frozen=True)
class MatrixMemory:
    """The memory of xLSTM: a matrix [d_k, d_v] for each of H_v heads, gated by exponentials."""

    bias: bool = False  # on all projections and norms


@dataclass(frozen=True)
class Start:
    """A learned vector of d elements that all tokens start from, beside their embeddings."""


@dataclass(frozen=True)
class Segments:
    """A table of two vectors of d elements, one for texts and one for images: each token's is added to it."""


@dataclass(frozen=True)
class Cycle:
    """The end of a run of a stack of layers that runs again: a norm, and the sum with what another run gave."""

    norm: str = "rms_plain"


@dataclass(frozen=True)
class TimeMix:
    """Linear attention under decays of each channel (RWKV), of tokens mixed with the ones before: three numbers for
    each of d_r channels, or a state [h, h] for each of H_q `heads`.
    """

    heads: bool = False


@dataclass(frozen=True)
class ChannelMix:
    """A network of width f whose output is gated, of tokens mixed with the ones before (RWKV)."""


@dataclass(frozen=True)
class CrossLayer:
    """A layer that attends to an image, with a network of width f; a text alone leaves it out. Its weights are kept."""

    act: str = "silu"


@dataclass(frozen=True)
class LayerInputs:
    """Ahead of all layers: d_p elements for each, of a table of V_p rows and of a projection of the embedding."""

    norm: str = "rms"  # of the projection, for each layer


@dataclass(frozen=True)
class NGrams:
    """Ahead of a layer: embeddings of width d_g of the last 2 to n_g tokens, of H_g rows of a table of V_g, joined to
    the m streams; these are convolved over k_c tokens, every n_g-th.
    """


@dataclass(frozen=True)
class LayerInput:
    """The d_p elements of a layer's own, gated by the stream and added to it."""

    act: str = "gelu_tanh"


@dataclass(frozen=True)
class Laurel:
    """A residual through rank r_l (LAuReL), beside the plain one."""

    norm: str = "rms"


@dataclass(frozen=True)
class AltUp:
    """A stage of alternating updates of A residual streams: "expand" one to all ahead of the layers, "predict" all,
    "correct" all by what the layer made of one, "spread" its own input to the others, "merge" after the layers.
    """

    stage: str
    scaled: bool = True  # the corrected stream is weighed, an element each


@dataclass(frozen=True)
class Pointwise:
    """An operation on the whole stream: "scale" by a constant, "shift" and weigh each element, "add" two branches."""

    operation: str


@dataclass(frozen=True)
class Adapters:
    """Projections through rank r_a that a layer adds to those of a shared block: to gate and up projections of a
    network of width f, and to queries, keys and values of width 2 d where `attention`.
    """

    attention: bool = False


@dataclass(frozen=True)
class Projection:
    """A projection of the stream and nothing else."""

    role: str = "other"  # or that of the sublayer in whose place it stands: "attention", "ffn"
    bias: bool = False


Kind = (
    Attention
    | RoutedAttention
    | RelativeAttention
    | ConvolvedAttention
    | LatentAttention
    | CompressedAttention
    | DifferentialAttention
    | FeedForward
    | Experts
    | DeltaNet
    | LightningAttention
    | GatedRecurrence
    | ShortConvolution
    | DepthAttention
    | Mamba
    | Mamba2
    | TimeMix
    | ChannelMix
    | MatrixMemory
    | Cycle
    | Start
    | Segments
    | Adapters
    | Projection
    | CrossLayer
    | LayerInputs
    | LayerInput
    | NGrams
    | Laurel
    | AltUp
    | Pointwise
)
