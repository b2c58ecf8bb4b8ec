"""mimo_v2_flash: values of a size of their own; layers with a window have sinks and more KV heads.

Source: transformers 5.23.0, models/mimo_v2_flash; the keys of the hub's config beside its own.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Size
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, Sizes, alternating, numbers, routed, sparse, turned
from symroof.families.reading.parts import activation, decoder, experts, feed_forward, heads, layers

TURNED = 0.334  # of a head, where no key says


def mimo_v2_flash(config: Config) -> Architecture:
    """A dense layer ahead, then routed experts; full attention in the first and each sixth layer."""
    count, act = layers(config), activation(config)
    sizes = {**heads(config, absent=192), "h_v": config.size("v_head_dim", absent=128)}
    kind = Attention(bias=config.flag("attention_bias", absent=False), values=True)
    full = replace(kind, sinks=config.flag("add_full_attention_sink_bias", absent=False))
    sliding = replace(kind, sinks=config.flag("add_swa_attention_sink_bias", absent=True))
    slides = numbers(config, "hybrid_layer_pattern", [int(i > 0 and (i + 1) % 6 > 0) for i in range(count)])
    experted = numbers(config, "moe_layer_freq", [int(i > 0) for i in range(count)])
    attentions = alternating(
        with_window(config),
        *turned(config, full, sizes, FULL, TURNED),
        [SLIDING if x else FULL for x in slides],
        "hybrid_layer_pattern",
        129,
        *turned(config, sliding, sliding_heads(config, sizes), SLIDING, TURNED),
    )
    ffn = routed(
        config,
        sparse(config, [i for i, x in enumerate(experted) if x], "moe_layer_freq"),
        lambda: experts(config, Experts(act)),
        lambda: feed_forward(config, FeedForward(act)),
    )
    return decoder(config, "mimo_v2_flash", attentions, ffn)


def sliding_heads(config: Config, sizes: Sizes) -> Sizes:
    """The heads of layers with a window: as the config names them apart, else with twice the KV heads."""
    keys = {
        "H_q": "swa_num_attention_heads",
        "H_kv": "swa_num_key_value_heads",
        "h": "swa_head_dim",
        "h_v": "swa_v_head_dim",
    }
    own = {base: config.size(key) for base, key in keys.items() if config.has(key)}
    return {**sizes, "H_kv": Size(2 * sizes["H_kv"], f"2 x {sizes['H_kv'].origin}"), **own}


def with_window(config: Config) -> Config:
    """The config with the window that transformers makes of sliding_window_size: so many tokens and the new one."""
    key = "sliding_window_size"
    return config.filled({}, sliding_window=config.number(key) + 1) if config.has(key) else config


FAMILIES = {"mimo_v2_flash": mimo_v2_flash}
