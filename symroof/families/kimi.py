"""kimi_linear and bailing_hybrid: delta nets with a decay per channel between layers of latent attention.

Sources: transformers 5.23.0, models/kimi_linear, bailing_hybrid; the config and report (arXiv 2607.24653, sections 2.1
to 2.3) of Kimi K3, a kimi_linear whose experts work in a latent and whose residuals are weighted sums over depth.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.latent_attention import LatentAttention
from symroof.architecture.kinds.linear_attention import DeltaNet
from symroof.architecture.kinds.streams import DepthAttention
from symroof.architecture.structure import MAX_SIZE, Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.deepseek import deepseek_moe_layers, latent_attention_part
from symroof.families.reading.keys import HEADS, has_number, with_untied_head
from symroof.families.reading.layer_patterns import FULL, LINEAR
from symroof.families.reading.moe_layers import experts_with_shared, moe_or_dense
from symroof.families.reading.parts import (
    BARE,
    LayerTypes,
    activation,
    choose,
    decoder,
    layer_types,
    layers,
    with_sizes,
)

LINEAR_CONFIG = "linear_attn_config"
LATENT_WIDTH = "routed_expert_hidden_size"


def kimi_linear(config: Config) -> Architecture:
    """Latent attention without rotary embedding in every fourth layer; head and embedding never share a table."""
    config = with_untied_head(config).with_defaults({"q_lora_rank": None})
    inner = config.nested(LINEAR_CONFIG) if config.has(LINEAR_CONFIG) else config.with_defaults({})
    gate = "full" if config.flag("mla_use_output_gate", absent=False) else ""
    kind = LatentAttention(rotary=not config.flag("mla_use_nope", absent=True), gate=gate)
    absent, origin = _kimi_layer_types(config, inner)
    slots = _kimi_mixers(config, kimi_delta_net(config, inner), kind, absent, origin), _kimi_network(config, 1)
    once = (_kimi_depth_attention(config),) if config.has("attn_res_block_size") else ()
    return decoder(config, "kimi_linear", *slots, once=once)


def _kimi_mixers(config: Config, delta: Part, kind: LatentAttention, absent: Sequence[str], origin: str) -> Pattern:
    """Linear or latent attention per layer: by layer_types, else by `absent`, which follows from the key `origin`."""
    parts = {LINEAR: delta, FULL: latent_attention_part(config, kind, FULL)}
    names, origin = layer_types(config, absent, origin)
    return choose(config, names, parts, origin)


def kimi_delta_net(config: Config, inner: Config) -> Part:
    """A delta net; its sizes are in linear_attn_config or, as transformers saves them, next to the others."""
    act, gate = activation(config), "full" if inner.flag("use_full_rank_gate", absent=False) else "low_rank"
    convolved = "silu" if act == "situ" else act  # situ is only an activation of gates
    kind = DeltaNet(convolved, "low_rank", has_number(inner, "gate_lower_bound", -MAX_SIZE), gate=gate)
    H = _linear_size(config, inner, "linear_num_heads", "num_heads", 32)
    size = _linear_size(config, inner, "linear_head_dim", "head_dim", 128)
    k_c = _linear_size(config, inner, "linear_conv_kernel_dim", "short_conv_kernel_size", 4)
    return _delta_net_part(kind, H, size, k_c)


def _delta_net_part(kind: DeltaNet, H: Size, size: Size, k_c: Size) -> Part:
    """A delta net with as many key heads as value heads, all of one size."""
    return Part.of(kind, LINEAR, H_k=H, H_v=H, d_k=size, d_v=size, k_c=k_c)


def _linear_size(config: Config, inner: Config, flat: str, nested: str, absent: int) -> Size:
    """A size of the delta net: in linear_attn_config if that has it, else under its flat name."""
    return inner.size(nested) if config.has(LINEAR_CONFIG) and inner.has(nested) else config.size(flat, absent=absent)


def _kimi_layer_types(config: Config, inner: Config) -> LayerTypes:
    """Full attention in the layers of full_attn_layers, counted from 1; else in every fourth layer after the first."""
    count, key = layers(config), "full_attn_layers"
    if not (config.has(LINEAR_CONFIG) and inner.has(key)):
        return [FULL if i and i % 4 == 0 else LINEAR for i in range(count)], "num_hidden_layers"
    full, linear = (inner.whole_numbers(x, 1, count) for x in (key, "kda_layers"))
    if sorted([*full, *linear]) != list(range(1, count + 1)):
        raise inner.fail(f"keys {key!r} and 'kda_layers' must list each of the layers 1 to {count} once")
    return [FULL if i + 1 in full else LINEAR for i in range(count)], LINEAR_CONFIG


def _kimi_network(config: Config, dense: int) -> Part | Pattern:
    """Experts beside shared ones, after `dense` dense layers by default."""
    return moe_or_dense(config, deepseek_moe_layers(config, dense), partial(_kimi_experts, config))


def _kimi_experts(config: Config) -> Part:
    """Experts beside shared ones; on a latent where routed_expert_hidden_size is set."""
    kind, latent = Experts(activation(config), correction=True), config.has(LATENT_WIDTH)
    if latent:
        norm = "rms" if config.flag("latent_moe_use_norm", absent=False) else ""
        kind = replace(kind, latent=True, latent_norm=norm)
    part = experts_with_shared(config, kind, config.spelling("num_shared_experts", "n_shared_experts"), 1)
    return with_sizes(part, d_lat=config.size(LATENT_WIDTH)) if latent else part


def _kimi_depth_attention(config: Config) -> Part:
    """Weighted sums over blocks of attn_res_block_size layers, before each sublayer and before the head.

    Their terms are the embedding, the complete blocks, and the current one.
    """
    count, key = layers(config), "attn_res_block_size"
    step = config.number(key)
    blocks = [-(-i // step) for i in range(count + 1)]  # before each layer's attention, and before the head
    terms = sum(n + 1 for n in blocks if n) + sum(i // step + 2 for i in range(count))
    sizes = {"N_mix": Size(2 * count + 1, "2 L + 1"), "X_mix": Size(terms, key)}
    return Part.of(DepthAttention(), "depth_attention", BARE, **sizes)


def bailing_hybrid(config: Config) -> Architecture:
    """Latent attention with rotary embedding and a gate per head; head and embedding never share a table."""
    config = with_untied_head(config).with_defaults({"q_lora_rank": None})
    step = config.number("layer_group_size", absent=6)
    absent = [LINEAR if (i + 1) % step else FULL for i in range(layers(config))]
    delta, kind = _bailing_delta_net(config), LatentAttention(gate="head")
    mixers = _kimi_mixers(config, delta, kind, absent, "layer_group_size")
    return decoder(config, "bailing_hybrid", mixers, _kimi_network(config, 2))


def _bailing_delta_net(config: Config) -> Part:
    """A delta net; its heads are those of the attention unless linear_num_heads and linear_head_dim are set."""
    kind = DeltaNet(activation(config), "channel", config.flag("kda_safe_gate", absent=True))
    H = config.size("linear_num_heads" if config.has("linear_num_heads") else config.spelling(*HEADS))
    size = config.size("linear_head_dim" if config.has("linear_head_dim") else "head_dim")
    return _delta_net_part(kind, H, size, config.size("linear_conv_kernel_dim", "short_conv_kernel_size", absent=4))


FAMILIES = {"kimi_linear": kimi_linear, "bailing_hybrid": bailing_hybrid}
