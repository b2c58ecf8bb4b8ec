"""mistral, ministral, ministral3, starcoder2, cwm, emu3: grouped-query attention, with a window in all or most layers.

Source: transformers 5.23.0, models of these names.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Pattern
from symroof.config.config import Config
from symroof.families.reading.keys import mlp_bias, not_null
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding, uniform_attention
from symroof.families.reading.parts import (
    Sizes,
    activation,
    attention,
    decoder,
    feed_forward,
    gated_mlp,
    heads,
    layers,
    nullable_heads,
    with_bias,
)


def mistral_attention(
    config: Config, kind: Attention, sizes: Sizes, default_window: int | None = None
) -> Part | Pattern:
    """Attention with a window by layer_types, else in all layers if sliding_window is set or has a default."""
    used = config.flag("use_sliding_window", absent=True)
    if used and config.has("layer_types"):
        return full_and_sliding(config, kind, sizes, (), "layer_types", default_window)
    return uniform_attention(config, kind, sizes, used, default_window)


def scales_by_position(config: Config) -> bool:
    """Whether queries are scaled by their position: not if llama_4_scaling_beta is 0."""
    if not config.has("rope_parameters"):
        return True
    rope = config.nested("rope_parameters")
    return bool(rope.optional_number("llama_4_scaling_beta", least=0))


def mistral(config: Config) -> Architecture:
    """Sliding-window attention in all layers; the window is 4096 by default."""
    slot = mistral_attention(config, Attention(), nullable_heads(config), 4096)
    return decoder(config, "mistral", slot, gated_mlp(config))


def ministral(config: Config) -> Architecture:
    """mistral with layer_types."""
    absent = [SLIDING if not_null(config, "sliding_window") else FULL] * layers(config)
    slot = full_and_sliding(config, Attention(), nullable_heads(config), absent, "num_hidden_layers", 4096)
    return decoder(config, "ministral", slot, gated_mlp(config))


def ministral3(config: Config) -> Architecture:
    """mistral with queries scaled by their position."""
    kind = Attention(temperature=scales_by_position(config))
    return decoder(
        config, "ministral3", mistral_attention(config, kind, nullable_heads(config, 128)), gated_mlp(config)
    )


def starcoder2(config: Config) -> Architecture:
    """Layer norms, ungated networks, biases throughout."""
    bias, act = config.flag("use_bias", absent=True), activation(config, absent="gelu_pytorch_tanh")
    slot = mistral_attention(config, Attention(bias=bias, out_bias=bias), nullable_heads(config))
    mlp = feed_forward(config, FeedForward(act, gated=False, bias=bias))
    return decoder(config, "starcoder2", slot, mlp, frame=Frame("layer"), tied=True)


def cwm(config: Config) -> Architecture:
    """Sliding-window attention, but full attention in the first of every four layers."""
    absent = [SLIDING if i % 4 else FULL for i in range(layers(config))]
    slot = full_and_sliding(config, Attention(), nullable_heads(config, 128), absent, "num_hidden_layers", 8192)
    return decoder(config, "cwm", slot, gated_mlp(config, mlp_bias(config)))


def emu3(config: Config) -> Architecture:
    """The text model of Emu3."""
    slot = attention(with_bias(config, Attention()), heads(config, single=True, kv=8))
    return decoder(config, "emu3", slot, gated_mlp(config, mlp_bias(config)))


FAMILIES = {
    "mistral": mistral,
    "ministral": ministral,
    "ministral3": ministral3,
    "starcoder2": starcoder2,
    "cwm": cwm,
    "emu3_text_model": emu3,
}
