"""Attention through a latent to keys that an indexer selects, where layers differ: in who selects, in gates, in norms.

Sources: transformers 5.23.0, models/glm_moe_dsa, axk2, hy_v4, dots3_note, mistral_large4.
"""

from collections.abc import Sequence
from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.latent import LatentAttention
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.deepseek import DSA, changed, latent, moe_layers, rewired
from symroof.families.glm_moe import shared_beside
from symroof.families.reading.layer_patterns import routed
from symroof.families.reading.parts import activation, choose, decoder, experts, feed_forward, layer_types, layers

INDEXED, SHARING, SLIDING, FULL = "indexed_attention", "sharing_attention", "sliding_attention", "full_attention"
PER_LAYER = "per_layer_config"
# Of layers with a window where a config does not say.
SWA = {
    "num_attention_heads": 64,
    "num_key_value_heads": 64,
    "q_lora_rank": 1024,
    "kv_lora_rank": 1024,
    "head_dim": 256,
    "qk_nope_head_dim": 192,
    "v_head_dim": 128,
}
NOTED = LatentAttention(key_norm=True, gate="head")
KINDS = {
    INDEXED: replace(NOTED, mask="top", indexer="own"),
    SLIDING: replace(NOTED, mask="sliding"),
    FULL: NOTED,
}
GATED = Wiring(gated=True)
APART = Wiring(streams="apart")


def indexer_types(config: Config) -> tuple[Sequence[str], str]:
    """Which layers select keys themselves (full) and which share an earlier selection, and the key that says so."""
    count, key = layers(config), "index_topk_pattern"
    if config.has("indexer_types"):
        return config.listed("indexer_types"), "indexer_types"
    if config.has(key):
        pattern = config.data[key]
        letters = isinstance(pattern, str)
        return [{"F": "full", "S": "shared"}.get(x, x) for x in pattern] if letters else config.listed(key), key
    step = config.number("index_topk_freq", absent=1, least=0) or 1
    offset = config.number("index_skip_topk_offset", absent=2, least=0)
    return ["shared" if max(i - offset + 1, 0) % step else "full" for i in range(count)], "index_topk_freq"


def indexed(
    config: Config, kind: LatentAttention, types: tuple[Sequence[str], str], wiring: Wiring | None = None
) -> Pattern:
    """Attention to selected keys, by the layers that select and those that share."""
    names, origin = types
    if names and names[0] == "shared":
        raise config.fail(f"key {origin!r} begins with 'shared': the first layer has no selection to share")
    own = latent(config, kind, INDEXED, wiring)
    shared = latent(config, replace(kind, indexer="shared"), SHARING, wiring)
    return choose(config, names, {"full": own, "shared": shared}, origin)


def glm_moe_dsa(config: Config) -> Architecture:
    """deepseek_v32 whose layers may share the selection of an earlier one."""
    ffn = shared_beside(config, moe_layers(config, 3), "n_shared_experts", 1)
    return decoder(config, "glm_moe_dsa", indexed(config, DSA, indexer_types(config)), ffn)


def axk2(config: Config) -> Architecture:
    """Queries and gates from their latent before and after its norm; gated norms ahead of attention and experts."""
    kind = replace(DSA, raw=True, gate="latent")
    ffn = shared_beside(config, moe_layers(config, 1), "n_shared_experts", 1)
    return decoder(
        config,
        "axk2",
        latent(config, kind, wiring=GATED),
        rewired(ffn, GATED),
        r_g=config.size("gated_norm_rank", absent=16),
    )


def hy_v4(config: Config) -> Architecture:
    """Streams that do not mix; gated attention with sinks; routed experts whose gates are limited."""
    count = layers(config)
    if not config.has("indexer_types"):
        types = ["full" if i == 0 or (i - 1) % 4 == 0 else "shared" for i in range(count)], "num_hidden_layers"
    else:
        types = config.listed("indexer_types"), "indexer_types"
    kind = replace(DSA, gate="full", sinks=True)
    ffn = shared_beside(config, moe_layers(config, 1), "n_shared_experts", 1)
    slots = indexed(config, kind, types, APART), changed(ffn, streamed)
    return decoder(config, "hy_v4", *slots, frame=Frame(streams="weighed"), m=config.size("hc_mult", absent=4))


def streamed(part: Part) -> Part:
    """A network within streams; of experts the routed ones are limited, the shared one is not."""
    kind = part.kind
    if isinstance(kind, Experts) and kind.act == "silu":
        kind = replace(kind, act="silu_limited", shared_act="silu")
    return replace(part, kind=kind, wiring=APART)


