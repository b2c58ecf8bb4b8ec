"""qwen3_next, qwen3_5_text and qwen3_5_moe_text: gated delta nets between layers of gated attention; and olmo_hybrid.

Source: transformers 5.23.0, models/qwen3_next, qwen3_5, qwen3_5_moe, olmo_hybrid.
"""

from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.linear_attention import DeltaNet
from symroof.architecture.structure import Architecture, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import HEADS, HIDDEN, ROPE_KEYS, has_number
from symroof.families.reading.layer_patterns import FULL, LINEAR
from symroof.families.reading.moe_layers import every_sparse_step, experts_with_one_shared, moe_or_dense
from symroof.families.reading.parts import (
    POST,
    Reader,
    activation,
    attention,
    choose,
    decoder,
    gated_mlp,
    heads,
    layer_types,
    layers,
    sizes_by_key,
    with_bias,
)
from symroof.families.reading.rotary import with_rotary

FULL_INTERVAL = 4  # full_attention_interval where absent


def linear_but_every(config: Config, interval: int) -> list[str]:
    """Linear attention in all layers but every `interval`-th, which has full attention."""
    return [LINEAR if (i + 1) % interval else FULL for i in range(layers(config))]


def delta_sizes(config: Config) -> dict[str, Size]:
    """Heads and head sizes of a delta net; each key head serves the same number of value heads."""
    sizes = sizes_by_key(
        config,
        H_k="linear_num_key_heads",
        H_v="linear_num_value_heads",
        d_k="linear_key_head_dim",
        d_v="linear_value_head_dim",
    )
    return _with_kernel_size(config, sizes)


def _with_kernel_size(config: Config, sizes: dict[str, Size]) -> dict[str, Size]:
    """The sizes with k_c. Raises ConfigError unless value heads are a multiple of key heads."""
    H_k, H_v = sizes["H_k"], sizes["H_v"]
    if H_v % H_k:
        raise config.fail(f"value heads ({H_v.origin}={H_v}) are not a multiple of key heads ({H_k.origin}={H_k})")
    return {**sizes, "k_c": config.size("linear_conv_kernel_dim", absent=4)}


def _qwen3_next_mixers(config: Config) -> Pattern:
    """Gated delta nets, and gated attention in every fourth layer."""
    key, parts = "full_attention_interval", {}
    absent = linear_but_every(config, config.number(key, absent=FULL_INTERVAL))
    names, origin = layer_types(config, absent, key)
    if LINEAR in names:
        parts[LINEAR] = Part.of(DeltaNet(activation(config)), LINEAR, None, None, **delta_sizes(config))
    if FULL in names:
        parts[FULL] = _gated_attention(config)
    return choose(config, names, parts, origin)


def _gated_attention(config: Config) -> Part:
    """Attention with a gate in the query projection; a quarter of each head rotated."""
    gate = "full" if config.flag("attn_output_gate", absent=True) else ""
    kind = with_bias(config, Attention(qk_norm="rms", gate=gate))
    sizes = heads(config, config.size("head_dim", absent=256))
    return attention(*with_rotary(config, kind, sizes, absent=0.25), FULL)


def qwen3_next(config: Config, family: str) -> Architecture:
    """Experts beside a gated shared one."""
    kind = Experts(activation(config), shared_gate=True)
    mixers = _qwen3_next_mixers(config)
    ffn = moe_or_dense(config, every_sparse_step(config), lambda: experts_with_one_shared(config, kind))
    return decoder(config, family, mixers, ffn)


def qwen3_5(config: Config) -> Architecture:
    """Dense gated networks."""
    return decoder(config, "qwen3_5_text", _qwen3_next_mixers(config), gated_mlp(config))


def olmo_hybrid(config: Config) -> Architecture:
    """Delta nets with norms before them; attention with norms after it in every fourth layer or the last."""
    names, origin = layer_types(config, _with_full_attention(linear_but_every(config, 4)), "model_type")
    parts = {LINEAR: _olmo_delta_net(config), FULL: _olmo_attention(config)}
    networks = {LINEAR: gated_mlp(config, wiring=Wiring()), FULL: gated_mlp(config, wiring=POST)}
    slots = (choose(config, names, x, origin) for x in (parts, networks))
    return decoder(config, "olmo_hybrid", *slots)


def _olmo_attention(config: Config) -> Part:
    """Attention with norms of queries and keys; rotary embedding only if the config has a rope_theta."""
    rotary = "full" if _has_rope_theta(config) else ""
    kind = with_bias(config, Attention(rotary=rotary, qk_norm="rms", qk_over="width"))
    return attention(kind, heads(config, single=True), FULL, POST)


def _has_rope_theta(config: Config) -> bool:
    """Whether the config or its rope_parameters have a rope_theta, as by default."""
    if not config.says("rope_theta") and not any(map(config.has, ROPE_KEYS)):
        return True
    return any(has_number(x, "rope_theta") for x in (config, *(config.nested(k) for k in ROPE_KEYS if config.has(k))))


def _olmo_delta_net(config: Config) -> Part:
    """A delta net; its heads follow from those of the attention where they are absent."""
    H, d = config.size(*HEADS), config.size(*HIDDEN)
    H_k = _size_or(config, "linear_num_key_heads", H)
    H_v = _size_or(config, "linear_num_value_heads", H)
    d_k = _size_or(config, "linear_key_head_dim", Size(3 * d // (4 * H_k), f"3/4 {d.origin} / {H_k.origin}"))
    d_v = _size_or(config, "linear_value_head_dim", Size(2 * d_k, f"2 {d_k.origin}"))
    kind = DeltaNet(activation(config), doubled=config.flag("linear_allow_neg_eigval", absent=True))
    sizes = _with_kernel_size(config, {"H_k": H_k, "H_v": H_v, "d_k": d_k, "d_v": d_v})
    return Part.of(kind, LINEAR, None, None, **sizes)


def _size_or(config: Config, key: str, absent: Size) -> Size:
    """The size under the key, else `absent`."""
    return config.size(key) if config.has(key) else absent


def _with_full_attention(names: list[str]) -> list[str]:
    """The layer types; full attention in the last layer if no layer has it."""
    return names if FULL in names else [*names[:-1], FULL]


FAMILIES: dict[str, Reader] = {
    "qwen3_next": partial(qwen3_next, family="qwen3_next"),
    "qwen3_5_text": qwen3_5,
    "qwen3_5_moe_text": partial(qwen3_next, family="qwen3_5_moe_text"),
    "olmo_hybrid": olmo_hybrid,
}
