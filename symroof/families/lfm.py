"""lfm2, lfm2_moe and lfm3: short gated convolutions between layers of attention.

Source: transformers 5.23.0, models/lfm2, lfm2_moe, lfm3.
"""

from dataclasses import replace
from math import ceil

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.linear import ShortConvolution
from symroof.architecture.structure import Architecture, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import after_first, routed, window
from symroof.families.reading.parts import (
    SANDWICH,
    Reader,
    attention,
    choose,
    decoder,
    experts,
    feed_forward,
    heads,
    layer_types,
    layers,
)

FULL, SLIDING, CONV = "full_attention", "sliding_attention", "conv"


def mixers(config: Config, full: Part, absent: list[str], origin: str, sliding: Part | None = None) -> Pattern:
    """Attention and convolutions by layer_types, else by `absent`, which follows from `origin`."""
    kinds, origin = layer_types(config, absent, origin)
    kind = ShortConvolution(config.flag("conv_bias", absent=False))
    parts = {FULL: full, CONV: Part.of(kind, CONV, full.wiring, k_c=config.size("conv_L_cache"))}
    return choose(config, kinds, parts | ({SLIDING: sliding} if sliding else {}), origin)


def own(config: Config) -> Part:
    """The attention of lfm2, whose heads are as many as fit the hidden size."""
    return attention(Attention(qk_norm="rms"), heads(config), FULL)


def lfm2(config: Config) -> Architecture:
    """Dense networks of a width that follows from intermediate_size."""
    listed, count = config.listed("full_attn_idxs"), layers(config)
    absent = [FULL if i in listed or not config.has("full_attn_idxs") else CONV for i in range(count)]
    mlp = Part.of(FeedForward(), "mlp", f=width(config))
    return decoder(config, "lfm2", mixers(config, own(config), absent, "full_attn_idxs"), mlp, tied=tied(config))


def width(config: Config) -> Size:
    """intermediate_size, or two thirds of it times a factor, rounded up to a multiple, where it is to be adjusted."""
    size = config.size("intermediate_size", "block_ff_dim")
    if not config.flag("block_auto_adjust_ff_dim", absent=True):
        return size
    scaled, key = 2 * size // 3, "block_ffn_dim_multiplier"
    if config.says(key) and not config.has(key):
        return Size(scaled, f"2/3 {size.origin}")
    factor, step = config.data.get(key, 1), config.number("block_multiple_of", absent=256)
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor <= 1000:
        raise config.wrong(key, "a number above 0, at most 1000")
    return Size(step * ceil(int(factor * scaled) / step), f"2/3 {size.origin}, adjusted")


def tied(config: Config) -> bool:
    """Tied by default; tie_embedding is an older spelling."""
    return config.flag("tie_embedding", absent=True)


def lfm2_moe(config: Config) -> Architecture:
    """Experts in all layers but the first."""
    if not config.has("layer_types"):
        raise config.fail("key 'layer_types' is missing: list full_attention or conv for each layer")
    ffn = routed(
        config,
        after_first(config, "num_dense_layers", 2),
        lambda: experts(config, Experts()),
        lambda: feed_forward(config, FeedForward()),
    )
    return decoder(config, "lfm2_moe", mixers(config, own(config), [], "layer_types"), ffn, tied=tied(config))


def lfm3(config: Config) -> Architecture:
    """Attention with and without a window, gated a head; norms on both sides."""
    wiring = SANDWICH if config.flag("use_sandwich_norm", absent=True) else Wiring()
    bias, gate = config.flag("attention_bias", absent=False), config.flag("use_attention_gate", absent=True)
    sizes = heads(config, absent=128)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms", gate="head" if gate else "")
    full = attention(kind, sizes, FULL, wiring)
    sliding = attention(replace(kind, mask="sliding"), {**sizes, "w": window(config, 256)}, wiring=wiring)
    absent = [FULL if i % 4 == 2 else SLIDING if i % 4 == 0 and i else CONV for i in range(layers(config))]
    return decoder(
        config,
        "lfm3",
        mixers(config, full, absent, "num_hidden_layers", sliding),
        feed_forward(config, FeedForward(), wiring=wiring),
        tied=True,
    )


FAMILIES: dict[str, Reader] = {"lfm2": lfm2, "lfm2_moe": lfm2_moe, "lfm3": lfm3}
