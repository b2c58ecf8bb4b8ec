"""Attention over grouped heads: project, normalise, rotate, attend, gate, project."""

from sympy import Expr, Integer, factor_terms

from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.cost.cost import Cost
from symroof.cost.graph import Op
from symroof.cost.masks import MASKS
from symroof.ops import dense
from symroof.ops.attention import grouped as att
from symroof.ops.attention import pooled


def build_attention(kind: Attention) -> list[Op]:
    """The operators of one layer between norm and residual."""
    h_v = s.h_v if kind.values else s.h
    keys = {"own": s.H_kv * (s.h + h_v), "values": s.H_kv * s.h, "borrowed": Integer(0)}[kind.keys]
    queries = s.r_q if kind.low_rank else s.H_q * (s.h + h_v) if kind.gate == "full" else s.H_q * s.h
    width = 2 * s.d if kind.doubled else s.d
    ops = [Op("qkv", "attention", dense.linear(s.T, width, factor_terms(queries + keys), bias=kind.bias))]
    if kind.doubled:
        ops.insert(0, Op("norm", "norm", dense.norm(s.T, width)))
    if kind.low_rank:
        ops.append(Op("q_norm", "inner_norm", dense.norm(s.T, s.r_q)))
        ops.append(Op("q", "attention", dense.linear(s.T, s.r_q, s.H_q * s.h)))
    if kind.clip:
        ops.append(Op("clip", "attention", dense.clamp(s.T, queries + keys)))
    if kind.gate in ("head", "apart"):
        gates = s.H_q if kind.gate == "head" else s.H_q * h_v
        ops.append(Op("gate", "attention", dense.linear(s.T, s.d, gates)))
    if kind.gate_bias:
        ops.append(Op("gate_bias", "attention", att.gate_bias(s.T, s.H_q, h_v)))
    rotated = s.H_q if kind.keys == "borrowed" else s.H_q + s.H_kv
    if kind.qk_norm and not kind.norm_last:
        ops.append(qk_norm(kind))
    if kind.value_norm and kind.keys != "borrowed":
        ops.append(Op("v_norm", "inner_norm", dense.norm(s.T * s.H_kv, h_v, kind.value_norm)))
    if kind.rotary:
        ops.append(Op("rope", "attention", att.rotate(s.T, rotated, s.h_r if kind.rotary == "partial" else s.h)))
    if kind.qk_norm and kind.norm_last:
        ops.append(qk_norm(kind))
    if kind.temperature:
        ops.append(Op("temperature", "attention", att.scale(s.T, s.H_q, s.h)))
    if kind.dynamic:
        ops.append(Op("mask", "attention", att.key_mask(s.T, MASKS[kind.mask], s.H_kv, s.h, kind.bias)))
    scores = (2 if kind.alibi else 0) + (3 if kind.softcap else 0) + (1 if kind.dynamic else 0)
    borrowed, H_c = kind.keys == "borrowed", s.H_c if kind.repeated else None
    if kind.indexer:
        ops += indexer(kind)
    attend = att.attend(s.T, MASKS[kind.mask], s.H_q, s.H_kv, s.h, h_v, scores, borrowed, H_c)
    ops.append(Op("attend", "attention_core", attend))
    if kind.sinks:
        ops.append(Op("sinks", "attention", att.sink(s.T, s.H_q)))
    if kind.inner_norm:
        ops.append(Op("inner_norm", "inner_norm", inner_norm(kind, h_v)))
    if kind.gate:
        ops.append(Op("gated", "attention", att.gate(s.T, s.H_q, h_v, kind.gate == "head", kind.softplus)))
    return [*ops, Op("out", "attention", dense.linear(s.T, s.H_q * h_v, s.d, s.b_o, kind.out_bias))]


def indexer(kind: Attention) -> list[Op]:
    """Scores of all pairs by a few small heads, and the blocks of keys they select."""
    if kind.mask == "tail":
        return pooled_indexer(kind)
    heads = s.H_i + 1
    norms = (dense.norm(s.T * H, s.h_i, kind.qk_norm) for H in (s.H_i, Integer(1)))
    return [
        Op("index.qk", "indexer", dense.linear(s.T, s.d, heads * s.h_i)),
        Op("index.qk_norm", "inner_norm", sum(norms, Cost())),
        Op("index.rope", "indexer", att.rotate(s.T, heads, s.h_r if kind.rotary == "partial" else s.h_i)),
        Op("index", "indexer_core", att.index_blocks(s.T, s.H_i, s.h_i)),
    ]


def pooled_indexer(kind: Attention) -> list[Op]:
    """The same with one key a block: the mean of its keys, normalised and rotated."""
    h_r = s.h_r if kind.rotary == "partial" else s.h
    norms = dense.norm(s.T * s.H_i, s.h_i, kind.qk_norm) + dense.norm(s.T_pool, s.h_i, kind.qk_norm)
    return [
        Op("index.qk", "indexer", dense.linear(s.T, s.d, (s.H_i + 1) * s.h_i)),
        Op("index.pool", "indexer", pooled.mean(s.h_i)),
        Op("index.qk_norm", "inner_norm", norms),
        Op("index.rope", "indexer", att.rotate(s.T * s.H_i + s.T_pool, Integer(1), h_r)),
        Op("index", "indexer_core", pooled.index(s.H_i, s.h_i)),
    ]


def inner_norm(kind: Attention, h_v: Expr) -> Cost:
    """The norm of the heads' output."""
    over = kind.inner_over == "head"
    return dense.norm(s.T * s.H_q, h_v, kind.inner_norm) if over else dense.norm(s.T, s.H_q * h_v, kind.inner_norm)


def qk_norm(kind: Attention) -> Op:
    """The norm of queries and, where they are not another layer's, keys."""
    heads = (s.H_q,) if kind.keys == "borrowed" else (s.H_q, s.H_kv)
    cost = sum((normed(kind, H) for H in heads), Cost())
    return Op("qk_norm", "inner_norm" if dense.NORMS[kind.qk_norm].weights else "attention", cost)


def normed(kind: Attention, H: Expr) -> Cost:
    """The norm of `H` heads a token."""
    if kind.qk_over == "width":
        return dense.norm(s.T, H * s.h, kind.qk_norm)
    weights = H * s.h if kind.qk_over == "heads" else s.h
    return dense.norm(s.T * H, s.h, kind.qk_norm, weights)
