"""Attention over grouped heads: project, normalise, rotate, attend, gate, project."""

from sympy import Expr, Integer, factor_terms

from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.cost.cost import Cost, sum_costs
from symroof.cost.graph import Op
from symroof.cost.masks import MASKS
from symroof.ops import dense
from symroof.ops.attention import grouped as att
from symroof.ops.attention import pooled
from symroof.ops.attention.softmax import scores_and_values


def build_attention(kind: Attention) -> list[Op]:
    """The operators of one layer between norm and residual."""
    return [*_projections(kind), *_norms_and_positions(kind), *_core(kind), *_outputs(kind)]


def _projections(kind: Attention) -> list[Op]:
    """Queries, keys, values and gates, projected from the input."""
    width, rank = (2 * s.d if kind.doubled else s.d), s.r_q
    projected = _query_elements(kind) + _key_elements(kind)
    ops = [Op("norm", "norm", dense.norm(s.T, width))] if kind.doubled else []
    ops.append(Op("qkv", "attention", dense.linear(s.T, width, factor_terms(projected), bias=kind.bias)))
    if kind.low_rank:
        ops.append(Op("q_norm", "inner_norm", dense.norm(s.T, rank)))
        ops.append(Op("q", "attention", dense.linear(s.T, rank, s.H_q * s.h)))
    if kind.clip:
        ops.append(Op("clip", "attention", dense.clamp(s.T, projected)))
    return ops + _gate_projections(kind)


def _value_size(kind: Attention) -> Expr:
    """Elements of a value head."""
    return s.h_v if kind.values else s.h


def _query_elements(kind: Attention) -> Expr:
    """What a token's queries have, with gates where those are projected together, or their latent."""
    return s.r_q if kind.low_rank else s.H_q * (s.h + _value_size(kind)) if kind.gate == "full" else s.H_q * s.h


def _key_elements(kind: Attention) -> Expr:
    """What the keys and values of a token have, as far as this layer projects them."""
    return {"projected": s.H_kv * (s.h + _value_size(kind)), "values": s.H_kv * s.h, "borrowed": Integer(0)}[kind.keys]


def _gate_projections(kind: Attention) -> list[Op]:
    """Gates that are not projected together with queries, and the bias of gates."""
    gates = {"head": s.H_q, "separate": s.H_q * _value_size(kind)}
    ops = [Op("gate", "attention", dense.linear(s.T, s.d, gates[kind.gate]))] if kind.gate in gates else []
    if kind.gate_bias:
        ops.append(Op("gate_bias", "attention", att.gate_bias(s.T, s.H_q, _value_size(kind))))
    return ops


def _norms_and_positions(kind: Attention) -> list[Op]:
    """Queries, keys and values normalised, queries and keys rotated."""
    rotated = s.H_q if kind.keys == "borrowed" else s.H_q + s.H_kv
    norm = [_qk_norm(kind)] if kind.qk_norm else []
    ops = [] if kind.norm_last else [*norm]
    if kind.value_norm and kind.keys != "borrowed":
        ops.append(Op("v_norm", "inner_norm", dense.norm(s.T * s.H_kv, _value_size(kind), kind.value_norm)))
    if kind.rotary:
        ops.append(Op("rope", "attention", att.rotate(s.T, rotated, s.h_r if kind.rotary == "partial" else s.h)))
    ops += norm if kind.norm_last else []
    if kind.temperature:
        ops.append(Op("temperature", "attention", att.scale_heads(s.T, s.H_q, s.h)))
    return ops


