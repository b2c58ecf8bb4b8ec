"""glm4_moe and its relatives: dense first layers, then routed experts beside shared ones of the same width.

Sources: transformers 5.23.0, models/glm4_moe, dots1, solar_open, exaone_moe, hy_v3; vllm-project/vllm,
vllm/model_executor/models/deepseek.py and bailing_moe.py.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.keys import mlp_bias, not_null
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding, full_every
from symroof.families.reading.moe_layers import (
    LayerSet,
    all_but_first,
    all_but_first_by_frequency,
    moe_with_shared,
    sparse_layers,
)
from symroof.families.reading.parts import (
    Sizes,
    activation,
    attention,
    decoder,
    heads,
    layers,
    nullable_heads,
    with_bias,
)
from symroof.families.reading.rotary import with_rotary


def _moe(
    config: Config, moe_layers: LayerSet, key: str, absent: int = 0, bias: bool = False, correction: bool = True
) -> Part | Pattern:
    """Experts in `moe_layers`, beside as many shared ones as `key` says; `bias` on shared and dense networks."""
    kind = Experts(activation(config), shared_bias=bias, correction=correction)
    return moe_with_shared(config, moe_layers, kind, key, absent, bias)


def glm4_moe(config: Config) -> Architecture:
    """Biases of queries, keys and values by attention_bias; half of each head rotated."""
    d, H_q = config.size("hidden_size"), config.size("num_attention_heads")
    h = None if config.has("head_dim") else Size(d // H_q, "hidden_size // num_attention_heads")
    return _glm4_moe_decoder(config, "glm4_moe", heads(config, h), normed=False, rotation=0.5)


def sarvam_moe(config: Config) -> Architecture:
    """glm4_moe with norms of queries and keys and whole heads rotated by default."""
    return _glm4_moe_decoder(config, "sarvam_moe", heads(config, absent=64), normed=True, rotation=1)


def _glm4_moe_decoder(config: Config, family: str, sizes: Sizes, normed: bool, rotation: float) -> Architecture:
    """One dense layer, then experts; `normed` and `rotation` are the defaults of use_qk_norm and the rotated part."""
    norm = "rms" if config.flag("use_qk_norm", absent=normed) else ""
    kind = Attention(bias=config.flag("attention_bias", absent=False), qk_norm=norm)
    slot = attention(*with_rotary(config, kind, sizes, absent=rotation))
    return decoder(config, family, slot, _moe(config, all_but_first(config, absent=1), "n_shared_experts", 1))


def solar_open(config: Config) -> Architecture:
    """glm4_moe without dense layers and without norms of queries and keys."""
    kind = Attention(bias=config.flag("attention_bias", absent=False))
    slot = attention(*with_rotary(config, kind, heads(config, absent=128)))
    return decoder(config, "solar_open", slot, _moe(config, (range(layers(config)), ""), "n_shared_experts", 1))


def dots1(config: Config) -> Architecture:
    """Norms of queries and keys; a window in the layers from max_window_layers on."""
    kind = with_bias(config, Attention(qk_norm="rms"))
    full = config.number("max_window_layers", absent=62, least=0)
    slides = not_null(config, "sliding_window")
    absent = [SLIDING if slides and i >= full else FULL for i in range(layers(config))]
    slot = full_and_sliding(config, kind, nullable_heads(config), absent, "max_window_layers", 4096)
    return decoder(config, "dots1", slot, _moe(config, all_but_first(config, absent=0), "n_shared_experts"))


def exaone_moe(config: Config) -> Architecture:
    """Full attention in every fourth layer, without rotary embedding where the others have a window."""
    slides, key, sliding = not_null(config, "sliding_window"), "sliding_window_pattern", Attention(qk_norm="rms")
    step = config.number(key, absent=4) if slides and not config.has("layer_types") else 1
    full = replace(sliding, rotary="") if slides else sliding
    slot = full_and_sliding(config, full, heads(config), full_every(layers(config), step), key, 4096, sliding)
    moe_layers = sparse_layers(config, *all_but_first(config, absent=1))
    return decoder(config, "exaone_moe", slot, _moe(config, moe_layers, "num_shared_experts", 1))


def hy_v3(config: Config) -> Architecture:
    """Norms of queries and keys; one dense first layer unless mlp_layer_types says otherwise."""
    kind = with_bias(config, Attention(qk_norm="rms"))
    moe_layers = sparse_layers(config, range(1, layers(config)), "num_hidden_layers")
    ffn = _moe(config, moe_layers, "num_shared_experts", 1, mlp_bias(config))
    return decoder(config, "hy_v3", attention(kind, heads(config, absent=128)), ffn)


def deepseek_v1(config: Config) -> Architecture:
    """DeepSeek-MoE: grouped heads allowed, experts in every moe_layer_freq-th layer after the first ones."""
    slot = attention(with_bias(config, Attention()), heads(config, single=True))
    moe_layers = all_but_first_by_frequency(config, absent=0)
    return decoder(config, "deepseek", slot, _moe(config, moe_layers, "n_shared_experts", correction=False))


def bailing_moe(config: Config) -> Architecture:
    """Ling: queries, keys and values in one projection; version 2 normalises queries and keys."""
    bias, norm = config.flag("use_bias", absent=False), config.flag("use_qk_norm", absent=False)
    qkv_bias = config.flag("use_qkv_bias", absent=False) or bias
    kind = Attention(bias=qkv_bias, out_bias=bias, qk_norm="rms" if norm else "")
    slot = attention(*with_rotary(config, kind, heads(config, single=True)))
    correction = config.flag("moe_router_enable_expert_bias", absent=False)
    ffn = _moe(config, all_but_first(config, absent=0), "num_shared_experts", bias=bias, correction=correction)
    return decoder(config, "bailing_moe", slot, ffn)


FAMILIES = {
    "glm4_moe": glm4_moe,
    "sarvam_moe": sarvam_moe,
    "solar_open": solar_open,
    "dots1": dots1,
    "exaone_moe": exaone_moe,
    "hy_v3": hy_v3,
    "deepseek": deepseek_v1,
    "bailing_moe": bailing_moe,
}
