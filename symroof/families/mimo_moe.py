"""mimo_v2_flash: value heads of a different size; layers with a window have sinks and more KV heads.

Source: transformers 5.23.0, models/mimo_v2_flash; in addition, the keys of the hub's config.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding, numbers_by_layer
from symroof.families.reading.moe_layers import moe_or_dense, sparse_layers
from symroof.families.reading.parts import Sizes, activation, decoder, experts, heads, layers
from symroof.families.reading.rotary import with_rotary

ROTATION = 0.334  # the rotated fraction of a head by default
SWA_KEYS = {
    "H_q": "swa_num_attention_heads",
    "H_kv": "swa_num_key_value_heads",
    "h": "swa_head_dim",
    "h_v": "swa_v_head_dim",
}


def mimo_v2_flash(config: Config) -> Architecture:
    """Full attention in the first and every sixth layer; a dense first layer, then routed experts."""
    routed = numbers_by_layer(config, "moe_layer_freq", [int(i > 0) for i in range(layers(config))])
    moe_layers = sparse_layers(config, [i for i, x in enumerate(routed) if x], "moe_layer_freq")
    ffn = moe_or_dense(config, moe_layers, lambda: experts(config, Experts(activation(config), correction=True)))
    return decoder(config, "mimo_v2_flash", _mimo_attention(config), ffn)


def _mimo_attention(config: Config) -> Pattern:
    """Full attention, and sliding-window attention with sinks by default."""
    key, sizes = "hybrid_layer_pattern", {**heads(config, absent=192), "h_v": config.size("v_head_dim", absent=128)}
    kind = Attention(bias=config.flag("attention_bias", absent=False), values=True)
    full = replace(kind, sinks=config.flag("add_full_attention_sink_bias", absent=False))
    sliding = replace(kind, sinks=config.flag("add_swa_attention_sink_bias", absent=True))
    slides = numbers_by_layer(config, key, [int(i > 0 and (i + 1) % 6 > 0) for i in range(layers(config))])
    full, full_sizes = with_rotary(config, full, sizes, FULL, ROTATION)
    rotated = with_rotary(config, sliding, _sliding_heads(config, sizes), SLIDING, ROTATION)
    names = [SLIDING if x else FULL for x in slides]
    return full_and_sliding(_with_window(config), full, full_sizes, names, key, 129, *rotated)


def _sliding_heads(config: Config, sizes: Sizes) -> Sizes:
    """The heads of layers with a window: by swa_ keys, else as usual with twice the KV heads."""
    swa = {symbol: config.size(key) for symbol, key in SWA_KEYS.items() if config.has(key)}
    return {**sizes, "H_kv": Size(2 * sizes["H_kv"], f"2 x {sizes['H_kv'].origin}"), **swa}


def _with_window(config: Config) -> Config:
    """The config with sliding_window as transformers computes it: sliding_window_size tokens and the new one."""
    key, usual = "sliding_window_size", "sliding_window"
    if not config.has(key):
        return config
    size = config.number(key)
    if config.has(usual) and config.number(usual) not in (size, size + 1):
        raise config.fail(
            f"keys {key!r} ({size}) and {usual!r} ({config.number(usual)}) contradict each other: keep one"
        )
    return config.with_defaults({}, sliding_window=size + 1)


FAMILIES = {"mimo_v2_flash": mimo_v2_flash}
