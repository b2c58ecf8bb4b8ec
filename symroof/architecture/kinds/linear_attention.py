"""Linear attention, gated recurrences and convolutions."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class DeltaNet:
    """Linear attention by the gated delta rule: queries and keys of H_k heads of size d_k, values of H_v heads of d_v,
    after a convolution over k_c tokens.
    """

    builder: ClassVar[str] = "recurrent.linear.build_delta_net"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    act: str = "silu"  # after the convolution
    decay: str = "head"  # of the state: one number per value "head", one per "channel", or one per channel projected
    # through rank d_k ("low_rank")
    bounded: bool = False  # the decay has a lower bound
    doubled: bool = False  # beta (how much of a key's old value is overwritten) ranges up to 2, not 1
    gate: str = "full"  # the output is gated by a projection: "full", or "low_rank" through rank d_k


@frozen
class LightningAttention:
    """Linear attention of H_q heads of size h with a fixed decay; transformers computes it in blocks of w_s tokens."""

    builder: ClassVar[str] = "recurrent.linear.build_lightning_attention"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    act: str = "silu"  # of queries, keys and values


@frozen
class GatedRecurrence:
    """A gated linear recurrence (RG-LRU) of width d_r, gates in H_q blocks, after a convolution over k_c tokens."""

    builder: ClassVar[str] = "recurrent.linear.build_gated_recurrence"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    act: str = "gelu_tanh"  # of the gate branch


@frozen
class ShortConvolution:
    """A gated convolution of width d over k_c tokens."""

    builder: ClassVar[str] = "recurrent.linear.build_short_convolution"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    bias: bool = False
