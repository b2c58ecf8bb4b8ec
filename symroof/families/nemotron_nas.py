"""nemotron-nas: llama with a different attention and network in each layer, chosen by a search.

Source: nvidia/Llama-3_3-Nemotron-Super-49B-v1, configuration_decilm.py, block_config.py and modeling_decilm.py.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.shared import Projection
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.keys import HEADS, HIDDEN, mlp_bias, positive_number, size_quotient
from symroof.families.reading.parts import activation, attention, decoder, layers, with_bias

BLOCKS = "block_configs"
STEP = 256  # widths of networks are rounded up to multiples of this
UNSUPPORTED = {"attention": ("num_sink_tokens", "sparsify"), "ffn": ("sparsify",)}  # must be null or false


def nemotron_nas(config: Config) -> Architecture:
    """Attention and networks as block_configs describes them for each layer."""
    count = len(config.array(BLOCKS))
    if count != layers(config):
        raise config.fail(f"key {BLOCKS!r} has {count} entries for {layers(config)} layers")
    mixers = [_nas_attention(config, _block_section(config, i, "attention")) for i in range(count)]
    networks = [_nas_network(config, _block_section(config, i, "ffn")) for i in range(count)]
    return decoder(config, "nemotron-nas", Pattern(mixers, BLOCKS), Pattern(networks, BLOCKS))


def _block_section(config: Config, layer: int, key: str) -> Config:
    """The section of block_configs on the attention or the network of a layer."""
    block = config.array(BLOCKS)[layer]
    section = block.get(key) if isinstance(block, dict) else None
    if not isinstance(section, dict):
        raise config.fail(f"key {BLOCKS!r}, layer {layer}: {key!r} is missing or not an object")
    part = Config(section, config.name, f"{config.source}, {BLOCKS}[{layer}].{key}")
    for name in UNSUPPORTED[key]:
        if part.data.get(name):
            raise part.wrong(name, "null: nothing else is known here")
    return part


def _nas_attention(config: Config, section: Config) -> Part | None:
    """Attention, a linear projection instead, or nothing."""
    kind = with_bias(config, Attention())
    if section.flag("no_op", absent=False):
        return None
    if section.flag("replace_with_linear", absent=False):
        return Part.of(Projection("attention", kind.bias), "linear_attention")
    sizes = _nas_heads(config, section)
    if section.has("window_length"):
        return attention(replace(kind, mask="sliding"), {**sizes, "w": section.size("window_length")})
    return attention(kind, sizes)


def _nas_heads(config: Config, section: Config) -> dict[str, Size]:
    """Heads, with n_heads_in_group query heads per KV head."""
    H_q, d = config.size(*HEADS), config.size(*HIDDEN)
    group = section.number("n_heads_in_group")
    if H_q % group or d % H_q:
        raise section.fail(f"{d.origin}={d}, {H_q.origin}={H_q} and n_heads_in_group={group} must divide one another")
    H_kv = Size(H_q // group, f"{H_q.origin} / n_heads_in_group")
    return {"H_q": H_q, "H_kv": H_kv, "h": size_quotient(config, d, H_q)}


def _nas_network(config: Config, section: Config) -> Part | None:
    """A gated network of width 2/3 ffn_mult hidden size, a linear projection instead, or nothing."""
    bias = mlp_bias(config)
    if section.flag("no_op", absent=False):
        return None
    if section.flag("replace_with_linear", absent=False):
        return Part.of(Projection("ffn", bias), "linear_mlp")
    if not section.has("ffn_mult"):
        raise section.fail("key 'ffn_mult' is missing: give the width as a multiple of the hidden size")
    width = int(2 * positive_number(section, "ffn_mult", 0, 1000) * config.size(*HIDDEN) / 3)
    f = Size(-(-width // STEP) * STEP, "ffn_mult")
    return Part.of(FeedForward(activation(config), bias=bias), "mlp", f=f)


FAMILIES = {"nemotron-nas": nemotron_nas}
