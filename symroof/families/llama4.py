"""llama4: the text part of Llama 4.

Attention is chunked with rotary embedding in most layers and full without it in every fourth; independently of this,
the feed-forward network is dense or routed with a shared expert. Source: transformers 5.23.0, models/llama4.
"""

from collections.abc import Sequence

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, window
from symroof.families.reading.parts import (
    activation,
    attention,
    choose,
    decoder,
    experts,
    feed_forward,
    heads,
    layers,
    with_bias,
    with_sizes,
)

CHUNKED = "chunked_attention"
CHUNK_SIZE = "attention_chunk_size"
MOE_STEP = "interleave_moe_layer_step"


def llama4(config: Config) -> Architecture:
    """Chunked or full attention, then a dense or routed network."""
    return decoder(config, "llama4", _llama4_attention(config), _llama4_network(config))


def _llama4_attention(config: Config) -> Pattern:
    """Chunked attention in layers with rotary embedding, full attention in the others."""
    names, origin = _llama4_layer_types(config, layers(config))
    sizes, parts = heads(config, absent=128), {}
    if CHUNKED in names:
        norm = "rms_plain" if config.flag("use_qk_norm", absent=True) else ""
        chunked = with_bias(config, Attention("chunked", qk_norm=norm, norm_last=True))
        parts[CHUNKED] = attention(chunked, {**sizes, "w": window(config, 8192, CHUNK_SIZE)})
    if FULL in names:
        temperature = config.flag("attn_temperature_tuning", absent=True)
        parts[FULL] = attention(with_bias(config, Attention(rotary="", temperature=temperature)), sizes, FULL)
    return choose(config, names, parts, origin)


def _llama4_layer_types(config: Config, count: int) -> tuple[list[str], str]:
    """The attention of each layer by no_rope_layers or no_rope_layer_interval. layer_types must agree."""
    rotary, origin = _rotary_flags(config, count)
    names = [CHUNKED if x else FULL for x in rotary]
    if config.has("layer_types") and config.array("layer_types") != names:
        raise config.fail(
            f"keys 'layer_types' and {origin!r} contradict each other: chunked_attention belongs to "
            "layers with rotary embedding, full_attention to those without"
        )
    return names, origin


def _rotary_flags(config: Config, count: int) -> tuple[Sequence[bool], str]:
    """True for each layer WITH rotary embedding, as in no_rope_layers, which if empty follows from the interval."""
    key = config.spelling("no_rope_layer_interval", "nope_layer_interval")
    interval, listed = config.number(key, absent=4), config.flags("no_rope_layers")
    rotary = listed or [(i + 1) % interval != 0 for i in range(count)]
    if len(rotary) != count:
        raise config.fail(f"key 'no_rope_layers' must hold a 0 or 1 for each of the {count} layers")
    return rotary, "no_rope_layers" if listed else key


def _llama4_network(config: Config) -> Pattern:
    """Dense networks, and experts with one shared expert of the same width."""
    count, act = layers(config), activation(config)
    moe_layers, origin = _llama4_moe_layers(config, count)
    dense = feed_forward(config, FeedForward(act), "intermediate_size_mlp") if len(moe_layers) < count else None
    moe = _llama4_experts(config, act) if moe_layers else None
    return Pattern([moe if i in moe_layers else dense for i in range(count)], origin)


def _llama4_experts(config: Config, act: str) -> Part:
    """Experts with a shared one; transformers runs all experts on every token (k_hf)."""
    moe = experts(config, Experts(act, shared=True), "intermediate_size")
    return with_sizes(moe, k_hf=Size(moe.size("N_e"), "N_e"), f_s=Size(moe.size("f_e"), "f_e"))


def _llama4_moe_layers(config: Config, count: int) -> tuple[set[int], str]:
    """The layers in moe_layers, else every interleave_moe_layer_step-th."""
    if not config.has("moe_layers"):
        step = config.number(MOE_STEP, absent=1)
        return {i for i in range(count) if (i + 1) % step == 0}, MOE_STEP
    listed = config.whole_numbers("moe_layers", most=count - 1)
    if len(set(listed)) != len(listed):
        raise config.fail(f"key 'moe_layers' must list different layers from 0 to {count - 1}")
    return set(listed), "moe_layers"


FAMILIES = {"llama4_text": llama4}
