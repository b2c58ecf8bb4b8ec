"""lfm2, lfm2_moe and lfm3: short gated convolutions between layers of attention.

Source: transformers 5.23.0, models/lfm2, lfm2_moe, lfm3.
"""

from math import ceil

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.linear_attention import ShortConvolution
from symroof.architecture.structure import Architecture, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import not_null, positive_number
from symroof.families.reading.layer_patterns import FULL, SLIDING, with_window
from symroof.families.reading.moe_layers import all_but_first, moe_or_dense
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
    with_bias,
)

CONV = "conv"


def _lfm_mixers(config: Config, full: Part, absent: list[str], origin: str, sliding: Part | None = None) -> Pattern:
    """Attention or convolution per layer: by layer_types, else by `absent`, which follows from the key `origin`."""
    names, origin = layer_types(config, absent, origin)
    kind = ShortConvolution(config.flag("conv_bias", absent=False))
    parts = {FULL: full, CONV: Part.of(kind, CONV, full.wiring, k_c=config.size("conv_L_cache"))}
    return choose(config, names, parts | ({SLIDING: sliding} if sliding else {}), origin)


def _lfm2_attention(config: Config) -> Part:
    """Grouped-query attention with norms of queries and keys."""
    return attention(Attention(qk_norm="rms"), heads(config), FULL)


def lfm2(config: Config) -> Architecture:
    """Dense networks whose width is adjusted from intermediate_size."""
    key, count = "full_attn_idxs", layers(config)
    full = config.whole_numbers(key, most=count - 1) if config.has(key) else range(count)
    mixers = _lfm_mixers(config, _lfm2_attention(config), [FULL if i in full else CONV for i in range(count)], key)
    mlp = Part.of(FeedForward(), "mlp", f=_lfm2_width(config))
    return decoder(config, "lfm2", mixers, mlp, tied=_tied_by_default(config))


def _lfm2_width(config: Config) -> Size:
    """intermediate_size; with block_auto_adjust_ff_dim 2/3 of it, times a factor, rounded up to a multiple."""
    size = config.size("intermediate_size", "block_ff_dim")
    if not config.flag("block_auto_adjust_ff_dim", absent=True):
        return size
    scaled, key = 2 * size // 3, "block_ffn_dim_multiplier"
    if not not_null(config, key):
        return Size(scaled, f"2/3 {size.origin}")
    factor, step = positive_number(config, key, 1, 1000), config.number("block_multiple_of", absent=256)
    return Size(step * ceil(int(factor * scaled) / step), f"2/3 {size.origin}, adjusted")


def _tied_by_default(config: Config) -> bool:
    """True unless tie_embedding, an older spelling of tie_word_embeddings, says otherwise."""
    return config.flag("tie_embedding", absent=True)


def lfm2_moe(config: Config) -> Architecture:
    """Experts in all layers but the first two."""
    if not config.has("layer_types"):
        raise config.fail("key 'layer_types' is missing: list full_attention or conv for each layer")
    moe_layers = all_but_first(config, "num_dense_layers", 2)
    kind = Experts(correction=config.flag("use_expert_bias", absent=True))
    ffn = moe_or_dense(config, moe_layers, lambda: experts(config, kind), lambda: feed_forward(config, FeedForward()))
    mixers = _lfm_mixers(config, _lfm2_attention(config), [], "layer_types")
    return decoder(config, "lfm2_moe", mixers, ffn, tied=_tied_by_default(config))


def lfm3(config: Config) -> Architecture:
    """Convolutions, full and sliding-window attention with a gate per head; norms before and after sublayers."""
    wiring = SANDWICH if config.flag("use_sandwich_norm", absent=True) else Wiring()
    gate, sizes = "head" if config.flag("use_attention_gate", absent=True) else "", heads(config, absent=128)
    kind = with_bias(config, Attention(qk_norm="rms", gate=gate))
    full = attention(kind, sizes, FULL, wiring)
    sliding = attention(*with_window(config, kind, sizes, 256), wiring=wiring)
    absent = [FULL if i % 4 == 2 else SLIDING if i % 4 == 0 and i else CONV for i in range(layers(config))]
    mixers = _lfm_mixers(config, full, absent, "num_hidden_layers", sliding)
    return decoder(config, "lfm3", mixers, feed_forward(config, FeedForward(), wiring=wiring), tied=True)


FAMILIES: dict[str, Reader] = {"lfm2": lfm2, "lfm2_moe": lfm2_moe, "lfm3": lfm3}
