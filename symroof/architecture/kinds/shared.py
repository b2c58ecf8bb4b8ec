"""Layers that run again or in another's place, and what stands ahead of all."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class Start:
    """A learned vector of d elements that all tokens start from, beside their embeddings."""

    builder: ClassVar[str] = "cycles.build_start"
    weights: ClassVar[tuple[str, ...]] = ()


@frozen
class Segments:
    """A table of two vectors of d elements, one for texts and one for images: each token's is added to it."""

    builder: ClassVar[str] = "cycles.build_segments"
    weights: ClassVar[tuple[str, ...]] = ()


@frozen
class Cycle:
    """The end of a run of a stack of layers that runs again: a norm, and the sum with what another run gave."""

    builder: ClassVar[str] = "cycles.build_cycle"
    weights: ClassVar[tuple[str, ...]] = ()

    norm: str = "rms_plain"


@frozen
class CrossLayer:
    """A layer that attends to an image, with a network of width f; a text alone leaves it out. Its weights are kept."""

    builder: ClassVar[str] = "cross.build_cross_layer"
    weights: ClassVar[tuple[str, ...]] = ()

    act: str = "silu"


@frozen
class Adapters:
    """Projections through rank r_a that a layer adds to those of a shared block: to gate and up projections of a
    network of width f, and to queries, keys and values of width 2 d where `attention`.
    """

    builder: ClassVar[str] = "shared.build_adapters"
    weights: ClassVar[tuple[str, ...]] = ()

    attention: bool = False


@frozen
class Projection:
    """A projection of the stream and nothing else."""

    builder: ClassVar[str] = "shared.build_projection"
    weights: ClassVar[tuple[str, ...]] = ()

    role: str = "other"  # or that of the sublayer in whose place it stands: "attention", "ffn"
    bias: bool = False
