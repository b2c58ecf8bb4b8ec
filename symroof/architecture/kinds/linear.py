"""Linear attention, gated recurrences and convolutions."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class DeltaNet:
    """Linear attention by the gated delta rule: queries and keys of H_k heads of size d_k, values of H_v heads of d_v,
    behind a convolution over k_c tokens.
    """

    builder: ClassVar[str] = "recurrent.linear.build_delta_net"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    act: str = "silu"  # after the convolution
    decay: str = "head"  # of the state: one number a value "head"; one a "channel" of it; these "low_rank", through d_k
    bounded: bool = False  # the decay has a lower bound
    doubled: bool = False  # what a key overwrites is scaled up to 2
    gate: str = "full"  # the output is gated by a projection: "full", or "low_rank" through rank d_k


@frozen
class LightningAttention:
    """Linear attention of H_q heads of size h with a fixed decay; transformers takes blocks of w_s tokens."""

    builder: ClassVar[str] = "recurrent.linear.build_lightning_attention"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    act: str = "silu"  # of queries, keys and values


@frozen
class GatedRecurrence:
    """A gated linear recurrence (RG-LRU) of width d_r, gates in H_q blocks, behind a convolution over k_c tokens."""

    builder: ClassVar[str] = "recurrent.linear.build_gated_recurrence"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    act: str = "gelu_tanh"  # of the branch that gates the output


@frozen
class ShortConvolution:
    """A gated convolution of width d over k_c tokens."""

    builder: ClassVar[str] = "recurrent.linear.build_short_convolution"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    bias: bool = False
