"""Layers that are shared or run repeatedly, and additions to the embeddings before all layers."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class Start:
    """A learned vector of d elements: the initial state of every token, next to its embedding."""

    builder: ClassVar[str] = "cycles.build_start"
    weights: ClassVar[tuple[str, ...]] = ()


@frozen
class Segments:
    """A table of two vectors of d elements, one for text and one for image tokens, added to the embeddings."""

    builder: ClassVar[str] = "cycles.build_segments"
    weights: ClassVar[tuple[str, ...]] = ()


@frozen
class Cycle:
    """The end of one run of a stack of layers that runs repeatedly: a norm, and the sum with another run's output."""

    builder: ClassVar[str] = "cycles.build_cycle"
    weights: ClassVar[tuple[str, ...]] = ()

    norm: str = "rms_plain"


@frozen
class CrossLayer:
    """A cross-attention layer for images with a network of width f; text skips it, its weights stay in memory."""

    builder: ClassVar[str] = "cross.build_cross_layer"
    weights: ClassVar[tuple[str, ...]] = ()

    act: str = "silu"


@frozen
class Adapters:
    """Projections through rank r_a (LoRA) that a layer adds to those of a shared block: to the gate and up projections
    of a network of width f, and to queries, keys and values of width 2 d if `attention`.
    """

    builder: ClassVar[str] = "shared.build_adapters"
    weights: ClassVar[tuple[str, ...]] = ()

    attention: bool = False


@frozen
class Projection:
    """A single projection of the residual stream."""

    builder: ClassVar[str] = "shared.build_projection"
    weights: ClassVar[tuple[str, ...]] = ()

    role: str = "other"  # or that of the sublayer that it replaces: "attention", "ffn"
    bias: bool = False
