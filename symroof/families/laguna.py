"""laguna, step3p5: gated attention whose number of heads depends on the layer, experts beside a shared one; step3_text.

Sources: transformers 5.23.0, models/laguna, step3p7; vllm-project/vllm, vllm/model_executor/models/step3_text.py.
"""

from collections.abc import Sequence

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, by_heads, numbers, routed, sparse
from symroof.families.reading.parts import (
    activation,
    attention,
    choose,
    decoder,
    experts,
    feed_forward,
    heads,
    layer_types,
    layers,
)


def laguna(config: Config) -> Architecture:
    """Heads by num_attention_heads_per_layer; experts chosen with a learned correction."""
    count, bias, act = layers(config), config.flag("attention_bias", absent=False), activation(config)
    sizes = heads(config, absent=128)
    H_q = numbers(config, "num_attention_heads_per_layer", [sizes["H_q"]] * count, 1)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms", gate=gate(config), softplus=True)
    types = layer_types(config, [FULL] * count, "num_hidden_layers")
    ffn = routed(
        config,
        sparse(config, range(1, count), "num_hidden_layers"),
        lambda: experts(
            config, Experts(act, correction=True, shared=True), shared=config.size("shared_expert_intermediate_size")
        ),
        lambda: feed_forward(config, FeedForward(act)),
    )
    return decoder(config, "laguna", by_heads(config, kind, sizes, types, H_q, 512), ffn)


def gate(config: Config) -> str:
    """Whether gating is by one number a head, or by every element."""
    key = "gating"
    known = {True: "head", "per-head": "head", False: "apart", "per-element": "apart"}
    value = config.data[key] if config.has(key) else True
    if not isinstance(value, bool | str) or value not in known:
        raise config.wrong(key, "true, false, per-head or per-element")
    return known[value]


def step3p5(config: Config) -> Architecture:
    """Heads of layers with a window by num_sliding_attention_heads; gates that some layers limit."""
    count, bias = layers(config), config.flag("attention_bias", absent=False)
    config = renamed(config, count)
    sizes = heads(config, absent=128)
    narrow = config.size("num_sliding_attention_heads", absent=sizes["H_q"])
    names, origin = layer_types(config, [FULL] * count, "num_hidden_layers")
    H_q = [narrow if name == SLIDING else sizes["H_q"] for name in names]
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms", gate="head")
    return decoder(config, "step3p5", by_heads(config, kind, sizes, (names, origin), H_q, None), limited(config, count))


def limited(config: Config, count: Size) -> Pattern:
    """Experts beside a shared one, or a dense network; their gates are limited in the layers that swiglu_limits says,
    those of shared experts and dense networks where swiglu_limits_shared does.
    """
    chosen, origin = sparse(config, listed_layers(config, count, 3), "moe_layers_enum")
    bias = config.flag("mlp_bias", absent=False)
    acts = zip(*(activations(config, count, key) for key in ("swiglu_limits", "swiglu_limits_shared")), strict=True)
    kinds = [
        Experts(act, shared=True, shared_bias=bias, shared_act="" if other == act else other)
        if i in chosen
        else FeedForward(other, bias=bias)
        for i, (act, other) in enumerate(acts)
    ]
    return choose(config, kinds, {kind: network(config, kind) for kind in kinds}, origin)


def activations(config: Config, count: Size, key: str) -> list[str]:
    """The activation of each layer: limited where `key` lists a number other than 0 for it."""
    act, limits = activation(config), config.listed(key) or [0] * count
    if len(limits) != count or any(isinstance(x, bool) or not isinstance(x, int | float | None) for x in limits):
        raise config.fail(f"key {key!r} must list a number or null for each of the {count} layers")
    if any(limits) and act != "silu":
        raise config.wrong("hidden_act", f"silu, whose limits are those of {key}")
    return ["silu_limited" if x else act for x in limits]


def network(config: Config, kind: Experts | FeedForward) -> Part:
    """The experts or the dense network of step3p5."""
    if isinstance(kind, FeedForward):
        return feed_forward(config, kind)
    return experts(config, kind, shared=config.size("share_expert_dim", "share_expert_dims"))


def step3_text(config: Config) -> Architecture:
    """Queries through a rank of share_q_dim that all heads share; one KV head by default."""
    act, count = activation(config), layers(config)
    sizes = {**heads(renamed(config, count), absent=256), "r_q": config.size("share_q_dim")}
    ffn = routed(
        config,
        (listed_layers(config, count, 1), "moe_layers_enum"),
        lambda: experts(
            config,
            Experts(act, shared=True),
            shared=config.size("share_expert_dim"),
            chosen=("num_experts_per_tok", "moe_top_k"),
        ),
        lambda: feed_forward(config, FeedForward(act)),
    )
    return decoder(config, "step3_text", attention(Attention(low_rank=True), sizes), ffn)


def renamed(config: Config, count: Size) -> Config:
    """The config without its predictors' layers, and with the keys of transformers for those of the hub."""
    older = {"num_key_value_heads": "num_attention_groups", "num_experts_per_tok": "moe_top_k"}
    found = {new: config.data[old] for new, old in older.items() if not config.has(new) and config.has(old)}
    key, setting = "num_sliding_attention_heads", "attention_other_setting"
    other = config.data[setting] if config.has(setting) else None
    if isinstance(other, dict) and not config.has(key) and "num_attention_heads" in other:
        found[key] = other["num_attention_heads"]
    extra = config.number("num_nextn_predict_layers", absent=0, least=0)
    for key in ("layer_types", "mlp_layer_types", "swiglu_limits", "swiglu_limits_shared"):
        if extra and len(config.listed(key)) == count + extra:
            found[key] = config.listed(key)[:count]
    return config.filled({}, **found)


def listed_layers(config: Config, count: Size, first: int) -> Sequence[int]:
    """The layers that moe_layers_enum names, else those from number `first` on."""
    if not config.has("moe_layers_enum"):
        return range(min(first, count), count)
    value = config.data["moe_layers_enum"]
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(str(x).strip().isdigit() for x in items):
        raise config.wrong("moe_layers_enum", "numbers of layers, separated by commas")
    return [i for i in map(int, items) if i < count]


FAMILIES = {"laguna": laguna, "step3p5": step3p5, "step3_text": step3_text}