def _core(kind: Attention) -> list[Op]:
    """Which keys are seen, and attention to them."""
    mask = MASKS[kind.mask]
    scores = (2 if kind.alibi else 0) + (3 if kind.softcap else 0) + (1 if kind.dynamic else 0)
    borrowed, H_c = kind.keys == "borrowed", s.H_c if kind.repeated else None
    attend = att.grouped_attention(s.T, mask, s.H_q, s.H_kv, s.h, _value_size(kind), scores, borrowed, H_c)
    ops = []
    if kind.dynamic:
        masks = att.key_mask(s.T, mask, s.H_kv, s.h, kind.bias)
        ops, attend = [Op("mask", "attention", masks)], attend + Cost(act_read=masks.act_write)
    ops += _block_indexer(kind) if kind.indexer else []
    products = scores_and_values(mask.pairs * s.H_q, s.T * s.H_q, s.h, _value_size(kind))
    return [*ops, Op("attend", "attention_core", attend, products=products)]


def _outputs(kind: Attention) -> list[Op]:
    """What follows the scores: sinks, norm and gate of the heads' output, its projection."""
    h_v = _value_size(kind)
    ops = [Op("sinks", "attention", att.attention_sink(s.T, s.H_q))] if kind.sinks else []
    if kind.inner_norm:
        ops.append(Op("inner_norm", "inner_norm", _inner_norm(kind, h_v)))
    if kind.gate:
        ops.append(Op("gated", "attention", att.gate_heads(s.T, s.H_q, h_v, kind.gate == "head", kind.softplus)))
    return [*ops, Op("out", "attention", dense.linear(s.T, s.H_q * h_v, s.d, s.b_o, kind.out_bias))]


def _block_indexer(kind: Attention) -> list[Op]:
    """Scores of all pairs by a few small heads, and the blocks of keys they select."""
    if kind.mask == "tail":
        return _pooled_indexer(kind)
    heads = s.H_i + 1
    norms = (dense.norm(s.T * H, s.h_i, kind.qk_norm) for H in (s.H_i, Integer(1)))
    return [
        Op("index.qk", "indexer", dense.linear(s.T, s.d, heads * s.h_i)),
        Op("index.qk_norm", "inner_norm", sum_costs(norms)),
        Op("index.rope", "indexer", att.rotate(s.T, heads, s.h_r if kind.rotary == "partial" else s.h_i)),
        Op("index", "indexer_core", att.index_blocks(s.T, s.H_i, s.h_i)),
    ]


def _pooled_indexer(kind: Attention) -> list[Op]:
    """The same with one key per block: the mean of its keys, normalised and rotated."""
    h_r = s.h_r if kind.rotary == "partial" else s.h
    norms = dense.norm(s.T * s.H_i, s.h_i, kind.qk_norm) + dense.norm(s.T_pool, s.h_i, kind.qk_norm)
    return [
        Op("index.qk", "indexer", dense.linear(s.T, s.d, (s.H_i + 1) * s.h_i)),
        Op("index.pool", "indexer", pooled.pool_mean(s.h_i)),
        Op("index.qk_norm", "inner_norm", norms),
        Op("index.rope", "indexer", att.rotate(s.T * s.H_i + s.T_pool, Integer(1), h_r)),
        Op("index", "indexer_core", pooled.index_pooled(s.H_i, s.h_i)),
    ]


def _inner_norm(kind: Attention, h_v: Expr) -> Cost:
    """The norm of the heads' output."""
    rows, width = (s.T * s.H_q, h_v) if kind.inner_over == "head" else (s.T, s.H_q * h_v)
    return dense.norm(rows, width, kind.inner_norm)


def _qk_norm(kind: Attention) -> Op:
    """The norm of queries and, unless they are borrowed from another layer, keys."""
    heads = (s.H_q,) if kind.keys == "borrowed" else (s.H_q, s.H_kv)
    cost = sum_costs(_head_norm(kind, H) for H in heads)
    return Op("qk_norm", "inner_norm" if dense.NORMS[kind.qk_norm].weights else "attention", cost)


def _head_norm(kind: Attention, H: Expr) -> Cost:
    """The norm of `H` heads per token."""
    if kind.qk_over == "width":
        return dense.norm(s.T, H * s.h, kind.qk_norm)
    weights = H * s.h if kind.qk_over == "heads" else s.h
    return dense.norm(s.T * H, s.h, kind.qk_norm, weights)
