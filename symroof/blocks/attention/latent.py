"""Attention through a latent: project down, normalise, rotate, select, attend one way or the other, project out."""

from sympy import Integer

from symroof import symbols as s
from symroof.architecture.kinds.latent import LatentAttention
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.attention import grouped as att
from symroof.ops.attention import latent, pooled

H, R = s.H_q, s.r_kv


def build_latent_attention(kind: LatentAttention) -> list[Op]:
    """The operators of one layer between norm and residual."""
    ways, selected = latent.WAYS[kind.mask], {"top": s.P_top, "tail": s.T * s.k_b}.get(kind.mask, Integer(0))
    ops = queries(kind) + ([] if kind.borrowed else keys(kind))
    if kind.rotary:
        ops.append(Op("rope", "attention", att.rotate(s.T, H if kind.borrowed else H + 1, s.h_r)))
    if kind.temperature:
        ops.append(Op("temperature", "attention", latent.temper(s.T, H, s.h_n + s.h_r)))
    if kind.tuned:
        ops.append(Op("scale", "attention", att.scale(s.T, H, s.h_n + s.h_r)))
    if kind.indexer == "own":
        ops += indexer(kind)
    ops.append(Op("kv_b", "attention", latent.project(ways, H, R, s.h_n, s.h_v)))
    attend = latent.attend(ways, H, R, s.h_n, s.h_r, s.h_v, selected, kind.borrowed)
    ops.append(Op("attend", "attention_core", attend))
    if kind.sinks:
        ops.append(Op("sinks", "attention", att.sink(s.T, H)))
    return [*ops, *gate(kind), Op("out", "attention", dense.linear(s.T, H * s.h_v, s.d, s.b_o, kind.out_bias))]


def queries(kind: LatentAttention) -> list[Op]:
    """Queries, and what gates the output where that is projected from their latent."""
    width = H * (s.h_n + s.h_r) + (H * s.h_v if kind.gate == "latent" else 0)
    if not kind.low_rank:
        return [Op("q", "attention", dense.linear(s.T, s.d, width))]
    return [
        Op("q_a", "attention", dense.linear(s.T, s.d, s.r_q, bias=kind.bias)),
        Op("q_norm", "inner_norm", dense.norm(s.T, s.r_q)),
        Op("q_b", "attention", dense.linear(s.T, 2 * s.r_q if kind.raw else s.r_q, width)),
    ]


def keys(kind: LatentAttention) -> list[Op]:
    """The latent and the rotated key of each token."""
    ops = [
        Op("kv_a", "attention", dense.linear(s.T, s.d, R + s.h_r, bias=kind.bias)),
        Op("kv_norm", "inner_norm", dense.norm(s.T, R)),
    ]
    if kind.key_norm:
        ops.append(Op("key_norm", "inner_norm", dense.norm(s.T, s.h_r)))
    return ops


def indexer(kind: LatentAttention) -> list[Op]:
    """Scores of all pairs by a few small heads, and the keys they select."""
    ops = [] if kind.low_rank else [Op("index.q_norm", "norm", dense.norm(s.T, s.d, "layer"))]
    ops += [
        Op("index.q", "indexer", dense.linear(s.T, s.r_q if kind.low_rank else s.d, s.H_i * s.h_i)),
        Op("index.k", "indexer", dense.linear(s.T, s.d, s.h_i)),
        Op("index.k_norm", "inner_norm", dense.norm(s.T, s.h_i, "layer")),
        Op("index.weights", "indexer", dense.linear(s.T, s.d, s.H_i, s.b_r)),
    ]
    if kind.temperature:
        ops.append(Op("index.temperature", "indexer", latent.temper(s.T, s.H_i, s.h_i)))
    if kind.rotary:
        ops.append(Op("index.rope", "indexer", att.rotate(s.T, s.H_i + 1, s.h_r)))
    if kind.mask != "tail":
        return [*ops, Op("index", "indexer_core", latent.index(s.H_i, s.h_i))]
    return [
        *ops,
        Op("index.gate", "indexer", dense.linear(s.T, s.d, s.h_i)),
        Op("index.pool", "indexer", pooled.weighed(s.h_i)),
        Op("index", "indexer_core", pooled.index_weighed(s.H_i, s.h_i)),
    ]


def gate(kind: LatentAttention) -> list[Op]:
    """What gates the output of the heads."""
    if not kind.gate:
        return []
    one = kind.gate == "head"
    ops = [] if kind.gate == "latent" else [Op("gate", "attention", dense.linear(s.T, s.d, H if one else H * s.h_v))]
    return [*ops, Op("gated", "attention", att.gate(s.T, H, s.h_v, one_a_head=one))]
