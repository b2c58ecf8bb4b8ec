"""Latent attention to keys that an indexer selects, with layers that differ: in their indexers, gates or norms.

Sources: transformers 5.23.0, models/glm_moe_dsa, axk2, hy_v4, dots3_note, mistral_large4.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.latent_attention import LatentAttention
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.errors import shorten
from symroof.families.deepseek import (
    DSA,
    deepseek_moe,
    deepseek_moe_layers,
    latent_attention_part,
    map_parts,
    with_experts_wiring,
)
from symroof.families.reading.keys import not_null
from symroof.families.reading.layer_patterns import FULL, INDEXED, SLIDING
from symroof.families.reading.moe_layers import moe_or_dense
from symroof.families.reading.parts import (
    LayerTypes,
    activation,
    choose,
    decoder,
    experts,
    layer_types,
    layers,
    with_sizes,
)

SHARING = "sharing_attention"
PER_LAYER = "per_layer_config"
# Defaults of dots3_note for layers with a window.
SWA = {
    "num_attention_heads": 64,
    "num_key_value_heads": 64,
    "q_lora_rank": 1024,
    "kv_lora_rank": 1024,
    "head_dim": 256,
    "qk_nope_head_dim": 192,
    "v_head_dim": 128,
}
DOTS3 = LatentAttention(key_norm=True, gate="head")
DOTS3_KINDS = {
    INDEXED: replace(DOTS3, mask="top", indexer="full"),
    SLIDING: replace(DOTS3, mask="sliding"),
    FULL: DOTS3,
}
DOTS3_SHARED = ("moe_shared_expert_intermediate_size", "shared_experts_intermediate_size")
GATED = Wiring(gated=True)
SEPARATE_STREAMS = Wiring(streams="unmixed")


def indexer_types(config: Config) -> LayerTypes:
    """Per layer, whether it selects keys itself ("full") or reuses an earlier layer's selection ("shared")."""
    key = "index_topk_pattern"
    if config.has("indexer_types"):
        return config.words("indexer_types"), "indexer_types"
    if config.has(key):
        names = list(config.text(key)) if isinstance(config.data[key], str) else config.words(key)
        return [{"F": "full", "S": "shared"}.get(x, x) for x in names], key
    step = config.number("index_topk_freq", absent=1, least=0) or 1
    offset = config.number("index_skip_topk_offset", absent=2, least=0)
    types = ["shared" if max(i - offset + 1, 0) % step else "full" for i in range(layers(config))]
    return types, "index_topk_freq"


def _indexed_attention(
    config: Config, kind: LatentAttention, types: LayerTypes, wiring: Wiring | None = None, h_v: int = 256
) -> Pattern:
    """Attention to selected keys, in layers that select and layers that share a selection."""
    names, origin = types
    if names and names[0] == "shared":
        raise config.fail(f"key {origin!r} begins with 'shared': the first layer has no selection to share")
    indexed = latent_attention_part(config, kind, INDEXED, wiring, h_v)
    sharing = latent_attention_part(config, replace(kind, indexer="shared"), SHARING, wiring, h_v)
    return choose(config, names, {"full": indexed, "shared": sharing}, origin)


def glm_moe_dsa(config: Config) -> Architecture:
    """deepseek_v32 with layers that reuse the selection of an earlier one."""
    ffn = deepseek_moe(config, 3)
    return decoder(config, "glm_moe_dsa", _indexed_attention(config, DSA, indexer_types(config)), ffn)


def axk2(config: Config) -> Architecture:
    """Queries and gates from the query latent, before and after its norm; gated norms before attention and experts."""
    ffn = with_experts_wiring(deepseek_moe(config, 1), GATED)
    slot = latent_attention_part(config, replace(DSA, raw=True, gate="latent"), wiring=GATED, h_v=64)
    return decoder(config, "axk2", slot, ffn, r_g=config.size("gated_norm_rank", absent=16))


def hy_v4(config: Config) -> Architecture:
    """Residual streams that do not mix; gated attention with sinks; routed experts with clamped gates."""
    absent = ["full" if i == 0 or (i - 1) % 4 == 0 else "shared" for i in range(layers(config))]
    types = layer_types(config, absent, "num_hidden_layers", "indexer_types")
    ffn = map_parts(deepseek_moe(config, 1), _in_separate_streams)
    slot = _indexed_attention(config, replace(DSA, gate="full", sinks=True), types, SEPARATE_STREAMS)
    return decoder(config, "hy_v4", slot, ffn, frame=Frame(streams="weighed"), m=config.size("hc_mult", absent=4))


def _in_separate_streams(part: Part) -> Part:
    """A network of hy_v4; gates of routed experts are clamped, those of the shared one are not."""
    kind = part.kind
    if isinstance(kind, Experts) and kind.act == "silu":
        kind = replace(kind, act="silu_limited", shared_act="silu")
    return replace(part, kind=kind, wiring=SEPARATE_STREAMS)


