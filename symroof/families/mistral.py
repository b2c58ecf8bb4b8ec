"""mistral, ministral, ministral3, starcoder2, cwm, emu3: grouped attention, some with a window in all or most layers.

Source: transformers 5.23.0, models of these names.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Pattern
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, Sizes, alternating, uniform
from symroof.families.reading.parts import activation, attention, decoder, feed_forward, heads, layers


def windowed(config: Config, kind: Attention, sizes: Sizes, own: int | None = None) -> Part | Pattern:
    """A window in all layers where sliding_window says one (`own` where it says nothing), or by layer_types."""
    used = config.flag("use_sliding_window", absent=True)
    if used and config.has("layer_types"):
        return alternating(config, kind, sizes, (), "layer_types", own)
    return uniform(config, kind, sizes, used, own)


def mistral(config: Config) -> Architecture:
    """No biases; a window of 4096 where none is said."""
    sizes = heads(config, single=config.says("num_key_value_heads"))
    return decoder(
        config,
        "mistral",
        windowed(config, Attention(), sizes, 4096),
        feed_forward(config, FeedForward(activation(config))),
    )


def ministral(config: Config) -> Architecture:
    """mistral by layer_types."""
    sizes = heads(config, single=config.says("num_key_value_heads"))
    windows = config.has("sliding_window") or not config.says("sliding_window")
    absent = [SLIDING if windows else FULL] * layers(config)
    return decoder(
        config,
        "ministral",
        alternating(config, Attention(), sizes, absent, "num_hidden_layers", 4096),
        feed_forward(config, FeedForward(activation(config))),
    )


def ministral3(config: Config) -> Architecture:
    """Queries scaled by their position."""
    sizes = heads(config, single=config.says("num_key_value_heads"), absent=128)
    return decoder(
        config,
        "ministral3",
        windowed(config, Attention(temperature=tuned(config)), sizes),
        feed_forward(config, FeedForward(activation(config))),
    )


def tuned(config: Config) -> bool:
    """Whether llama_4_scaling_beta scales queries: 0 scales them by 1."""
    if not config.has("rope_parameters"):
        return True
    rope = config.nested("rope_parameters")
    return rope.has("llama_4_scaling_beta") and bool(rope.data["llama_4_scaling_beta"])


def starcoder2(config: Config) -> Architecture:
    """Layer norms, a plain network, biases throughout."""
    bias = config.flag("use_bias", absent=True)
    act = activation(config, absent="gelu_pytorch_tanh")
    kind, sizes = Attention(bias=bias, out_bias=bias), heads(config, single=config.says("num_key_value_heads"))
    return decoder(
        config,
        "starcoder2",
        windowed(config, kind, sizes),
        feed_forward(config, FeedForward(act, gated=False, bias=bias)),
        frame=Frame("layer"),
        tied=True,
    )


def cwm(config: Config) -> Architecture:
    """Full attention in the first of every four layers."""
    sizes = heads(config, single=config.says("num_key_value_heads"), absent=128)
    absent = [SLIDING if i % 4 else FULL for i in range(layers(config))]
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    return decoder(
        config,
        "cwm",
        alternating(config, Attention(), sizes, absent, "num_hidden_layers", 8192),
        feed_forward(config, mlp),
    )


def emu3(config: Config) -> Architecture:
    """The text model of Emu3."""
    bias = config.flag("attention_bias", absent=False)
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    return decoder(
        config,
        "emu3",
        attention(Attention(bias=bias, out_bias=bias), heads(config, single=True)),
        feed_forward(config, mlp),
    )


FAMILIES = {
    "mistral": mistral,
    "ministral": ministral,
    "ministral3": ministral3,
    "starcoder2": starcoder2,
    "cwm": cwm,
    "emu3_text_model": emu3,
}
