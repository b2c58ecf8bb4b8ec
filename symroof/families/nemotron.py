"""nemotron_h: layers of one sublayer each: a state space, attention, a dense network or experts.

Source: transformers 5.23.0, models/nemotron_h.
"""

from dataclasses import replace

from symroof.architecture.assembly import assemble
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.recurrent import Mamba2
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size
from symroof.config.config import Config
from symroof.errors import shorten
from symroof.families.hybrid import OLD_LAYER_TYPES
from symroof.families.mamba import CONV_BIAS, mamba2_block, mamba2_heads
from symroof.families.reading.keys import HIDDEN, LAYERS, mlp_bias
from symroof.families.reading.layer_patterns import FULL, LINEAR
from symroof.families.reading.parts import activation, attention, experts, feed_forward, heads, with_sizes

LETTERS = {"M": LINEAR, "*": FULL, "-": "mlp", "E": "moe"}
PATTERN = "hybrid_override_pattern"


def nemotron_h(config: Config) -> Architecture:
    """Sublayers as the pattern says; head and embedding never share a table."""
    names, origin = _sublayer_types(config)
    readers = {LINEAR: _nemotron_mamba, FULL: _nemotron_attention, "mlp": _nemotron_mlp, "moe": _nemotron_experts}
    parts = {name: readers[name](config) for name in dict.fromkeys(names)}
    slots = (Pattern([parts[x] for x in names], origin),)
    d, V = config.size(*HIDDEN), config.size("vocab_size")
    return assemble("nemotron_h", Size(len(names), origin), slots, Frame(), d=d, V=V)


def _sublayer_types(config: Config) -> tuple[list[str], str]:
    """The sublayer of each layer, and the key that says so: a list of names, or a letter for each."""
    names, key = _listed_sublayers(config)
    for name in names:
        if name not in LETTERS.values():
            known = ", ".join(LETTERS if key == PATTERN else LETTERS.values())
            raise config.fail(f"key {key!r} holds {shorten(name, 40)!r}: known here are {known}")
    count = config.number(*LAYERS, absent=len(names))
    if not names or count != len(names):
        raise config.fail(f"key {key!r} has {len(names)} entries for {count} layers")
    return names, key


def _listed_sublayers(config: Config) -> tuple[list[str], str]:
    """What layers_block_type, layer_types or the pattern of letters lists."""
    key = config.spelling("layers_block_type", "layer_types")
    if config.has(key):
        return [OLD_LAYER_TYPES.get(x, x) for x in config.words(key)], key
    if config.has(PATTERN):
        return [LETTERS.get(x, x) for x in config.text(PATTERN)], PATTERN
    raise config.fail(f"key {key!r} is missing: add it, or {PATTERN!r}")


def _nemotron_mamba(config: Config) -> Part:
    """Mamba-2; its projections have biases by use_bias, not by mamba_proj_bias."""
    bias, conv_bias = config.flag("use_bias", absent=False), config.flag(*CONV_BIAS, absent=True)
    kind = Mamba2(bias, bias, conv_bias, activation(config, "mamba_hidden_act"))
    return mamba2_block(config, kind, mamba2_heads(config, "mamba_num_heads", "mamba_head_dim"), 128)


def _nemotron_attention(config: Config) -> Part:
    """Full attention without rotary embedding or biases."""
    h = config.size("head_dim", "attention_head_dim", absent=128)
    return attention(Attention(rotary=""), heads(config, h, single=True, kv=8))


def _nemotron_mlp(config: Config) -> Part:
    """An ungated dense network."""
    act = activation(config, "mlp_hidden_act", absent="relu2")
    return feed_forward(config, FeedForward(act, gated=False, bias=mlp_bias(config)))


def _nemotron_experts(config: Config) -> Part:
    """Ungated experts, on a latent if moe_latent_size is set, beside a shared expert."""
    act, bias = activation(config, "mlp_hidden_act", absent="relu2"), mlp_bias(config)
    kind = Experts(act, gated=False, shared=True, shared_bias=bias, correction=True)
    shared = config.size("moe_shared_expert_intermediate_size")
    if not config.has("moe_latent_size"):
        return experts(config, kind, shared=shared)
    part = experts(config, replace(kind, latent=True, latent_bias=bias), shared=shared)
    return with_sizes(part, d_lat=config.size("moe_latent_size"))


FAMILIES = {"nemotron_h": nemotron_h}
