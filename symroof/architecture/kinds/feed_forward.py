"""The dense feed-forward network."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class FeedForward:
    """A feed-forward network of width f: gated (three matrices) or plain (two)."""

    builder: ClassVar[str] = "feed_forward.build_feed_forward"
    weights: ClassVar[tuple[str, ...]] = ("feed_forward",)

    act: str = "silu"
    gated: bool = True
    bias: bool = False
    inner_norm: str = ""  # norm over width f, before the down projection
    factor: bool = False  # the output is multiplied by a learned scalar
    sparse: bool = False  # gates below mean + a multiple of the standard deviation are set to zero