def dots3_note(config: Config) -> Architecture:
    """Norms of the rotated keys and a gate per head; layers with a window have other sizes."""
    names, origin = _dots3_layer_types(config)
    configs = {SLIDING: _sliding_config(config, names)}
    parts = {
        name: latent_attention_part(configs.get(name, config), DOTS3_KINDS[name], name)
        for name in dict.fromkeys(names)
        if name in DOTS3_KINDS
    }
    if SLIDING in parts:
        w = config.size("sliding_window", "sliding_window_size", absent=512)
        parts[SLIDING] = with_sizes(parts[SLIDING], w=w)
    return decoder(config, "dots3_note", choose(config, names, parts, origin), _dots3_experts(config))


def _dots3_layer_types(config: Config) -> LayerTypes:
    """Sliding, indexed or full attention per layer; all layers without a window are indexed, or none is."""
    slides = config.flag("use_sliding_window", absent=True)
    absent = [SLIDING if slides and i >= 2 and i % 4 != 1 else INDEXED for i in range(layers(config))]
    names, origin = layer_types(config, absent, "use_sliding_window")
    full = INDEXED if config.flag("use_dsa", absent=not config.has(PER_LAYER) or INDEXED in names) else FULL
    return [full if name in (INDEXED, FULL) else name for name in names], origin


def _sliding_config(config: Config, names: Sequence[str]) -> Config:
    """The config for layers with a window: per_layer_config, which must be the same for all of them, else swa_ keys."""
    if not config.has(PER_LAYER):
        return config.with_defaults({}, **_swa_keys(config))
    if not all(i.isdecimal() and isinstance(x, dict) for i, x in config.table(PER_LAYER).items()):
        raise config.wrong(PER_LAYER, "an object of objects, by the number of a layer")
    overrides = {int(i): x for i, x in config.table(PER_LAYER).items()}
    sliding = [i for i, name in enumerate(names) if name == SLIDING]
    values = [overrides.get(i, {}) for i in sliding]
    if any(x != values[0] for x in values) or overrides.keys() > set(sliding):
        raise config.wrong(PER_LAYER, "the same for all layers with a window, and say nothing of others")
    return config.with_defaults({}, **values[0]) if values else config


def _swa_keys(config: Config) -> dict[str, Any]:
    """The values of swa_ keys, under the keys without that prefix."""
    values = {key: config.data[f"swa_{key}"] if config.says(f"swa_{key}") else value for key, value in SWA.items()}
    rotary, rest = "swa_qk_rope_head_dim", values["head_dim"] - values["qk_nope_head_dim"]
    return {**values, "qk_rope_head_dim": config.data[rotary] if config.says(rotary) else rest}


def _dots3_experts(config: Config) -> Part | Pattern:
    """Experts beside n_shared_experts shared ones, which have a different width."""
    width, count = config.size(*DOTS3_SHARED, absent=1536), config.number("n_shared_experts", absent=1)
    shared = Size(count * width, f"n_shared_experts x {width.origin}")
    kind = Experts(activation(config), shared=True, correction=True)
    return moe_or_dense(config, deepseek_moe_layers(config, 1), lambda: experts(config, kind, shared=shared))


def mistral_large4(config: Config) -> Architecture:
    """Full-rank queries, scaled by position; some layers without rotary embedding, some with reused latents."""
    cells, origin = _mistral_large4_layers(config)
    parts = {cell: _mistral_large4_attention(config, *cell) for cell in dict.fromkeys(cells)}
    slots = Pattern([parts[x] for x in cells], origin), deepseek_moe(config, 1, correction=False)
    return decoder(config, "mistral_large4", *slots, frame=Frame(softcap=not_null(config, "final_logit_softcapping")))


def _mistral_large4_layers(config: Config) -> tuple[list[tuple[bool, bool, str]], str]:
    """Per layer: whether it has rotary embedding, whether it reuses latents, and its type of indexer."""
    count, step = layers(config), config.number("no_rope_layer_interval", absent=4)
    rotary = config.flags("no_rope_layers") or [(i + 1) % step != 0 for i in range(count)]
    source = config.whole_numbers("kv_source_layers", most=count - 1) or list(range(count))
    types, origin = indexer_types(config)
    for key, values in (("no_rope_layers", rotary), ("kv_source_layers", source), (origin, types)):
        if len(values) < count:
            raise config.fail(f"key {key!r} has {len(values)} entries for {count} layers")
    return [(rotary[i], source[i] != i, types[i]) for i in range(count)], origin


def _mistral_large4_attention(config: Config, rotary: bool, borrowed: bool, indexer: str) -> Part:
    """Attention of one type of layer; without rotary embedding the whole head is projected from the latent."""
    if indexer not in ("full", "shared"):
        raise config.fail(f"key 'indexer_types' holds {shorten(indexer, 40)!r}: known here are full, shared")
    kind = replace(DSA, low_rank=False, temperature=True, rotary=rotary, borrowed=borrowed)
    kind = kind if indexer == "full" else replace(kind, indexer="shared")
    part = latent_attention_part(config, kind, INDEXED if rotary else "unrotated_attention")
    if rotary:
        return part
    h_n = Size(part.size("h_n") + part.size("h_r"), "qk_nope_head_dim + qk_rope_head_dim")
    return with_sizes(part, h_n=h_n, h_r=Size(0, "no_rope_layers"))


FAMILIES = {
    "glm_moe_dsa": glm_moe_dsa,
    "axk2": axk2,
    "hy_v4": hy_v4,
    "dots3_note_text": dots3_note,
    "mistral_large4_text": mistral_large4,
}
