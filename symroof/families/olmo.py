"""olmo, olmo2, olmo3, exaone4: norms without weights in the first, norms after the sublayers in the others.

Source: transformers 5.23.0, models of these names.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, alternating, every
from symroof.families.reading.parts import POST, activation, attention, decoder, feed_forward, heads, layers


def olmo(config: Config) -> Architecture:
    """Layer norms without weights."""
    bias = config.flag("attention_bias", absent=False)
    kind = Attention(bias=bias, out_bias=bias, clip=config.has("clip_qkv"))
    return decoder(
        config,
        "olmo",
        attention(kind, heads(config, single=True)),
        feed_forward(config, FeedForward(activation(config))),
        frame=Frame("layer_plain"),
    )


def normed(config: Config) -> Attention:
    """Queries and keys normalised over their whole width."""
    bias = config.flag("attention_bias", absent=False)
    return Attention(bias=bias, out_bias=bias, qk_norm="rms", qk_over="width")


def olmo2(config: Config) -> Architecture:
    """Norms after the sublayers, and of queries and keys."""
    return decoder(
        config,
        "olmo2",
        attention(normed(config), heads(config, single=True), wiring=POST),
        feed_forward(config, FeedForward(activation(config)), wiring=POST),
    )


def olmo3(config: Config) -> Architecture:
    """olmo2 with windows, but in every fourth layer."""
    names = every(layers(config), 4)
    return decoder(
        config,
        "olmo3",
        alternating(config, normed(config), heads(config, single=True), names, "num_hidden_layers", 4096, wiring=POST),
        feed_forward(config, FeedForward(activation(config)), wiring=POST),
    )


def exaone4(config: Config) -> Architecture:
    """Norms after the sublayers; among layers with a window, those that see all rotate nothing."""
    slides = config.has("sliding_window") or not config.says("sliding_window")
    count, key = layers(config), "sliding_window_pattern"
    step = config.number(key, absent=4) if slides and not config.has("layer_types") else 1
    names = every(count, step) if slides else [FULL] * count
    full, sliding = Attention(rotary="" if slides else "full", qk_norm="rms"), Attention(qk_norm="rms")
    attentions = alternating(
        config, full, heads(config, single=config.says("num_key_value_heads")), names, key, 4096, sliding, wiring=POST
    )
    return decoder(config, "exaone4", attentions, feed_forward(config, FeedForward(activation(config)), wiring=POST))


FAMILIES = {"olmo": olmo, "olmo2": olmo2, "olmo3": olmo3, "exaone4": exaone4}
