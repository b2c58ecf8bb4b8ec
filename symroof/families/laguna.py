"""laguna, step3p5: gated attention whose number of heads depends on the layer, experts beside a shared one; step3_text.

Sources: transformers 5.23.0, models/laguna, step3p7; vllm-project/vllm, vllm/model_executor/models/step3_text.py.
"""

from collections.abc import Sequence

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config, is_number
from symroof.families.reading.keys import PARTIAL_ROTARY, ROPE_KEYS, mlp_bias
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding_by_heads, numbers_by_layer
from symroof.families.reading.moe_layers import experts_with_one_shared, moe_or_dense, sparse_layers
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
    with_bias,
)

GATES = {True: "head", "per-head": "head", False: "separate", "per-element": "separate"}  # by the value of gating
OLD_KEYS = {"num_key_value_heads": "num_attention_groups", "num_experts_per_tok": "moe_top_k"}  # new -> old
ROTARY_KEYS = (*ROPE_KEYS, PARTIAL_ROTARY)
HALF_ROTATED = {FULL: {PARTIAL_ROTARY: 0.5}, SLIDING: {}}  # rope_parameters where nothing is said of the rotation
PER_LAYER_LISTS = ("layer_types", "mlp_layer_types", "swiglu_limits", "swiglu_limits_shared")


def laguna(config: Config) -> Architecture:
    """Heads by num_attention_heads_per_layer; experts chosen with a score correction."""
    config = config if any(map(config.has, ROTARY_KEYS)) else config.with_defaults({}, rope_parameters=HALF_ROTATED)
    count, sizes = layers(config), heads(config, absent=128)
    H_q = numbers_by_layer(config, "num_attention_heads_per_layer", [sizes["H_q"]] * count, 1)
    kind = with_bias(config, Attention(qk_norm="rms", gate=_laguna_gate(config), softplus=True))
    types = layer_types(config, [FULL] * count, "num_hidden_layers")
    slot = full_and_sliding_by_heads(config, kind, sizes, types, H_q, 512)
    return decoder(config, "laguna", slot, _laguna_network(config))


def _laguna_network(config: Config) -> Part | Pattern:
    """Experts beside a shared one in all layers but the first."""
    kind = Experts(activation(config), correction=True)
    return moe_or_dense(
        config,
        sparse_layers(config, range(1, layers(config)), "num_hidden_layers"),
        lambda: experts_with_one_shared(config, kind),
    )


def _laguna_gate(config: Config) -> str:
    """Whether the attention has one gate per head, or one per element."""
    value = config.data["gating"] if config.has("gating") else True
    if not isinstance(value, bool | str) or value not in GATES:
        raise config.wrong("gating", "true, false, per-head or per-element")
    return GATES[value]


def step3p5(config: Config) -> Architecture:
    """num_sliding_attention_heads heads in layers with a window; some layers have clamped gates."""
    kind, count = with_bias(config, Attention(qk_norm="rms", gate="head")), layers(config)
    config = _with_new_keys(config, count)
    sizes = heads(config, absent=128)
    sliding_heads = config.size("num_sliding_attention_heads", absent=sizes["H_q"])
    types = layer_types(config, [FULL] * count, "num_hidden_layers")
    H_q = [sliding_heads if name == SLIDING else sizes["H_q"] for name in types[0]]
    slot = full_and_sliding_by_heads(config, kind, sizes, types, H_q, None)
    return decoder(config, "step3p5", slot, _step3p5_networks(config, count))


def _step3p5_networks(config: Config, count: Size) -> Pattern:
    """Experts beside a shared one, or a dense network. Gates of routed experts are clamped in the layers of
    swiglu_limits, those of shared experts and dense networks in the layers of swiglu_limits_shared.
    """
    moe_layers, origin = sparse_layers(config, _enumerated_layers(config, count, 3), "moe_layers_enum")
    acts = zip(*(_activations(config, count, key) for key in ("swiglu_limits", "swiglu_limits_shared")), strict=True)
    kinds = [_step3p5_kind(config, i in moe_layers, *pair) for i, pair in enumerate(acts)]
    return choose(config, kinds, {kind: _step3p5_network(config, kind) for kind in kinds}, origin)


def _step3p5_kind(config: Config, routed: bool, act: str, shared_act: str) -> Experts | FeedForward:
    """The kind of network of one layer, by the activations of routed experts and of the other networks."""
    bias = mlp_bias(config)
    if not routed:
        return FeedForward(shared_act, bias=bias)
    shared_act = "" if shared_act == act else shared_act
    return Experts(act, shared=True, shared_bias=bias, shared_act=shared_act, correction=True)


def _activations(config: Config, count: Size, key: str) -> list[str]:
    """The activation of each layer: clamped where `key` lists a number other than 0."""
    act, limits = activation(config), config.array(key) or [0] * count
    if len(limits) != count or not all(x is None or is_number(x) for x in limits):
        raise config.fail(f"key {key!r} must list a number or null for each of the {count} layers")
    if any(limits) and act != "silu":
        raise config.wrong("hidden_act", f"silu, whose limits are those of {key}")
    return ["silu_limited" if x else act for x in limits]


def _step3p5_network(config: Config, kind: Experts | FeedForward) -> Part:
    """The experts or the dense network of one kind."""
    if isinstance(kind, FeedForward):
        return feed_forward(config, kind)
    return experts(config, kind, shared=config.size("share_expert_dim", "share_expert_dims"))


def step3_text(config: Config) -> Architecture:
    """Low-rank queries (share_q_dim); one KV head by default."""
    count = layers(config)
    sizes = {**heads(_with_new_keys(config, count), absent=256), "r_q": config.size("share_q_dim")}
    return decoder(config, "step3_text", attention(Attention(low_rank=True), sizes), _step3_network(config, count))


def _step3_network(config: Config, count: Size) -> Part | Pattern:
    """Experts beside a shared one in the layers of moe_layers_enum, by default all but the first."""
    kind, chosen = Experts(activation(config), shared=True), ("num_experts_per_tok", "moe_top_k")
    return moe_or_dense(
        config,
        (_enumerated_layers(config, count, 1), "moe_layers_enum"),
        lambda: experts(config, kind, shared=config.size("share_expert_dim"), chosen=chosen),
    )


def _with_new_keys(config: Config, count: Size) -> Config:
    """The config under the keys of transformers, without list entries for multi-token-prediction layers."""
    values = {new: config.data[old] for new, old in OLD_KEYS.items() if not config.has(new) and config.has(old)}
    key, setting = "num_sliding_attention_heads", "attention_other_setting"
    if not config.has(key) and config.has(setting) and config.nested(setting).has("num_attention_heads"):
        values[key] = config.nested(setting).number("num_attention_heads")
    extra = config.number("num_nextn_predict_layers", absent=0, least=0)
    lists = {key: config.array(key) for key in PER_LAYER_LISTS} if extra else {}
    values |= {key: x[:count] for key, x in lists.items() if len(x) == count + extra}
    return config.with_defaults({}, **values)


def _enumerated_layers(config: Config, count: Size, first: int) -> Sequence[int]:
    """The layers of moe_layers_enum, else those from number `first` on."""
    if not config.has("moe_layers_enum"):
        return range(min(first, count), count)
    value = config.data["moe_layers_enum"]
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list) or not all(str(x).strip().isdecimal() and len(str(x)) < 9 for x in items):
        raise config.wrong("moe_layers_enum", "numbers of layers, separated by commas")
    return [i for i in map(int, items) if i < count]


FAMILIES = {"laguna": laguna, "step3p5": step3p5, "step3_text": step3_text}
