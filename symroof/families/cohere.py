"""cohere, cohere2, cohere_compass: both sublayers side by side after one norm without a bias.

Source: transformers 5.23.0, models of these names.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, alternating, every
from symroof.families.reading.parts import (
    activation,
    attention,
    constant,
    decoder,
    feed_forward,
    heads,
    layers,
    rotated,
)

BESIDE = Wiring(norm="")
NORM = "layer_unbiased"


def beside(config: Config, family: str, attentions: Part | Pattern, scale: float) -> Architecture:
    """Attention with a network beside it; logits times logit_scale, `scale` where nothing is said."""
    frame = Frame(NORM, head_scaled=constant(config, "logit_scale", scale) != 1)
    return decoder(
        config,
        family,
        attentions,
        feed_forward(config, FeedForward(activation(config)), wiring=BESIDE),
        frame=frame,
        tied=True,
    )


def biased(config: Config) -> Attention:
    """Attention with the biases that are asked for."""
    bias = config.flag("attention_bias", absent=False)
    return Attention(bias=bias, out_bias=bias)


def cohere(config: Config) -> Architecture:
    """Where asked for, a norm of each head of queries and keys."""
    norm = NORM if config.flag("use_qk_norm", absent=False) else ""
    kind = replace(biased(config), qk_norm=norm, qk_over="heads")
    return beside(config, "cohere", attention(kind, heads(config, single=True)), 0.0625)


def cohere2(config: Config) -> Architecture:
    """Windows, but in every fourth layer, which rotates nothing."""
    kind, step = biased(config), config.number("sliding_window_pattern", absent=4)
    attentions = alternating(
        config,
        replace(kind, rotary=""),
        heads(config, single=True),
        every(layers(config), step),
        "sliding_window_pattern",
        4096,
        kind,
    )
    return beside(config, "cohere2", attentions, 0.0625)


def compass(config: Config) -> Architecture:
    """Full attention where layer_types does not say otherwise; rotated where rope_parameters has the layer's type."""
    sizes, kind = heads(config, single=True), biased(config)
    (full, part), (sliding, other) = (rotated(config, sizes["h"], x) for x in (FULL, SLIDING))
    attentions = alternating(
        config,
        replace(kind, rotary=full),
        sizes | part,
        [FULL] * layers(config),
        "num_hidden_layers",
        4096,
        replace(kind, rotary=sliding),
        sizes | other,
    )
    return beside(config, "cohere_compass_text", attentions, 1)


FAMILIES = {"cohere": cohere, "cohere2": cohere2, "cohere_compass_text": compass}