def dots3_note(config: Config) -> Architecture:
    """Normalised rotated keys and a gate a head; layers with a window have sizes of their own."""
    count = layers(config)
    slides = config.flag("use_sliding_window", absent=True)
    absent = [SLIDING if slides and i >= 2 and i % 4 != 1 else INDEXED for i in range(count)]
    names, origin = layer_types(config, absent, "use_sliding_window")
    full = INDEXED if config.flag("use_dsa", absent=not config.has(PER_LAYER) or INDEXED in names) else FULL
    names = [full if name in (INDEXED, FULL) else name for name in names]
    own = {SLIDING: sliding_config(config, names)}
    parts = {name: latent(own.get(name, config), KINDS[name], name) for name in dict.fromkeys(names) if name in KINDS}
    if SLIDING in parts:
        w = config.size("sliding_window", "sliding_window_size", absent=512)
        parts[SLIDING] = replace(parts[SLIDING], sizes=(*parts[SLIDING].sizes, ("w", w)))
    return decoder(config, "dots3_note", choose(config, names, parts, origin), dots3_experts(config))


def sliding_config(config: Config, names: Sequence[str]) -> Config:
    """The config as layers with a window have it: by per_layer_config, the same for all, else by swa_ keys."""
    if not config.has(PER_LAYER):
        said = {key: config.data[f"swa_{key}"] if config.says(f"swa_{key}") else value for key, value in SWA.items()}
        rest = said["head_dim"] - said["qk_nope_head_dim"]
        turned = "swa_qk_rope_head_dim"
        return config.filled({}, **said, qk_rope_head_dim=config.data[turned] if config.says(turned) else rest)
    layered = {int(i): x for i, x in config.table(PER_LAYER).items()}
    found = [layered.get(i, {}) for i, name in enumerate(names) if name == SLIDING]
    if any(x != found[0] for x in found) or layered.keys() > {i for i, name in enumerate(names) if name == SLIDING}:
        raise config.wrong(PER_LAYER, "the same for all layers with a window, and say nothing of others")
    return config.filled({}, **found[0]) if found else config


def dots3_experts(config: Config) -> Part | Pattern:
    """Experts beside n_shared_experts shared ones of a width of their own."""
    act = activation(config)
    width = config.size("moe_shared_expert_intermediate_size", "shared_experts_intermediate_size", absent=1536)
    count = config.number("n_shared_experts", absent=1)
    shared = Size(count * width, f"n_shared_experts x {width.origin}")
    return routed(
        config,
        moe_layers(config, 1),
        lambda: experts(config, Experts(act, shared=True), shared=shared),
        lambda: feed_forward(config, FeedForward(act)),
    )


def mistral_large4(config: Config) -> Architecture:
    """Queries straight from the stream, scaled by position; some layers do not rotate, some read another's latents."""
    count = layers(config)
    every = config.number("no_rope_layer_interval", absent=4)
    rotated = config.listed("no_rope_layers") or [int((i + 1) % every != 0) for i in range(count)]
    source = config.listed("kv_source_layers") or list(range(count))
    types, origin = indexer_types(config)
    for key, values in (("no_rope_layers", rotated), ("kv_source_layers", source), (origin, types)):
        if len(values) < count:
            raise config.fail(f"key {key!r} has {len(values)} entries for {count} layers")
    cells = [(bool(rotated[i]), source[i] != i, types[i]) for i in range(count)]
    parts = {cell: scaled_part(config, *cell) for cell in dict.fromkeys(cells)}
    ffn = shared_beside(config, moe_layers(config, 1), "n_shared_experts", 1)
    softcap = config.has("final_logit_softcapping") or not config.says("final_logit_softcapping")
    return decoder(
        config, "mistral_large4", Pattern([parts[x] for x in cells], origin), ffn, frame=Frame(softcap=softcap)
    )


def scaled_part(config: Config, rotary: bool, borrowed: bool, indexer: str) -> Part:
    """Attention of one kind of layer; without rotation the whole of a head is projected from the latent."""
    if indexer not in ("full", "shared"):
        raise config.fail(f"key 'indexer_types' holds {indexer!r}: known here are full, shared")
    kind = replace(
        DSA,
        low_rank=False,
        temperature=True,
        rotary=rotary,
        borrowed=borrowed,
        indexer="own" if indexer == "full" else "shared",
    )
    part = latent(config, kind, INDEXED if rotary else "unrotated_attention")
    if rotary:
        return part
    whole = Size(part.size("h_n") + part.size("h_r"), "qk_nope_head_dim + qk_rope_head_dim")
    return replace(part, sizes=(*(dict(part.sizes) | {"h_n": whole, "h_r": Size(0, "no_rope_layers")}).items(),))


FAMILIES = {
    "glm_moe_dsa": glm_moe_dsa,
    "axk2": axk2,
    "hy_v4": hy_v4,
    "dots3_note_text": dots3_note,
    "mistral_large4_text": mistral_large4,
}
