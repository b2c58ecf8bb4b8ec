"""minimax, minimax_m1: lightning attention between layers of attention; minimax_m3_vl_text: attention to blocks.

Sources: transformers 5.23.0, models/minimax, minimax_m3_vl; the config of MiniMaxAI/MiniMax-M1-80k.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.linear_attention import LightningAttention
from symroof.architecture.structure import Architecture, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import multiplier
from symroof.families.reading.layer_patterns import FULL, LINEAR
from symroof.families.reading.moe_layers import moe_or_dense, sparse_layers
from symroof.families.reading.parts import (
    LayerTypes,
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
)
from symroof.families.reading.rotary import with_rotary

SPARSE, MLP = "minimax_m3_sparse", "mlp"
SPARSE_CONFIG = "sparse_attention_config"
CLAMPED = "silu_clamped"  # minimax_m3 ignores hidden_act
KEY_PREFIXES = {FULL: "full_attn", LINEAR: "linear_attn", MLP: "mlp"}
INDEXER_KEYS = {  # new and old
    "H_i": ("index_n_heads", "sparse_num_index_heads"),
    "h_i": ("index_head_dim", "sparse_index_dim"),
    "w_i": ("index_block_size", "sparse_block_size"),
    "k_b": ("index_topk_blocks", "sparse_topk_blocks"),
}


def minimax(config: Config) -> Architecture:
    """Attention and lightning attention by layer_types, by default in turn."""
    absent = [FULL if (i + 1) % 2 else LINEAR for i in range(layers(config))]
    wirings = {
        name: _blended(config, f"{key}_alpha_factor", f"{key}_beta_factor") for name, key in KEY_PREFIXES.items()
    }
    return _minimax_decoder(config, "minimax", layer_types(config, absent, "num_hidden_layers"), wirings)


def minimax_m1(config: Config) -> Architecture:
    """Attention (1) and lightning attention (0) by attn_type_list."""
    key, shared = "attn_type_list", "shared_intermediate_size"
    types = [FULL if x else LINEAR for x in config.whole_numbers(key, most=1)], key
    if config.number(shared, absent=0, least=0):
        raise config.wrong(shared, "0: no shared expert of this family is known")
    names = {name: f"layernorm_{name}" for name in (FULL, LINEAR, MLP)}
    wirings = {name: _blended(config, f"{prefix}_alpha", f"{prefix}_beta") for name, prefix in names.items()}
    return _minimax_decoder(config, "minimax_m1", types, wirings)


def _blended(config: Config, *keys: str) -> Wiring:
    """A residual addition whose two terms are multiplied by constants; a factor of 1 costs nothing."""
    factors = sum(multiplier(config, key) != 1 for key in keys)
    return Wiring(scaled=factors == 1, blended="constants" if factors == 2 else "")


def _minimax_decoder(config: Config, family: str, types: LayerTypes, wirings: Mapping[str, Wiring]) -> Architecture:
    """Attention or lightning attention per layer, experts in all layers."""
    moe = experts(config, Experts(activation(config)), "intermediate_size", wiring=wirings[MLP])
    names, origin = types
    parts = {FULL: _minimax_attention(config, wirings[FULL]), LINEAR: _lightning_attention(config, wirings[LINEAR])}
    return decoder(config, family, choose(config, names, parts, origin), moe)


def _minimax_attention(config: Config, wiring: Wiring) -> Part:
    """Attention, with a window if sliding_window is set."""
    kind, sizes = with_rotary(config, Attention(), heads(config))
    if config.has("rotary_dim"):
        kind = replace(kind, rotary="partial")
        sizes = {**sizes, "h_r": config.size("rotary_dim", most=sizes["h"])}
    if config.has("sliding_window"):
        kind, sizes = replace(kind, mask="local"), {**sizes, "w": config.size("sliding_window")}
    return attention(kind, sizes, FULL, wiring)


def _lightning_attention(config: Config, wiring: Wiring) -> Part:
    """Lightning attention with the heads of the attention."""
    sizes = heads(config)
    kind, w_s = LightningAttention(activation(config)), config.size("block_size", absent=256)
    return Part.of(kind, LINEAR, wiring, H_q=sizes["H_q"], h=sizes["h"], w_s=w_s)


def minimax_m3(config: Config, family: str = "minimax_m3_vl_text") -> Architecture:
    """Attention to all keys or to blocks that an indexer selects; experts beside a shared one, or a dense network."""
    count = layers(config)
    flagged = _flagged_layers(config, "moe_layer_freq", count)
    moe = Experts(CLAMPED, shared=True, correction=True)
    ffn = moe_or_dense(
        config,
        sparse_layers(config, flagged, "moe_layer_freq"),
        lambda: experts(config, moe, "intermediate_size", config.size("shared_intermediate_size")),
        lambda: feed_forward(config, FeedForward(CLAMPED), "dense_intermediate_size"),
    )
    return decoder(config, family, _minimax_m3_attention(config, count), ffn)


def _flagged_layers(config: Config, key: str, count: int) -> list[int]:
    """The layers whose flag is 1; all layers if the list is empty."""
    flags = config.flags(key)
    if flags and len(flags) != count:
        raise config.wrong(key, f"a list of a 0 or 1 for each of the {count} layers")
    return [i for i in range(count) if not flags or flags[i]]


def _minimax_m3_attention(config: Config, count: int) -> Pattern:
    """Full or sparse attention per layer; both ignore rotary_dim."""
    inner = config.nested(SPARSE_CONFIG) if config.has(SPARSE_CONFIG) else config
    names, origin = _minimax_m3_layer_types(config, inner, count)
    kind, sizes = with_rotary(config, Attention(qk_norm="rms"), heads(config, absent=128))
    parts = {FULL: attention(kind, sizes, FULL)}
    if SPARSE in names:
        sparse, sparse_sizes = replace(kind, mask="blocks", indexer=True), {**sizes, **_indexer_sizes(config, inner)}
        parts[SPARSE] = attention(sparse, sparse_sizes, "sparse_attention")
    return choose(config, names, parts, origin)


def _minimax_m3_layer_types(config: Config, inner: Config, count: int) -> tuple[list[str], str]:
    """By layer_types, else sparse in the layers of sparse_attention_freq, else all full."""
    key = "sparse_attention_freq"
    sparse = _flagged_layers(inner, key, count) if inner.has(key) else []
    return layer_types(config, [SPARSE if i in sparse else FULL for i in range(count)], SPARSE_CONFIG)


def _indexer_sizes(config: Config, inner: Config) -> dict[str, Size]:
    """Heads of the indexer and the blocks it selects; under old keys in sparse_attention_config if that has them."""
    return {
        symbol: inner.size(old) if inner.has(old) else config.size(new) for symbol, (new, old) in INDEXER_KEYS.items()
    }


FAMILIES: dict[str, Reader] = {
    "minimax": minimax,
    "minimax_m1": minimax_m1,
    "minimax_m3": partial(minimax_m3, family="minimax_m3"),
    "minimax_m3_vl_text": minimax_m3,
}
