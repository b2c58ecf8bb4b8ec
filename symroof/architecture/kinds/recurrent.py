"""State space models and other recurrences with a state of constant size."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class Mamba:
    """A selective state space: a state of N_m for each of d_m channels, time steps of rank r_m, after a convolution
    over k_c tokens.
    """

    builder: ClassVar[str] = "recurrent.mamba.build_mamba"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    bias: bool = False  # on the projections in and out
    conv_bias: bool = True
    act: str = "silu"  # after the convolution
    norm: str = ""  # of time steps, B and C
    heads: bool = False  # the channels are in H_m heads, each with separate time steps, B and C


@frozen
class Mamba2:
    """A state space of H_m heads of size h_m with a state [h_m, N_m] each, B and C shared in G_m groups, after a
    convolution over k_c tokens; transformers scans chunks of w_s tokens.
    """

    builder: ClassVar[str] = "recurrent.mamba.build_mamba2"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    bias: bool = False  # on the projection in
    out_bias: bool = False
    conv_bias: bool = True
    act: str = "silu"  # after the convolution
    norm: str = "rms"  # of each group's gated output


@frozen
class MatrixMemory:
    """The matrix memory of xLSTM (mLSTM): a state [d_k, d_v] for each of H_v heads, with exponential gates."""

    builder: ClassVar[str] = "recurrent.xlstm.build_matrix_memory"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    bias: bool = False  # on all projections and norms


@frozen
class TimeMix:
    """RWKV's time mixing: linear attention with a decay per channel, of tokens mixed with the previous ones. The state
    is three numbers for each of d_r channels, or a matrix [h, h] for each of H_q `heads`.
    """

    builder: ClassVar[str] = "recurrent.rwkv.build_time_mix"
    weights: ClassVar[tuple[str, ...]] = ("recurrence",)

    heads: bool = False


@frozen
class ChannelMix:
    """RWKV's channel mixing: a network of width f with a gated output, of tokens mixed with the previous ones."""

    builder: ClassVar[str] = "recurrent.rwkv.build_channel_mix"
    weights: ClassVar[tuple[str, ...]] = ()
