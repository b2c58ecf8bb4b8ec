"""glm5_next_text: delta nets, and latent attention to pooled blocks of keys in every fourth layer; mixed streams.

Source: transformers 5.23.0, models/glm5_next.
"""

from collections.abc import Sequence
from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.latent_attention import LatentAttention
from symroof.architecture.kinds.linear_attention import DeltaNet
from symroof.architecture.structure import MAX_SIZE, Architecture, Frame, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.deepseek import deepseek_moe_layers, latent_attention_part
from symroof.families.deepseek_v4 import MIXED
from symroof.families.dsa import SHARING, indexer_types
from symroof.families.kimi import LINEAR_CONFIG, kimi_delta_net
from symroof.families.reading.keys import not_null, size_quotient
from symroof.families.reading.layer_patterns import FULL, INDEXED, LINEAR
from symroof.families.reading.moe_layers import experts_with_shared, moe_or_dense
from symroof.families.reading.parts import activation, choose, decoder, feed_forward, layer_types, layers, with_sizes

POOLED = LatentAttention(mask="tail", indexer="full", rotary=False)
INDEXERS = {INDEXED: "full", SHARING: "shared"}  # LatentAttention.indexer by layer type
ROTARY, TAIL = "qk_rope_head_dim", "index_kpool_always_select_tail"


def glm5_next(config: Config) -> Architecture:
    """Networks and experts have clamped gates; residual streams are averaged at the end."""
    if activation(config) != "silu":
        raise config.wrong("hidden_act", "silu")
    m, m_s = config.size("hc_mult", absent=4), config.size("hc_sinkhorn_iters", absent=20)
    slots = _glm5_mixers(config), _glm5_network(config)
    return decoder(config, "glm5_next_text", *slots, frame=Frame(streams="mean"), m=m, m_s=m_s)


def _glm5_network(config: Config) -> Part | Pattern:
    """Experts beside a shared one after three dense layers."""
    return moe_or_dense(
        config,
        deepseek_moe_layers(config, 3),
        lambda: experts_with_shared(
            config, Experts("silu_limited", correction=True), "n_shared_experts", 1, wiring=MIXED
        ),
        lambda: feed_forward(config, FeedForward("silu_limited"), wiring=MIXED),
    )


def _glm5_mixers(config: Config) -> Pattern:
    """Delta nets, and attention in every fourth layer; what configs call full attention is indexed."""
    absent = [LINEAR if i % 4 != 3 else INDEXED for i in range(layers(config))]
    names, origin = layer_types(config, absent, "num_hidden_layers")
    names = _with_sharing(config, [INDEXED if name == FULL else name for name in names])
    parts = {LINEAR: _bounded_delta_net(config)} if LINEAR in names else {}
    parts |= {x: _pooled_attention(config, replace(POOLED, indexer=y), x) for x, y in INDEXERS.items() if x in names}
    return choose(config, names, {name: replace(part, wiring=MIXED) for name, part in parts.items()}, origin)


def _with_sharing(config: Config, names: Sequence[str]) -> list[str]:
    """The layer types, where indexed layers that reuse an earlier selection are called sharing_attention."""
    types, origin = indexer_types(config)
    if len(types) < len(names) or any(x not in ("full", "shared") for x in types):
        raise config.fail(f"key {origin!r} must say full or shared for each of the {len(names)} layers")
    mixers = [SHARING if name == INDEXED and x == "shared" else name for name, x in zip(names, types, strict=False)]
    if next((x for x in mixers if x != LINEAR), "") == SHARING:
        raise config.fail(f"key {origin!r}: the first layer with an indexer has no selection to share")
    return mixers


def _bounded_delta_net(config: Config) -> Part:
    """A delta net whose decay has a lower bound unless linear_lower_bound is null."""
    inner = config.nested(LINEAR_CONFIG) if config.has(LINEAR_CONFIG) else config.with_defaults({})
    part = kimi_delta_net(config.with_defaults({"linear_num_heads": 64}), inner)
    assert isinstance(part.kind, DeltaNet)
    bounded = part.kind.bounded or not_null(config, "linear_lower_bound", -MAX_SIZE)
    return replace(part, kind=replace(part.kind, bounded=bounded))


def _pooled_attention(config: Config, kind: LatentAttention, name: str) -> Part:
    """Attention without rotation to index_topk keys in blocks of index_kpool and to the keys after them."""
    if config.number(ROTARY, absent=0, least=0):
        raise config.wrong(ROTARY, "0")
    if not config.flag(TAIL, absent=True):
        raise config.wrong(TAIL, "true")
    w_i, k_i = config.size("index_kpool", absent=16), config.size("index_topk", absent=2048)
    part = latent_attention_part(config.with_defaults({}, **{ROTARY: 1}), kind, name, h_v=256)
    return with_sizes(part, h_r=Size(0, ROTARY), w_i=w_i, k_b=size_quotient(config, k_i, w_i))


FAMILIES = {"glm5_next_text": glm5_next}
