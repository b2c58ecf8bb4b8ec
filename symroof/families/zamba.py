"""zamba and zamba2: state spaces in every layer, and a transformer block that some of the layers share.

The block reads the stream and the embeddings side by side; what it gives is projected, and read by the layer's
state space beside the stream. transformers shares its weights only where head and embedding share theirs. Source:
transformers 5.23.0, models/zamba, zamba2.
"""

from collections import Counter

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.recurrent import Mamba2
from symroof.architecture.kinds.shared import Adapters, Projection
from symroof.architecture.structure import Architecture, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.hybrid import LINEAR, NAMES
from symroof.families.mamba import expanded, selective, state_heads, state_space
from symroof.families.reading.parts import HIDDEN, activation, decoder, heads, layers

HYBRID = "hybrid"
INSIDE = Wiring(residual=False)
BARE = Wiring(norm="", residual=False)
INJECTION = Part.of(Projection(), "injection", Wiring(norm=""))  # of the block's output into the state space


def zamba(config: Config) -> Architecture:
    """Mamba-1 of several heads, and one block."""
    mixer = selective(config, expanded(config), act="hidden_mamba_act", heads=config.size("n_mamba_heads"))
    names, origin = layer_types(config)
    shared = share(config, names, 1)
    return hybrid(config, "zamba", names, origin, [*block(config, shared), INJECTION], mixer)


def zamba2(config: Config) -> Architecture:
    """Mamba-2, and num_mem_blocks blocks by turns, to whose weights each layer adds low-rank ones of its own."""
    bias = config.flag("add_bias_linear", absent=False)
    width = expanded(config)
    mixer = state_space(config, Mamba2(bias, bias), state_heads(config, "n_mamba_heads", "mamba_headdim", width))
    names, origin = layer_types(config)
    blocks = config.number("num_mem_blocks", absent=1)
    shared = share(config, names, blocks)
    attention, mlp = block(config, shared, config.flag("use_mem_rope", absent=False), bias)
    added = adapters(config, mlp.size("f"), names.count(HYBRID), blocks)
    return hybrid(config, "zamba2", names, origin, [attention, mlp, added, INJECTION], mixer)


def hybrid(config: Config, family: str, names: list[str], origin: str, parts: list[Part], mixer: Part) -> Architecture:
    """`parts` in the hybrid layers, ahead of the state space that every layer has."""
    slots = [Pattern([part if name == HYBRID else None for name in names], origin) for part in parts]
    return decoder(config, family, *(slots if HYBRID in names else ()), mixer, tied=True)


def layer_types(config: Config) -> tuple[list[str], str]:
    """Which layers run the block: as listed, else one in each attn_layer_period at an offset, and the third."""
    key, count = config.spelling("layers_block_type", "layer_types"), layers(config)
    if config.has(key):
        names = [NAMES.get(str(x), str(x)) for x in config.listed(key)]
    else:
        key = "attn_layer_period"
        period, offset = config.number(key, absent=6), config.number("attn_layer_offset", absent=4, least=0)
        names = [LINEAR, LINEAR, HYBRID, *(HYBRID if i % period == offset else LINEAR for i in range(count - 3))]
    if len(names) != count or not set(names) <= {LINEAR, HYBRID}:
        raise config.fail(f"key {key!r} must say {LINEAR} or {HYBRID} for each of the {count} layers")
    return names, key


def share(config: Config, names: list[str], blocks: int) -> Size | None:
    """How many blocks there are; None where each hybrid layer has one to itself."""
    count = names.count(HYBRID)
    if blocks >= count or not config.flag("tie_word_embeddings", absent=True):
        return None
    return Size(blocks, "num_mem_blocks" if config.has("num_mem_blocks") else "model_type")


def block(config: Config, shared: Size | None, turns: bool = False, bias: bool = False) -> tuple[Part, Part]:
    """Attention on twice the hidden size, and a network; no residual runs through them."""
    d = config.size(*HIDDEN)
    width = config.number("attention_hidden_size", absent=2 * d)
    if width != 2 * d:
        raise config.wrong("attention_hidden_size", f"twice the hidden size {d}")
    h = config.size("attention_head_dim", absent=width // config.number("num_attention_heads"))
    kind = Attention(rotary="full" if turns else "", doubled=True)
    f = config.size("intermediate_size", absent=4 * d)
    mlp = FeedForward(activation(config, absent="gelu"), bias=bias)
    return (
        Part.of(kind, "shared_attention", BARE, shared, **heads(config, h, single=True)),
        Part.of(mlp, "shared_mlp", INSIDE, shared, f=f),
    )


def adapters(config: Config, f: Size, count: int, blocks: int) -> Part:
    """Low-rank weights of each of `count` layers; blocks that are not shared each hold those of all their turns."""
    turns = Counter(i % blocks for i in range(count)).values()
    held = sum(turns) if config.flag("tie_word_embeddings", absent=True) else sum(x * x for x in turns)
    kind = Adapters(config.flag("use_shared_attention_adapter", absent=False))
    return Part.of(
        kind,
        "adapters",
        BARE,
        None if held == count else Size(held, "num_mem_blocks"),
        r_a=config.size("adapter_rank", absent=128),
        f=f,
    )


FAMILIES = {"zamba": zamba, "zamba2": zamba2}
