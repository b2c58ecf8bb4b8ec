"""llama4: the text part of Llama 4.

Layers alternate in two ways at once: attention is chunked with rotary embedding or full without, and the
feed-forward network is dense or routed with a shared expert. Source: transformers 5.23.0, models/llama4.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.parts import activation, attention, choose, decoder, experts, feed_forward, heads, layers

CHUNK = 8192  # attention_chunk_size where absent
NOPE_INTERVAL = 4  # no_rope_layer_interval where absent


def read(config: Config) -> Architecture:
    """Attention kinds, then feed-forward kinds, each with its number of layers."""
    return decoder(config, "llama4", attentions(config), feed_forwards(config))


def attentions(config: Config) -> Pattern:
    """Chunked attention on the layers with rotary embedding, full attention on the others."""
    kinds, origin = layer_types(config, layers(config))
    bias = config.flag("attention_bias", absent=False)
    norm = "rms_plain" if config.flag("use_qk_norm", absent=True) else ""
    tuned = config.flag("attn_temperature_tuning", absent=True)
    sizes = heads(config)
    parts = {}
    if "chunked_attention" in kinds:
        absent = None if config.says("attention_chunk_size") else CHUNK
        w = config.size("attention_chunk_size", absent=absent)
        chunked = Attention("chunked", bias=bias, out_bias=bias, qk_norm=norm, norm_last=True)
        parts["chunked_attention"] = attention(chunked, {**sizes, "w": w})
    if "full_attention" in kinds:
        full = Attention(rotary="", temperature=tuned, bias=bias, out_bias=bias)
        parts["full_attention"] = attention(full, sizes, "full_attention")
    return choose(config, kinds, parts, origin)


def layer_types(config: Config, count: int) -> tuple[list[str], str]:
    """The attention of each layer and the key that says so: no_rope_layers, layer_types or the interval."""
    interval_key = config.spelling("no_rope_layer_interval", "nope_layer_interval")
    interval = config.number(interval_key, absent=NOPE_INTERVAL)
    rope = config.listed("no_rope_layers")  # 1 on layers WITH rotary embedding; empty means by interval
    origin = "no_rope_layers" if rope else interval_key
    rope = rope or [int((i + 1) % interval != 0) for i in range(count)]
    if len(rope) != count or any(x not in (0, 1) for x in rope):
        raise config.fail(f"key 'no_rope_layers' must hold a 0 or 1 for each of the {count} layers")
    kinds = ["chunked_attention" if x else "full_attention" for x in rope]
    if config.has("layer_types") and config.listed("layer_types") != kinds:
        raise config.fail(
            f"keys 'layer_types' and {origin!r} contradict each other: chunked_attention belongs to "
            "layers with rotary embedding, full_attention to those without"
        )
    return kinds, origin


def feed_forwards(config: Config) -> Pattern:
    """Dense layers and routed ones; a routed layer adds one shared expert of the experts' size."""
    count = layers(config)
    routed, origin = moe_layers(config, count)
    act = activation(config)
    dense = feed_forward(config, FeedForward(act), "intermediate_size_mlp") if len(routed) < count else None
    moe = every(experts(config, Experts(act, shared=True), "intermediate_size")) if routed else None
    return Pattern([moe if i in routed else dense for i in range(count)], origin)


def every(moe: Part) -> Part:
    """The part with a shared expert; transformers runs all of its experts on every token."""
    sizes = {**dict(moe.sizes), "k_hf": Size(moe.size("N_e"), "N_e"), "f_s": Size(moe.size("f_e"), "f_e")}
    return replace(moe, sizes=tuple(sizes.items()))


def moe_layers(config: Config, count: int) -> tuple[set[int], str]:
    """Which layers are routed: those listed in moe_layers, else every interleave_moe_layer_step-th."""
    if config.has("moe_layers"):
        listed = config.listed("moe_layers")
        good = all(isinstance(i, int) and not isinstance(i, bool) and 0 <= i < count for i in listed)
        if not good or len(set(listed)) != len(listed):
            raise config.fail(f"key 'moe_layers' must list different layers from 0 to {count - 1}")
        return set(listed), "moe_layers"
    key = "interleave_moe_layer_step"
    step = config.number(key, absent=1)
    return {i for i in range(count) if (i + 1) % step == 0}, key


FAMILIES = {"llama4_text": read}
