"""kimi_linear and bailing_hybrid: delta nets with a decay a channel between layers of attention through a latent.

Sources: transformers 5.23.0, models/kimi_linear, bailing_hybrid; the config and report (arXiv 2607.24653, sections 2.1
to 2.3) of Kimi K3, a kimi_linear whose experts work in a latent and whose residuals are weighted sums over depth.
"""

from collections.abc import Sequence
from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.latent import LatentAttention
from symroof.architecture.kinds.linear import DeltaNet
from symroof.architecture.kinds.streams import DepthAttention
from symroof.architecture.structure import Architecture, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.deepseek import latent, moe_layers
from symroof.families.reading.layer_patterns import routed, several
from symroof.families.reading.parts import (
    HEADS,
    activation,
    choose,
    decoder,
    experts,
    feed_forward,
    layer_types,
    layers,
)

LINEAR, FULL = "linear_attention", "full_attention"
LINEAR_CONFIG = "linear_attn_config"
WIDTH = "moe_intermediate_size"


def mixers(config: Config, delta: Part, full: Part, absent: Sequence[str], origin: str) -> Pattern:
    """Linear and full attention by layer_types, else by `absent`, which follows from `origin`."""
    kinds, origin = layer_types(config, absent, origin)
    return choose(config, kinds, {LINEAR: delta, FULL: full}, origin)


def delta_part(kind: DeltaNet, heads: Size, size: Size, k_c: Size) -> Part:
    """Linear attention whose keys and values have the same heads."""
    return Part.of(kind, LINEAR, H_k=heads, H_v=heads, d_k=size, d_v=size, k_c=k_c)


def kimi_linear(config: Config) -> Architecture:
    """No rotary embedding; head and embedding are two tables whatever tie_word_embeddings says."""
    config = config.filled({"q_lora_rank": None}, tie_word_embeddings=False)
    inner = config.nested(LINEAR_CONFIG) if config.has(LINEAR_CONFIG) else config.filled({})
    gate = "full" if config.flag("mla_use_output_gate", absent=False) else ""
    full = latent(config, LatentAttention(rotary=not config.flag("mla_use_nope", absent=True), gate=gate), FULL)
    slots = mixers(config, delta(config, inner), full, *listed(config, inner)), feed_forwards(config)
    if not config.has("attn_res_block_size"):
        return decoder(config, "kimi_linear", *slots)
    return decoder(config, "kimi_linear", *slots, once=(depth_attention(config),))


def delta(config: Config, inner: Config) -> Part:
    """Linear attention, its sizes in linear_attn_config or, as transformers saves them, beside the others."""
    gate = "full" if inner.flag("use_full_rank_gate", absent=False) else "low_rank"
    kind = DeltaNet(short(activation(config)), "low_rank", inner.has("gate_lower_bound"), gate=gate)
    sizes = [
        either(config, inner, *keys)
        for keys in (
            ("linear_num_heads", "num_heads", 32),
            ("linear_head_dim", "head_dim", 128),
            ("linear_conv_kernel_dim", "short_conv_kernel_size", 4),
        )
    ]
    return delta_part(kind, *sizes)


def short(act: str) -> str:
    """The activation of the convolution: the model's, but situ only gates."""
    return "silu" if act == "situ" else act


def either(config: Config, inner: Config, flat: str, nested: str, absent: int) -> Size:
    """A size of linear attention: of linear_attn_config where it has it, else under its flat name."""
    return inner.size(nested) if config.has(LINEAR_CONFIG) and inner.has(nested) else config.size(flat, absent=absent)


def listed(config: Config, inner: Config) -> tuple[list[str], str]:
    """Layers that full_attn_layers lists, counted from 1, have full attention; else every fourth after the first."""
    count, key = layers(config), "full_attn_layers"
    if not (config.has(LINEAR_CONFIG) and inner.has(key)):
        return [FULL if i and i % 4 == 0 else LINEAR for i in range(count)], "num_hidden_layers"
    full, linear = inner.listed(key), inner.listed("kda_layers")
    if sorted([*full, *linear]) != list(range(1, count + 1)):
        raise inner.fail(f"keys {key!r} and 'kda_layers' must list each of the layers 1 to {count} once")
    return [FULL if i + 1 in full else LINEAR for i in range(count)], LINEAR_CONFIG


def feed_forwards(config: Config) -> Part | Pattern:
    """Experts beside shared ones after a few dense layers, where routed_expert_hidden_size is set in a latent."""
    act = activation(config)
    return routed(
        config, moe_layers(config, 1), lambda: moe(config, act), lambda: feed_forward(config, FeedForward(act))
    )


def moe(config: Config, act: str) -> Part:
    """Experts beside as many shared ones of their size as the config says."""
    shared = several(config, config.spelling("num_shared_experts", "n_shared_experts"), WIDTH, 1)
    kind, key = Experts(act, shared=shared is not None), "routed_expert_hidden_size"
    if not config.has(key):
        return experts(config, kind, shared=shared)
    norm = "rms" if config.flag("latent_moe_use_norm", absent=False) else ""
    part = experts(config, replace(kind, latent=True, latent_norm=norm), shared=shared)
    return replace(part, sizes=(*part.sizes, ("d_lat", config.size(key))))


def depth_attention(config: Config) -> Part:
    """A weighted sum before each sublayer and the head, of what every attn_res_block_size layers add up to.

    Its terms are the embedding, the blocks that are complete, and the one that is begun.
    """
    count, key = layers(config), "attn_res_block_size"
    step = config.number(key)
    before = [-(-i // step) for i in range(count + 1)]  # blocks ahead of a layer's attention, and of the head
    terms = sum(n + 1 for n in before if n) + sum(i // step + 2 for i in range(count))
    sizes = {"N_mix": Size(2 * count + 1, "2 L + 1"), "X_mix": Size(terms, key)}
    return Part.of(DepthAttention(), "depth_attention", Wiring("", residual=False), **sizes)


def bailing_hybrid(config: Config) -> Architecture:
    """Rotated keys and a gate for each head; head and embedding are two tables whatever tie_word_embeddings says."""
    config = config.filled({}, q_lora_rank=None, tie_word_embeddings=False)
    step = config.number("layer_group_size", absent=6)
    absent = [LINEAR if (i + 1) % step else FULL for i in range(layers(config))]
    kind = DeltaNet(activation(config), "channel", config.flag("kda_safe_gate", absent=True))
    heads = config.size("linear_num_heads" if config.has("linear_num_heads") else config.spelling(*HEADS))
    size = config.size("linear_head_dim" if config.has("linear_head_dim") else "head_dim")
    part = delta_part(kind, heads, size, config.size("linear_conv_kernel_dim", "short_conv_kernel_size", absent=4))
    full = latent(config, LatentAttention(gate="head"), FULL)
    return decoder(
        config,
        "bailing_hybrid",
        mixers(config, part, full, absent, "layer_group_size"),
        routed(
            config,
            moe_layers(config, 2),
            lambda: moe(config, activation(config)),
            lambda: feed_forward(config, FeedForward(activation(config))),
        ),
    )


FAMILIES = {"kimi_linear": kimi_linear, "bailing_hybrid": bailing_hybrid}
