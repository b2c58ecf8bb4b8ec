"""Attention through a latent: project down, normalise, rotate, select, attend, project out."""

from sympy import Integer

from symroof import symbols as s
from symroof.architecture.kinds.latent_attention import LatentAttention
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.attention import grouped as att
from symroof.ops.attention import latent, pooled

H, R = s.H_q, s.r_kv


def build_latent_attention(kind: LatentAttention) -> list[Op]:
    """The operators of one layer between norm and residual."""
    sinks = [Op("sinks", "attention", att.attention_sink(s.T, H))] if kind.sinks else []
    out = Op("out", "attention", dense.linear(s.T, H * s.h_v, s.d, s.b_o, kind.out_bias))
    inputs = _query_projections(kind) + ([] if kind.borrowed else _key_projections(kind)) + _positions(kind)
    return [*inputs, *_core(kind), *sinks, *_output_gate(kind), out]


def _positions(kind: LatentAttention) -> list[Op]:
    """Queries and keys rotated, queries scaled."""
    ops = [Op("rope", "attention", att.rotate(s.T, H if kind.borrowed else H + 1, s.h_r))] if kind.rotary else []
    if kind.temperature:
        ops.append(Op("temperature", "attention", latent.scale_by_position(s.T, H, s.h_n + s.h_r)))
    if kind.tuned:
        ops.append(Op("scale", "attention", att.scale_heads(s.T, H, s.h_n + s.h_r)))
    return ops


def _core(kind: LatentAttention) -> list[Op]:
    """The keys selected by an indexer of this layer, the projection of the latent, and attention."""
    sums, selected = latent.LATENT_SUMS[kind.mask], {"top": s.P_top, "tail": s.T * s.k_b}.get(kind.mask, Integer(0))
    attend = latent.latent_attention(sums, H, R, s.h_n, s.h_r, s.h_v, selected, kind.borrowed)
    return [
        *(_token_indexer(kind) if kind.indexer == "full" else []),
        Op("kv_b", "attention", latent.project_latent(sums, H, R, s.h_n, s.h_v)),
        Op("attend", "attention_core", attend, products=latent.latent_products(sums, H, R, s.h_n, s.h_r, s.h_v)),
    ]


def _query_projections(kind: LatentAttention) -> list[Op]:
    """Queries, and the gate of the output where it is projected from their latent."""
    width = H * (s.h_n + s.h_r) + (H * s.h_v if kind.gate == "latent" else 0)
    if not kind.low_rank:
        return [Op("q", "attention", dense.linear(s.T, s.d, width))]
    return [
        Op("q_a", "attention", dense.linear(s.T, s.d, s.r_q, bias=kind.bias)),
        Op("q_norm", "inner_norm", dense.norm(s.T, s.r_q)),
        Op("q_b", "attention", dense.linear(s.T, 2 * s.r_q if kind.raw else s.r_q, width)),
    ]


def _key_projections(kind: LatentAttention) -> list[Op]:
    """The latent and the rotated key of each token."""
    ops = [
        Op("kv_a", "attention", dense.linear(s.T, s.d, R + s.h_r, bias=kind.bias)),
        Op("kv_norm", "inner_norm", dense.norm(s.T, R)),
    ]
    if kind.key_norm:
        ops.append(Op("key_norm", "inner_norm", dense.norm(s.T, s.h_r)))
    return ops


def _token_indexer(kind: LatentAttention) -> list[Op]:
    """Scores of all pairs by a few small heads, and the keys they select."""
    norm = [] if kind.low_rank else [Op("index.q_norm", "norm", dense.norm(s.T, s.d, "layer"))]
    return [*norm, *_index_projections(kind), *_index_positions(kind), *_index_scores(kind)]


def _index_projections(kind: LatentAttention) -> list[Op]:
    """Queries, the key and the weights of the indexer's heads."""
    return [
        Op("index.q", "indexer", dense.linear(s.T, s.r_q if kind.low_rank else s.d, s.H_i * s.h_i)),
        Op("index.k", "indexer", dense.linear(s.T, s.d, s.h_i)),
        Op("index.k_norm", "inner_norm", dense.norm(s.T, s.h_i, "layer")),
        Op("index.weights", "indexer", dense.linear(s.T, s.d, s.H_i, s.b_r)),
    ]


def _index_positions(kind: LatentAttention) -> list[Op]:
    """Queries of the indexer scaled, queries and the key rotated."""
    scaled = Op("index.temperature", "indexer", latent.scale_by_position(s.T, s.H_i, s.h_i))
    rotated = Op("index.rope", "indexer", att.rotate(s.T, s.H_i + 1, s.h_r))
    return [*([scaled] if kind.temperature else []), *([rotated] if kind.rotary else [])]


def _index_scores(kind: LatentAttention) -> list[Op]:
    """Scores of tokens, or of pooled blocks of them."""
    if kind.mask != "tail":
        return [Op("index", "indexer_core", latent.index_tokens(s.H_i, s.h_i))]
    return [
        Op("index.gate", "indexer", dense.linear(s.T, s.d, s.h_i)),
        Op("index.pool", "indexer", pooled.pool_weighted(s.h_i)),
        Op("index", "indexer_core", pooled.index_weighted(s.H_i, s.h_i)),
    ]


def _output_gate(kind: LatentAttention) -> list[Op]:
    """The gate of the heads' output."""
    if not kind.gate:
        return []
    per_head = kind.gate == "head"
    gates = H if per_head else H * s.h_v
    ops = [] if kind.gate == "latent" else [Op("gate", "attention", dense.linear(s.T, s.d, gates))]
    return [*ops, Op("gated", "attention", att.gate_heads(s.T, H, s.h_v, per_head))]
