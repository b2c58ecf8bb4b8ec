"""nemotron-nas: llama whose layers were each given an attention and a network of their own by a search.

Source: nvidia/Llama-3_3-Nemotron-Super-49B-v1, configuration_decilm.py, block_config.py and modeling_decilm.py.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.shared import Projection
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.parts import HEADS, HIDDEN, activation, attention, constant, decoder, layers

BLOCKS = "block_configs"
STEP = 256  # widths of networks are rounded up to multiples of this
PLAIN = {"attention": ("num_sink_tokens", "sparsify"), "ffn": ("sparsify",)}  # must be null or false


def nemotron_nas(config: Config) -> Architecture:
    """What block_configs says of each layer."""
    blocks = config.listed(BLOCKS)
    if len(blocks) != layers(config):
        raise config.fail(f"key {BLOCKS!r} has {len(blocks)} entries for {layers(config)} layers")
    mixers = [mixer(config, section(config, i, "attention")) for i in range(len(blocks))]
    networks = [network(config, section(config, i, "ffn")) for i in range(len(blocks))]
    return decoder(config, "nemotron-nas", Pattern(mixers, BLOCKS), Pattern(networks, BLOCKS))


def section(config: Config, layer: int, key: str) -> Config:
    """What block_configs says of one half of a layer."""
    block = config.listed(BLOCKS)[layer]
    found = block.get(key) if isinstance(block, dict) else None
    if not isinstance(found, dict):
        raise config.fail(f"key {BLOCKS!r}, layer {layer}: {key!r} is missing or no object")
    part = Config(found, config.name, f"{config.source}, {BLOCKS}[{layer}].{key}")
    for name in PLAIN[key]:
        if part.data.get(name):
            raise part.wrong(name, "null: nothing else is known here")
    return part


def mixer(config: Config, part: Config) -> Part | None:
    """Attention, a projection in its place, or nothing."""
    bias = config.flag("attention_bias", absent=False)
    if part.flag("no_op", absent=False):
        return None
    if part.flag("replace_with_linear", absent=False):
        return Part.of(Projection("attention", bias), "linear_attention")
    H_q, d = config.size(*HEADS), config.size(*HIDDEN)
    group = part.number("n_heads_in_group")
    if H_q % group or d % H_q:
        raise part.fail(f"{d.origin}={d}, {H_q.origin}={H_q} and n_heads_in_group={group} must divide one another")
    sizes = {
        "H_q": H_q,
        "H_kv": Size(H_q // group, f"{H_q.origin} / n_heads_in_group"),
        "h": Size(d // H_q, f"{d.origin} / {H_q.origin}"),
    }
    if part.has("window_length"):
        return attention(Attention("sliding", bias=bias, out_bias=bias), {**sizes, "w": part.size("window_length")})
    return attention(Attention(bias=bias, out_bias=bias), sizes)


def network(config: Config, part: Config) -> Part | None:
    """A gated network of two thirds of ffn_mult hidden sizes, a projection in its place, or nothing."""
    bias = config.flag("mlp_bias", absent=False)
    if part.flag("no_op", absent=False):
        return None
    if part.flag("replace_with_linear", absent=False):
        return Part.of(Projection("ffn", bias), "linear_mlp")
    width = int(2 * constant(part, "ffn_mult", 0) * config.size(*HIDDEN) / 3)
    if width < 1:
        raise part.fail("key 'ffn_mult' is missing or not positive: give the width as a multiple of the hidden size")
    f = Size(-(-width // STEP) * STEP, "ffn_mult")
    return Part.of(FeedForward(activation(config), bias=bias), "mlp", f=f)


FAMILIES = {"nemotron-nas": nemotron_nas}
