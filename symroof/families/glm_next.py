"""glm5_next_text: delta nets between layers of latent attention to pooled blocks of keys, in streams that are mixed.

Source: transformers 5.23.0, models/glm5_next.
"""

from collections.abc import Sequence
from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.latent import LatentAttention
from symroof.architecture.kinds.linear import DeltaNet
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.deepseek import latent, moe_layers
from symroof.families.deepseek_v4 import MIXED
from symroof.families.dsa import INDEXED, SHARING, indexer_types
from symroof.families.kimi import FULL, LINEAR, LINEAR_CONFIG, delta
from symroof.families.reading.layer_patterns import routed, several
from symroof.families.reading.parts import activation, choose, decoder, experts, feed_forward, layer_types, layers

POOLED = LatentAttention(mask="tail", indexer="own", rotary=False)
ROTATED, TAIL = "qk_rope_head_dim", "index_kpool_always_select_tail"


def glm5_next(config: Config) -> Architecture:
    """Gates of networks and experts are limited; streams of the residual are averaged at the end."""
    act = activation(config)
    if act != "silu":
        raise config.wrong("hidden_act", "silu")
    shared = several(config, "n_shared_experts", "moe_intermediate_size", 1)
    moe = Experts("silu_limited", shared=shared is not None)
    ffn = routed(
        config,
        moe_layers(config, 3),
        lambda: experts(config, moe, shared=shared, wiring=MIXED),
        lambda: feed_forward(config, FeedForward("silu_limited"), wiring=MIXED),
    )
    return decoder(
        config,
        "glm5_next_text",
        mixers(config),
        ffn,
        frame=Frame(streams="mean"),
        m=config.size("hc_mult", absent=4),
        m_s=config.size("hc_sinkhorn_iters", absent=20),
    )


def mixers(config: Config) -> Pattern:
    """Delta nets, and in every fourth layer attention; what configs call full attention is indexed."""
    usual = [LINEAR if i % 4 != 3 else INDEXED for i in range(layers(config))]
    names, origin = layer_types(config, usual, "num_hidden_layers")
    names = shared(config, [INDEXED if name == FULL else name for name in names])
    parts = {LINEAR: linear(config)} if LINEAR in names else {}
    for name, indexer in ((INDEXED, "own"), (SHARING, "shared")):
        if name in names:
            parts[name] = pooled(config, replace(POOLED, indexer=indexer), name)
    return choose(config, names, {name: replace(part, wiring=MIXED) for name, part in parts.items()}, origin)


def shared(config: Config, names: Sequence[str]) -> list[str]:
    """The same, told which layers share the selection of an earlier one."""
    types, origin = indexer_types(config)
    if len(types) < len(names) or any(x not in ("full", "shared") for x in types):
        raise config.fail(f"key {origin!r} must say full or shared for each of the {len(names)} layers")
    found = [SHARING if name == INDEXED and x == "shared" else name for name, x in zip(names, types, strict=False)]
    if next((x for x in found if x != LINEAR), "") == SHARING:
        raise config.fail(f"key {origin!r}: the first layer with an indexer has no selection to share")
    return found


def linear(config: Config) -> Part:
    """Linear attention whose decay has a lower bound unless the config has none."""
    key = "linear_lower_bound"
    part = delta(
        config.filled({"linear_num_heads": 64}),
        config.nested(LINEAR_CONFIG) if config.has(LINEAR_CONFIG) else config.filled({}),
    )
    assert isinstance(part.kind, DeltaNet)
    bounded = part.kind.bounded or config.has(key) or not config.says(key)
    return replace(part, kind=replace(part.kind, bounded=bounded))


def pooled(config: Config, kind: LatentAttention, name: str) -> Part:
    """Attention without rotation to index_topk keys in blocks of index_kpool, and those after the last block."""
    if config.number(ROTATED, absent=0, least=0):
        raise config.wrong(ROTATED, "0")
    if not config.flag(TAIL, absent=True):
        raise config.wrong(TAIL, "true")
    w_i, k_i = config.size("index_kpool", absent=16), config.size("index_topk", absent=2048)
    if k_i % w_i:
        raise config.fail(f"{k_i.origin}={k_i} is no multiple of {w_i.origin}={w_i}")
    part = latent(config.filled({}, **{ROTATED: 1}), kind, name)
    own = {"h_r": Size(0, ROTATED), "w_i": w_i, "k_b": Size(k_i // w_i, f"{k_i.origin} / {w_i.origin}")}
    return replace(part, sizes=tuple((dict(part.sizes) | own).items()))


FAMILIES = {"glm5_next_text": glm5_next}
