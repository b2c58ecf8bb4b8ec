"""qwen3_next, qwen3_5_text and qwen3_5_moe_text: gated delta nets between layers of gated attention; and olmo_hybrid.

Source: transformers 5.23.0, models/qwen3_next, qwen3_5, qwen3_5_moe, olmo_hybrid.
"""

from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.linear import DeltaNet
from symroof.architecture.structure import Architecture, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import routed, stepped
from symroof.families.reading.parts import (
    HEADS,
    HIDDEN,
    POST,
    ROPE_KEYS,
    Reader,
    activation,
    attention,
    choose,
    decoder,
    experts,
    feed_forward,
    heads,
    layer_types,
    layers,
    rotated,
)

FULL_INTERVAL = 4  # full_attention_interval where absent


def every(config: Config, interval: int) -> list[str]:
    """Full attention in every `interval`-th layer, linear attention in the others."""
    return ["linear_attention" if (i + 1) % interval else "full_attention" for i in range(layers(config))]


def delta_sizes(config: Config) -> dict[str, Size]:
    """Heads and head sizes of linear attention; each key head serves the same number of value heads."""
    sizes = {
        "H_k": config.size("linear_num_key_heads"),
        "H_v": config.size("linear_num_value_heads"),
        "d_k": config.size("linear_key_head_dim"),
        "d_v": config.size("linear_value_head_dim"),
    }
    return grouped(config, sizes)


def grouped(config: Config, sizes: dict[str, Size]) -> dict[str, Size]:
    """The sizes, with that of the convolution, once the heads are found to fit."""
    H_k, H_v = sizes["H_k"], sizes["H_v"]
    if H_v % H_k:
        raise config.fail(f"value heads ({H_v.origin}={H_v}) are no multiple of key heads ({H_k.origin}={H_k})")
    return {**sizes, "k_c": config.size("linear_conv_kernel_dim", absent=4)}


def delta_part(kind: DeltaNet, sizes: dict[str, Size]) -> Part:
    """Linear attention of these sizes."""
    return Part(kind, "linear_attention", tuple(sizes.items()))


def mixers(config: Config) -> Pattern:
    """Gated delta nets and gated attention with partial rotary embedding."""
    interval = config.number("full_attention_interval", absent=FULL_INTERVAL)
    kinds, origin = layer_types(config, every(config, interval), "full_attention_interval")
    parts = {}
    if "linear_attention" in kinds:
        parts["linear_attention"] = delta_part(DeltaNet(activation(config)), delta_sizes(config))
    if "full_attention" in kinds:
        parts["full_attention"] = gated_attention(config)
    return choose(config, kinds, parts, origin)


def gated_attention(config: Config) -> Part:
    """Attention whose output is gated by a second half of the query projection."""
    sizes, bias = heads(config, config.size("head_dim", absent=256)), config.flag("attention_bias", absent=False)
    gate = "full" if config.flag("attn_output_gate", absent=True) else ""
    rotary, part = rotated(config, sizes["h"], absent=0.25)
    kind = Attention(rotary=rotary, bias=bias, out_bias=bias, qk_norm="rms", gate=gate)
    return attention(kind, {**sizes, **part}, "full_attention")


def feed_forwards(config: Config) -> Part | Pattern:
    """Experts beside a gated shared one, in the layers that are no dense ones."""
    act = activation(config)
    kind = Experts(act, shared=True, shared_gate=True)
    return routed(
        config,
        stepped(config),
        lambda: experts(config, kind, shared=config.size("shared_expert_intermediate_size")),
        lambda: feed_forward(config, FeedForward(act)),
    )


def sparse(config: Config, family: str) -> Architecture:
    """Mixers and experts."""
    return decoder(config, family, mixers(config), feed_forwards(config))


def dense(config: Config, family: str) -> Architecture:
    """Mixers and gated feed-forward networks."""
    return decoder(config, family, mixers(config), feed_forward(config, FeedForward(activation(config))))


def olmo_hybrid(config: Config) -> Architecture:
    """Delta nets with a norm before, attention with norms after it, of queries and of keys; no rotary embedding unless
    rope_parameters says so.
    """
    kinds, origin = layer_types(config, last_full(every(config, 4)), "model_type")
    bias, rope = config.flag("attention_bias", absent=False), "full" if has_rope(config) else ""
    kind = Attention(rotary=rope, bias=bias, out_bias=bias, qk_norm="rms", qk_over="width")
    delta = DeltaNet(activation(config), doubled=config.flag("linear_allow_neg_eigval", absent=True))
    parts = {
        "linear_attention": delta_part(delta, olmo_sizes(config)),
        "full_attention": attention(kind, heads(config, single=True), "full_attention", POST),
    }
    wirings = {"linear_attention": Wiring(), "full_attention": POST}
    mlp = FeedForward(activation(config))
    networks = {name: feed_forward(config, mlp, wiring=wiring) for name, wiring in wirings.items()}
    return decoder(config, "olmo_hybrid", choose(config, kinds, parts, origin), choose(config, kinds, networks, origin))


def has_rope(config: Config) -> bool:
    """Whether a rope_theta is there: olmo_hybrid has a rotary embedding then."""
    return any(x.has("rope_theta") for x in (config, *(config.nested(k) for k in ROPE_KEYS if config.has(k))))


def olmo_sizes(config: Config) -> dict[str, Size]:
    """Sizes of linear attention, which follow from those of attention where they are absent."""
    H, d = config.size(*HEADS), config.size(*HIDDEN)
    H_k = size_or(config, "linear_num_key_heads", H)
    d_k = size_or(config, "linear_key_head_dim", Size(3 * d // (4 * H_k), f"3/4 {d.origin} / {H_k.origin}"))
    sizes = {
        "H_k": H_k,
        "H_v": size_or(config, "linear_num_value_heads", H),
        "d_k": d_k,
        "d_v": size_or(config, "linear_value_head_dim", Size(2 * d_k, f"2 {d_k.origin}")),
    }
    return grouped(config, sizes)


def size_or(config: Config, key: str, absent: Size) -> Size:
    """The size under a key, else `absent`."""
    return config.size(key) if config.has(key) else absent


def last_full(kinds: list[str]) -> list[str]:
    """The kinds with full attention in the last layer where no layer has it."""
    return kinds if "full_attention" in kinds else [*kinds[:-1], "full_attention"]


FAMILIES: dict[str, Reader] = {
    "qwen3_next": partial(sparse, family="qwen3_next"),
    "qwen3_5_text": partial(dense, family="qwen3_5_text"),
    "qwen3_5_moe_text": partial(sparse, family="qwen3_5_moe_text"),
    "olmo_hybrid": olmo_hybrid,
}
