"""minimax, minimax_m1: lightning attention between layers of attention; minimax_m3_vl_text: attention to blocks.

Sources: transformers 5.23.0, models/minimax, minimax_m3_vl; the config of MiniMaxAI/MiniMax-M1-80k.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.linear import LightningAttention
from symroof.architecture.structure import Architecture, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import routed, sparse, turned
from symroof.families.reading.parts import (
    Reader,
    activation,
    attention,
    choose,
    constant,
    decoder,
    experts,
    feed_forward,
    heads,
    layer_types,
    layers,
    rotated,
)

LINEAR, FULL, SPARSE, MLP = "linear_attention", "full_attention", "minimax_m3_sparse", "mlp"
BLOCK = 256  # block_size where absent
SPARSE_CONFIG = "sparse_attention_config"
CLAMPED = "silu_clamped"  # of minimax_m3 whatever hidden_act says


def minimax(config: Config) -> Architecture:
    """Layers of two kinds by layer_types, else in turns."""
    absent = [FULL if (i + 1) % 2 else LINEAR for i in range(layers(config))]
    wirings = {
        name: weighted(config, f"{key}_alpha_factor", f"{key}_beta_factor")
        for name, key in ((FULL, "full_attn"), (LINEAR, "linear_attn"), (MLP, "mlp"))
    }
    return described(config, "minimax", *layer_types(config, absent, "num_hidden_layers"), wirings)


def minimax_m1(config: Config) -> Architecture:
    """Layers of two kinds by attn_type_list: 1 for attention, 0 for lightning attention."""
    key = "attn_type_list"
    kinds, origin = [{0: LINEAR, 1: FULL}.get(x, x) for x in config.listed(key)], key
    if config.number("shared_intermediate_size", absent=0, least=0):
        raise config.wrong("shared_intermediate_size", "0: no shared expert of this family is known")
    names = {name: f"layernorm_{name}" for name in (FULL, LINEAR, MLP)}
    wirings = {name: weighted(config, f"{key}_alpha", f"{key}_beta") for name, key in names.items()}
    return described(config, "minimax_m1", kinds, origin, wirings)


def weighted(config: Config, *keys: str) -> Wiring:
    """A residual whose two terms are multiplied by constants; the one that is 1 costs nothing."""
    factors = sum(constant(config, key) != 1 for key in keys)
    return Wiring(scaled=factors == 1, blended="constants" if factors == 2 else "")


def described(
    config: Config, family: str, kinds: list[str], origin: str, wirings: Mapping[str, Wiring]
) -> Architecture:
    """Layers of two kinds, experts in all of them."""
    act = activation(config)
    moe = experts(config, Experts(act), "intermediate_size", wiring=wirings[MLP])
    return decoder(config, family, mixers(config, act, kinds, origin, wirings), moe)


def mixers(config: Config, act: str, kinds: list[str], origin: str, wirings: Mapping[str, Wiring]) -> Pattern:
    """Attention and lightning attention, of the same heads."""
    sizes = heads(config)
    rotary, part = rotated(config, sizes["h"])
    if config.has("rotary_dim"):
        rotary, part = "partial", {"h_r": config.size("rotary_dim", most=sizes["h"])}
    window = {"w": config.size("sliding_window")} if config.has("sliding_window") else {}
    kind = Attention("local" if window else "causal", rotary)
    lightning = {"H_q": sizes["H_q"], "h": sizes["h"], "w_s": config.size("block_size", absent=BLOCK)}
    parts = {
        FULL: attention(kind, {**sizes, **part, **window}, FULL, wirings[FULL]),
        LINEAR: Part.of(LightningAttention(act), LINEAR, wirings[LINEAR], **lightning),
    }
    return choose(config, kinds, parts, origin)


def minimax_m3(config: Config, family: str = "minimax_m3_vl_text") -> Architecture:
    """Attention to all keys or to blocks that an indexer selects; experts beside a shared one, or a dense network."""
    count, freq = layers(config), config.listed("moe_layer_freq")
    moe = Experts(CLAMPED, shared=True)
    ffn = routed(
        config,
        sparse(config, by_flags(config, freq, count), "moe_layer_freq"),
        lambda: experts(config, moe, "intermediate_size", config.size("shared_intermediate_size")),
        lambda: feed_forward(config, FeedForward(CLAMPED), "dense_intermediate_size"),
    )
    return decoder(config, family, block_attentions(config, count), ffn)


def by_flags(config: Config, flags: list[Any], count: int) -> list[int]:
    """The layers whose flag is 1; all where there are none."""
    if flags and (len(flags) != count or any(x not in (0, 1) for x in flags)):
        raise config.fail(f"a 0 or 1 is needed for each of the {count} layers, not {flags[:5]}...")
    return [i for i in range(count) if not flags or flags[i]]


def block_attentions(config: Config, count: int) -> Pattern:
    """Full and sparse attention by layer_types, else by sparse_attention_freq."""
    inner = config.nested(SPARSE_CONFIG) if config.has(SPARSE_CONFIG) else config
    chosen = by_flags(config, inner.listed("sparse_attention_freq"), count)
    dense_only = not inner.has("sparse_attention_freq")
    absent = [FULL if dense_only or i not in chosen else SPARSE for i in range(count)]
    kinds, origin = layer_types(config, absent, SPARSE_CONFIG)
    full, sizes = turned(config, Attention(qk_norm="rms"), heads(config, absent=128))  # whatever rotary_dim says
    parts = {FULL: attention(full, sizes, FULL)}
    if SPARSE in kinds:
        kind = replace(full, mask="blocks", indexer=True)
        parts[SPARSE] = attention(kind, {**sizes, **index_sizes(config, inner)}, "sparse_attention")
    return choose(config, kinds, parts, origin)


def index_sizes(config: Config, inner: Config) -> dict[str, Size]:
    """Heads of the indexer and what it selects; under the older names of sparse_attention_config where it has them."""
    names = {
        "H_i": ("index_n_heads", "sparse_num_index_heads"),
        "h_i": ("index_head_dim", "sparse_index_dim"),
        "w_i": ("index_block_size", "sparse_block_size"),
        "k_b": ("index_topk_blocks", "sparse_topk_blocks"),
    }
    return {symbol: inner.size(old) if inner.has(old) else config.size(new) for symbol, (new, old) in names.items()}


FAMILIES: dict[str, Reader] = {
    "minimax": minimax,
    "minimax_m1": minimax_m1,
    "minimax_m3": partial(minimax_m3, family="minimax_m3"),
    "minimax_m3_vl_text": minimax_m3,
}
