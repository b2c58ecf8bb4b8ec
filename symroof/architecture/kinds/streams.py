"""Operations on the residual stream, or on several streams."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class DepthAttention:
    """Attention over depth in place of residual sums: N_mix weighted sums of X_mix earlier outputs in all."""

    builder: ClassVar[str] = "recurrent.linear.build_depth_attention"
    weights: ClassVar[tuple[str, ...]] = ()

    normalised: bool = False  # scores are of Y_mix normalised outputs, which several sums may share


@frozen
class LayerInputs:
    """Before all layers: per-layer embeddings of d_p elements, from a table of V_p rows and from a projection of the
    token embedding.
    """

    builder: ClassVar[str] = "residual.streams.build_layer_inputs"
    weights: ClassVar[tuple[str, ...]] = ()

    norm: str = "rms"  # of the projection, for each layer


@frozen
class NGrams:
    """Before a layer: embeddings of width d_g of the last 2 to n_g tokens, from H_g rows of a table of V_g, are added
    to the m streams; their convolution is over k_c tokens, with dilation n_g.
    """

    builder: ClassVar[str] = "ngrams.build_ngrams"
    weights: ClassVar[tuple[str, ...]] = ()


@frozen
class LayerInput:
    """The layer's d_p elements of the per-layer embeddings, gated by the residual stream and added to it."""

    builder: ClassVar[str] = "residual.streams.build_layer_input"
    weights: ClassVar[tuple[str, ...]] = ()

    act: str = "gelu_tanh"


@frozen
class Laurel:
    """A second residual through rank r_l (LAuReL), in addition to the usual one."""

    builder: ClassVar[str] = "residual.streams.build_laurel"
    weights: ClassVar[tuple[str, ...]] = ()

    norm: str = "rms"


@frozen
class AltUp:
    """A stage of alternating updates (AltUp) of A residual streams: "expand" one to all before the layers, "predict"
    all, "correct" all by the layer's output on one, "spread" the layer's input to the others, "merge" after the layers.
    """

    builder: ClassVar[str] = "residual.streams.build_altup"
    weights: ClassVar[tuple[str, ...]] = ()

    stage: str
    scaled: bool = True  # the corrected stream is scaled per element


@frozen
class Pointwise:
    """An operation on the residual stream: "scale" by a constant, "shift" and scale per element, "add" two branches."""

    builder: ClassVar[str] = "residual.streams.build_pointwise"
    weights: ClassVar[tuple[str, ...]] = ()

    operation: str
