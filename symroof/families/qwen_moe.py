"""qwen2_moe, qwen3_moe, mellum, kolibri1: many small experts, by layer beside dense networks or a shared expert.

Source: transformers 5.23.0, models of these names.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Part
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, alternating, every, routed, sparse, stepped, uniform
from symroof.families.reading.parts import SANDWICH, activation, decoder, experts, feed_forward, heads, layers


def plain(config: Config) -> Part:
    """Experts without a shared one."""
    return experts(config, Experts(activation(config)))


def dense(config: Config) -> Part:
    """The network of a layer without experts."""
    return feed_forward(config, FeedForward(activation(config)))


def qwen2_moe(config: Config) -> Architecture:
    """Biases on queries, keys and values; a gated shared expert."""
    used = config.flag("use_sliding_window", absent=False)
    most = config.number("max_window_layers", absent=28, least=0) if used else 0
    absent = [SLIDING if i % 2 == 0 and i < most else FULL for i in range(layers(config))]
    kind = Attention(bias=config.flag("qkv_bias", absent=True))
    moe = Experts(activation(config), shared=True, shared_gate=True)
    ffn = routed(
        config,
        stepped(config),
        lambda: experts(config, moe, shared=config.size("shared_expert_intermediate_size")),
        lambda: dense(config),
    )
    return decoder(
        config, "qwen2_moe", alternating(config, kind, heads(config), absent, "max_window_layers", 4096), ffn
    )


def qwen3_moe(config: Config) -> Architecture:
    """Normalised queries and keys, no shared expert; a window in all layers where one is used."""
    bias = config.flag("attention_bias", absent=False)
    kind, used = Attention(bias=bias, out_bias=bias, qk_norm="rms"), config.flag("use_sliding_window", absent=False)
    ffn = routed(config, stepped(config), lambda: plain(config), lambda: dense(config))
    return decoder(config, "qwen3_moe", uniform(config, kind, heads(config), used), ffn)


def mellum(config: Config) -> Architecture:
    """qwen3_moe by layer_types and mlp_layer_types."""
    bias, count = config.flag("attention_bias", absent=False), layers(config)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms")
    ffn = routed(
        config, sparse(config, range(count), "num_hidden_layers"), lambda: plain(config), lambda: dense(config)
    )
    return decoder(
        config,
        "mellum",
        alternating(config, kind, heads(config, absent=128), [FULL] * count, "num_hidden_layers", 1024),
        ffn,
    )


def kolibri1(config: Config) -> Architecture:
    """Norms on both sides; every fifth layer sees all, without rotation where the others have a window."""
    nope = config.has("sliding_window") or not config.says("sliding_window")
    moe = experts(
        config,
        Experts(activation(config), shared=True),
        shared=config.size("shared_expert_intermediate_size"),
        wiring=SANDWICH,
    )
    attentions = alternating(
        config,
        Attention(rotary="" if nope else "full", qk_norm="rms"),
        heads(config, absent=128),
        every(layers(config), 5),
        "num_hidden_layers",
        513,
        Attention(qk_norm="rms"),
        wiring=SANDWICH,
    )
    return decoder(config, "kolibri1", attentions, moe)


FAMILIES = {"qwen2_moe": qwen2_moe, "qwen3_moe": qwen3_moe, "mellum": mellum, "kolibri1": kolibri1}
