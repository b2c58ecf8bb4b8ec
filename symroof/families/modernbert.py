"""modernbert-decoder: the decoder of the ModernBERT lineage, with a network before its logits.

Source: transformers 5.23.0, models/modernbert_decoder.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Pattern, Size
from symroof.config.config import Config
from symroof.families.gpt import equal_heads
from symroof.families.reading.keys import mlp_bias
from symroof.families.reading.layer_patterns import FULL, SLIDING
from symroof.families.reading.parts import (
    BESIDE,
    activation,
    attention,
    choose,
    decoder,
    feed_forward,
    layer_types,
    layers,
    with_bias,
)


def modernbert(config: Config) -> Architecture:
    """Full attention in the first of every three layers; the first layer uses the norm of the embedding."""
    mlp = FeedForward(activation(config, "hidden_activation", absent="gelu"), bias=mlp_bias(config))
    slots = _modernbert_attention(config), feed_forward(config, mlp)
    return decoder(config, "modernbert-decoder", *slots, frame=_modernbert_frame(config), tied=True)


def _modernbert_frame(config: Config) -> Frame:
    """A norm after the embedding, and a projection with an activation before the logits."""
    norm = "layer" if config.flag("norm_bias", absent=False) else "layer_unbiased"
    return Frame(
        norm,
        embedding_norm=norm,
        head_bias=config.flag("decoder_bias", absent=True),
        head_act=activation(config, "classifier_activation", absent="gelu"),
        head_act_bias=config.flag("classifier_bias", absent=False),
    )


def _modernbert_attention(config: Config) -> Pattern:
    """Multi-head attention; no norm before that of the first layer."""
    kind, key = with_bias(config, Attention()), "global_attn_every_n_layers"
    sizes = equal_heads(config)
    step = config.number(key, absent=3)
    names, origin = layer_types(config, [SLIDING if i % step else FULL for i in range(layers(config))], key)
    parts = {FULL: attention(kind, sizes, FULL)}
    if SLIDING in names:
        parts[SLIDING] = attention(replace(kind, mask="sliding"), {**sizes, "w": _half_window(config)})
    first, *others = choose(config, names, parts, origin).parts
    return Pattern([first and replace(first, name="first", wiring=BESIDE), *others], origin)


def _half_window(config: Config) -> Size:
    """The window in tokens: half of local_attention, which an encoder would see on both sides."""
    if config.has("sliding_window"):
        return config.size("sliding_window")
    return Size(config.number("local_attention", absent=128, least=2) // 2, "local_attention / 2")


FAMILIES = {"modernbert-decoder": modernbert}
