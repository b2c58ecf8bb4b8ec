"""qwen2_moe, qwen3_moe, mellum, kolibri1: many small experts, with dense networks in some layers or a shared expert.

Source: transformers 5.23.0, models of these names.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Part, Pattern
from symroof.config.config import Config
from symroof.families.reading.keys import not_null
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding, full_every, uniform_attention
from symroof.families.reading.moe_layers import every_sparse_step, experts_with_one_shared, moe_or_dense, sparse_layers
from symroof.families.reading.parts import SANDWICH, activation, decoder, experts, heads, layers, with_bias


def _routed_experts(config: Config) -> Part:
    """Experts without a shared one."""
    return experts(config, Experts(activation(config)))


def qwen2_moe(config: Config) -> Architecture:
    """Biases of queries, keys and values; a gated shared expert."""
    moe = Experts(activation(config), shared_gate=True)
    ffn = moe_or_dense(config, every_sparse_step(config), lambda: experts_with_one_shared(config, moe))
    return decoder(config, "qwen2_moe", _qwen2_moe_attention(config), ffn)


def _qwen2_moe_attention(config: Config) -> Pattern:
    """A window in every other layer before max_window_layers, if one is used."""
    key, used = "max_window_layers", config.flag("use_sliding_window", absent=False)
    last = config.number(key, absent=28, least=0) if used else 0
    absent = [SLIDING if i % 2 == 0 and i < last else FULL for i in range(layers(config))]
    kind = Attention(bias=config.flag("qkv_bias", absent=True))
    return full_and_sliding(config, kind, heads(config), absent, key, 4096)


def qwen3_moe(config: Config) -> Architecture:
    """Norms of queries and keys, no shared expert; a window in all layers if one is used."""
    kind, used = with_bias(config, Attention(qk_norm="rms")), config.flag("use_sliding_window", absent=False)
    ffn = moe_or_dense(config, every_sparse_step(config), lambda: _routed_experts(config))
    return decoder(config, "qwen3_moe", uniform_attention(config, kind, heads(config), used), ffn)


def mellum(config: Config) -> Architecture:
    """qwen3_moe with layer_types and mlp_layer_types."""
    kind, count, key = with_bias(config, Attention(qk_norm="rms")), layers(config), "num_hidden_layers"
    ffn = moe_or_dense(config, sparse_layers(config, range(count), key), lambda: _routed_experts(config))
    slot = full_and_sliding(config, kind, heads(config, absent=128), [FULL] * count, key, 1024)
    return decoder(config, "mellum", slot, ffn)


def kolibri1(config: Config) -> Architecture:
    """Norms before and after sublayers; full attention in every fifth layer, rotary embedding only in the others."""
    sliding, sizes = Attention(qk_norm="rms"), heads(config, absent=128)
    full = replace(sliding, rotary="") if not_null(config, "sliding_window") else sliding
    names = full_every(layers(config), 5)
    slot = full_and_sliding(config, full, sizes, names, "num_hidden_layers", 513, sliding, wiring=SANDWICH)
    moe = experts_with_one_shared(config, Experts(activation(config), correction=True), SANDWICH)
    return decoder(config, "kolibri1", slot, moe)


FAMILIES = {"qwen2_moe": qwen2_moe, "qwen3_moe": qwen3_moe, "mellum": mellum, "kolibri1": kolibri1}
