"""What works on the residual stream, or on several."""

from typing import ClassVar

from symroof.records import frozen


@frozen
class DepthAttention:
    """Attention over depth in the place of plain sums of residuals: N_mix weighted sums of X_mix earlier sums."""

    builder: ClassVar[str] = "recurrent.linear.build_depth_attention"
    weights: ClassVar[tuple[str, ...]] = ()

    normalised: bool = False  # the sums are of Y_mix normalised ones, and several may be of the same


@frozen
class LayerInputs:
    """Ahead of all layers: d_p elements for each, of a table of V_p rows and of a projection of the embedding."""

    builder: ClassVar[str] = "residual.streams.build_layer_inputs"
    weights: ClassVar[tuple[str, ...]] = ()

    norm: str = "rms"  # of the projection, for each layer


@frozen
class NGrams:
    """Ahead of a layer: embeddings of width d_g of the last 2 to n_g tokens, of H_g rows of a table of V_g, joined to
    the m streams; these are convolved over k_c tokens, every n_g-th.
    """

    builder: ClassVar[str] = "ngrams.build_ngrams"
    weights: ClassVar[tuple[str, ...]] = ()


@frozen
class LayerInput:
    """The d_p elements of a layer's own, gated by the stream and added to it."""

    builder: ClassVar[str] = "residual.streams.build_layer_input"
    weights: ClassVar[tuple[str, ...]] = ()

    act: str = "gelu_tanh"


@frozen
class Laurel:
    """A residual through rank r_l (LAuReL), beside the plain one."""

    builder: ClassVar[str] = "residual.streams.build_laurel"
    weights: ClassVar[tuple[str, ...]] = ()

    norm: str = "rms"


@frozen
class AltUp:
    """A stage of alternating updates of A residual streams: "expand" one to all ahead of the layers, "predict" all,
    "correct" all by what the layer made of one, "spread" its own input to the others, "merge" after the layers.
    """

    builder: ClassVar[str] = "residual.streams.build_altup"
    weights: ClassVar[tuple[str, ...]] = ()

    stage: str
    scaled: bool = True  # the corrected stream is weighed, an element each


@frozen
class Pointwise:
    """An operation on the whole stream: "scale" by a constant, "shift" and weigh each element, "add" two branches."""

    builder: ClassVar[str] = "residual.streams.build_pointwise"
    weights: ClassVar[tuple[str, ...]] = ()

    operation: str
