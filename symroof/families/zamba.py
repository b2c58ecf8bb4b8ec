"""zamba and zamba2: state spaces in every layer, and a transformer block that some of the layers share.

The block reads the residual stream and the embeddings side by side; its output is projected and added to the input of
the layer's state space. transformers shares its weights only where head and embedding share theirs. Source:
transformers 5.23.0, models/zamba, zamba2.
"""

from collections import Counter

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.recurrent import Mamba2
from symroof.architecture.kinds.shared import Adapters, Projection
from symroof.architecture.structure import Architecture, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.hybrid import OLD_LAYER_TYPES
from symroof.families.mamba import expanded_width, mamba2_block, mamba2_heads, mamba_block
from symroof.families.reading.keys import HIDDEN
from symroof.families.reading.layer_patterns import LINEAR
from symroof.families.reading.parts import BARE, LayerTypes, activation, decoder, heads, layers

HYBRID = "hybrid"
ZAMBA_BLOCK = {"intermediate_size": 14848, "num_key_value_heads": 16}  # where zamba's config leaves them out
INSIDE = Wiring(residual=False)
INJECTION = Part.of(Projection(), "injection", Wiring(norm=""))  # of the block's output into the state space


def zamba(config: Config) -> Architecture:
    """Mamba-1 of several heads, and one block."""
    mamba = mamba_block(config, expanded_width(config), act="hidden_mamba_act", H_m=config.size("n_mamba_heads"))
    names, origin = _zamba_layer_types(config, periodic=True)
    config = config.with_defaults(ZAMBA_BLOCK)
    block = _shared_block(config, _shared_blocks(config, names, 1, "model_type"))
    return _zamba_decoder(config, "zamba", (names, origin), [*block, INJECTION], mamba)


def zamba2(config: Config) -> Architecture:
    """Mamba-2, and num_mem_blocks blocks in turn, to whose weights each layer adds low-rank adapters."""
    bias = config.flag("add_bias_linear", absent=False)
    sizes = mamba2_heads(config, "n_mamba_heads", "mamba_headdim", expanded_width(config))
    mamba = mamba2_block(config, Mamba2(bias, bias), sizes)
    names, origin = _zamba_layer_types(config, periodic=False)
    blocks = config.number("num_mem_blocks", absent=1)
    shared, rotates = _shared_blocks(config, names, blocks, "num_mem_blocks"), config.flag("use_mem_rope", absent=False)
    slot, mlp = _shared_block(config, shared, rotates, bias)
    adapters = _low_rank_adapters(config, mlp.size("f"), names.count(HYBRID), blocks)
    return _zamba_decoder(config, "zamba2", (names, origin), [slot, mlp, adapters, INJECTION], mamba)


def _zamba_decoder(config: Config, family: str, types: LayerTypes, block: list[Part], mamba: Part) -> Architecture:
    """The parts of the block in hybrid layers, before the state space that every layer has."""
    names, origin = types
    slots = [Pattern([part if name == HYBRID else None for name in names], origin) for part in block]
    return decoder(config, family, *(slots if HYBRID in names else ()), mamba, tied=True)


def _zamba_layer_types(config: Config, periodic: bool) -> tuple[list[str], str]:
    """Which layers run the block: as listed, else, if `periodic`, the third and one in each attn_layer_period."""
    key, count = config.spelling("layers_block_type", "layer_types"), layers(config)
    if config.has(key):
        names = [OLD_LAYER_TYPES.get(x, x) for x in config.words(key)]
    elif not periodic:
        raise config.fail(f"key {key!r} is missing: list {LINEAR} or {HYBRID} for each of the {count} layers")
    else:
        key = "attn_layer_period"
        period, offset = config.number(key, absent=6), config.number("attn_layer_offset", absent=4, least=0)
        names = [LINEAR, LINEAR, HYBRID, *(HYBRID if i % period == offset else LINEAR for i in range(count - 3))]
    if len(names) != count or not set(names) <= {LINEAR, HYBRID}:
        raise config.fail(f"key {key!r} must say {LINEAR} or {HYBRID} for each of the {count} layers")
    return names, key


def _shared_blocks(config: Config, names: list[str], blocks: int, origin: str) -> Size | None:
    """The number of distinct blocks; None if every hybrid layer has a separate one."""
    if blocks >= names.count(HYBRID) or not config.flag("tie_word_embeddings", absent=True):
        return None
    return Size(blocks, origin)


def _shared_block(config: Config, shared: Size | None, rotates: bool = False, bias: bool = False) -> tuple[Part, Part]:
    """Attention on twice the hidden size, and a network, without a residual stream."""
    d = config.size(*HIDDEN)
    kind = Attention(rotary="full" if rotates else "", doubled=True)
    sizes = heads(config, _doubled_head_dim(config, d), single=True)
    mlp = FeedForward(activation(config, absent="gelu"), bias=bias)
    f = config.size("intermediate_size", absent=4 * d)
    slot = Part.of(kind, "shared_attention", BARE, shared, **sizes)
    return slot, Part.of(mlp, "shared_mlp", INSIDE, shared, f=f)


def _doubled_head_dim(config: Config, d: Size) -> Size:
    """attention_head_dim, by default twice the hidden size over the number of heads."""
    width = config.number("attention_hidden_size", absent=2 * d)
    if width != 2 * d:
        raise config.wrong("attention_hidden_size", f"twice the hidden size {d}")
    return config.size("attention_head_dim", absent=width // config.number("num_attention_heads"))


def _low_rank_adapters(config: Config, f: Size, count: int, blocks: int) -> Part:
    """Adapters of each of `count` layers; blocks that are not shared have those of all layers of their turn."""
    turns = Counter(i % blocks for i in range(count)).values()
    sets = sum(turns) if config.flag("tie_word_embeddings", absent=True) else sum(x * x for x in turns)
    distinct = None if sets == count else Size(sets, "num_mem_blocks")
    kind = Adapters(config.flag("use_shared_attention_adapter", absent=False))
    return Part.of(kind, "adapters", BARE, distinct, r_a=config.size("adapter_rank", absent=128), f=f)


FAMILIES = {"zamba": zamba, "zamba2": zamba2}
