"""What works on the residual stream, or on several."""

from symroof.frozen import frozen


@frozen
class DepthAttention:
    """Attention over depth in the place of plain sums of residuals: N_mix weighted sums of X_mix earlier sums."""

    normalised: bool = False  # the sums are of Y_mix normalised ones, and several may be of the same


@frozen
class LayerInputs:
    """Ahead of all layers: d_p elements for each, of a table of V_p rows and of a projection of the embedding."""

    norm: str = "rms"  # of the projection, for each layer


@frozen
class NGrams:
    """Ahead of a layer: embeddings of width d_g of the last 2 to n_g tokens, of H_g rows of a table of V_g, joined to
    the m streams; these are convolved over k_c tokens, every n_g-th.
    """


@frozen
class LayerInput:
    """The d_p elements of a layer's own, gated by the stream and added to it."""

    act: str = "gelu_tanh"


@frozen
class Laurel:
    """A residual through rank r_l (LAuReL), beside the plain one."""

    norm: str = "rms"


@frozen
class AltUp:
    """A stage of alternating updates of A residual streams: "expand" one to all ahead of the layers, "predict" all,
    "correct" all by what the layer made of one, "spread" its own input to the others, "merge" after the layers.
    """

    stage: str
    scaled: bool = True  # the corrected stream is weighed, an element each


@frozen
class Pointwise:
    """An operation on the whole stream: "scale" by a constant, "shift" and weigh each element, "add" two branches."""

    operation: str
