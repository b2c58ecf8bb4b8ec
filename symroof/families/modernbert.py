"""modernbert-decoder: the decoder of the ModernBERT lineage, with a network ahead of its logits.

Source: transformers 5.23.0, models/modernbert_decoder.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING
from symroof.families.reading.parts import (
    activation,
    attention,
    choose,
    decoder,
    feed_forward,
    heads,
    layer_types,
    layers,
)


def modernbert(config: Config) -> Architecture:
    """Full attention in the first of every three layers; the embeddings' norm serves the first layer too."""
    norm = "layer" if config.flag("norm_bias", absent=False) else "layer_unbiased"
    frame = Frame(
        norm,
        embedding_norm=norm,
        head_bias=config.flag("decoder_bias", absent=True),
        head_act=activation(config, "classifier_activation", absent="gelu"),
        head_act_bias=config.flag("classifier_bias", absent=False),
    )
    mlp = FeedForward(
        activation(config, "hidden_activation", absent="gelu"), bias=config.flag("mlp_bias", absent=False)
    )
    return decoder(config, "modernbert-decoder", attentions(config), feed_forward(config, mlp), frame=frame, tied=True)


def attentions(config: Config) -> Pattern:
    """Attention without grouped heads; the first layer has no norm of its own."""
    bias = config.flag("attention_bias", absent=False)
    sizes = heads(config.filled({}, num_key_value_heads=None, head_dim=None), single=True)
    step, count = config.number("global_attn_every_n_layers", absent=3), layers(config)
    names, origin = layer_types(
        config, [SLIDING if i % step else FULL for i in range(count)], "global_attn_every_n_layers"
    )
    kind = Attention(bias=bias, out_bias=bias)
    parts = {FULL: attention(kind, sizes, FULL)}
    if SLIDING in names:
        parts[SLIDING] = attention(replace(kind, mask="sliding"), {**sizes, "w": window(config)})
    first, *others = choose(config, names, parts, origin).parts
    return Pattern([bare(first), *others], origin)


def window(config: Config) -> Size:
    """The tokens a layer sees, half of those that an encoder would see on both sides."""
    if config.has("sliding_window"):
        return config.size("sliding_window")
    return Size(config.number("local_attention", absent=128, least=2) // 2, "local_attention / 2")


def bare(part: Part | None) -> Part | None:
    """The part without a norm ahead of it."""
    return part and replace(part, name="first", wiring=Wiring(norm=""))


FAMILIES = {"modernbert-decoder": modernbert}
