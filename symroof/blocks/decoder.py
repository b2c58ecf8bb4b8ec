"""Sublayers: a described kind becomes a block of operators; a structure becomes the graph of a decoder."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

from sympy import Expr

from symroof import symbols as s
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Frame, Kind, Structure, Sublayer, Wiring
from symroof.blocks import mtp
from symroof.blocks.residual import hyper
from symroof.cost.cost import Cost
from symroof.cost.graph import Block, Op
from symroof.cost.rules import BORROWED_KEYS, kind_symbols
from symroof.ops import dense
from symroof.ops.recurrent.convolution_and_state import convolve_added
from symroof.symbols import symbol


def sublayer_block(x: Sublayer) -> Block:
    """Norm, operators, norm and residual of a kind, run for each of its layers, in the symbols of its sublayer."""
    ops = [*_inputs(x.wiring), *map(_with_recurrence_width, kind_operators(x.kind)), *_outputs(x)]
    if x.logits_only:
        ops = [op.changed(lambda cost: cost.xreplace(BORROWED_KEYS)) for op in ops]
    count, names = symbol(x.layers) if x.layers else 1, kind_symbols(x)
    ops = [op.changed(lambda cost: _in_kind_symbols(cost, x, count, names)) for op in ops]
    return Block(x.name, tuple(map(_fusible, ops)), count)


def _inputs(wiring: Wiring) -> list[Op]:
    """The streams made one, and the norm before the sublayer."""
    ops = hyper.gather_operators(wiring.streams) if wiring.streams else []
    if wiring.norm:
        ops.append(Op("norm", "norm", dense.norm(s.T, s.d, wiring.norm)))
    return ops + (hyper.norm_gate_operators() if wiring.gated else [])


def _outputs(x: Sublayer) -> list[Op]:
    """Convolution, norm and scale of the output, and the residual."""
    ops = []
    if x.wiring.convolved:
        role = "ffn" if isinstance(x.kind, FeedForward | Experts) else "attention"
        ops.append(Op("post_conv", role, convolve_added(s.d)))
    if x.wiring.post:
        ops.append(Op("post_norm", "norm", dense.norm(s.T, s.d, x.wiring.post)))
    if x.wiring.scaled:
        ops.append(Op("scale", "residual", dense.elements(s.T, s.d, s.d, s.d)))
    return [*ops, *_residual(x.wiring)]


def _residual(wiring: Wiring) -> list[Op]:
    """The output added to the residual stream, or to several."""
    if wiring.streams:
        return [hyper.spread_operator(wiring.streams)]
    if wiring.blended:
        return [Op("residual", "residual", dense.blend(s.T, s.d, wiring.blended))]
    return [Op("residual", "residual", dense.residual(s.T, s.d, wiring.weighed))] if wiring.residual else []


def kind_operators(kind: Kind) -> list[Op]:
    """The operators of a kind, by the builder that it names."""
    module, _, function = kind.builder.rpartition(".")
    ops: list[Op] = getattr(import_module(f"symroof.blocks.{module}"), function)(kind)
    return ops


def _with_recurrence_width(op: Op) -> Op:
    """The operator, with the separate width that weights of recurrences have."""
    return replace(op, cost=op.cost.xreplace({s.b_w: s.b_m})) if op.role == "recurrence" else op


def _fusible(op: Op) -> Op:
    """What an elementwise operator reads and writes stays out of memory where it is fused into its neighbours."""
    cost = op.cost
    if cost.matmul or cost.cache_read or cost.cache_write or op.name.startswith("lookup"):
        return op
    return replace(op, cost=replace(cost, act_read=s.psi * cost.act_read, act_write=s.psi * cost.act_write))


def _in_kind_symbols(cost: Cost, x: Sublayer, count: Any, names: dict[Expr, Expr]) -> Cost:
    """A cost in the symbols of a sublayer; of weights that layers share, each layer holds an equal part."""
    renamed = cost.xreplace(names) if names else cost
    held = renamed.weight_held
    return replace(renamed, weight_held=held * symbol(x.distinct) / count) if x.distinct else renamed


def embedding_block(frame: Frame) -> Block:
    """Rows of the tables, added up, and the operators before the first layer."""
    ops = [*_lookups(frame), *_embedding_scales(frame)]
    if frame.embedding_norm:
        ops.append(Op("norm", "norm", dense.norm(s.T, s.d, frame.embedding_norm)))
    if frame.streams:
        ops.append(hyper.copy_operator())
    return Block("embedding", tuple(map(_fusible, ops)))


def _lookups(frame: Frame) -> list[Op]:
    """Rows of the embedding table, projected to the width of the stream, and of the position table."""
    width = s.d_emb if frame.projected else s.d
    rows = s.V + (1 if frame.spare_row else 0) + (s.V_x if frame.extra_rows else 0)
    ops = [Op("lookup", "embedding", dense.lookup(s.T, width, rows))]
    if frame.projected:
        ops.append(Op("project", "embedding", dense.linear(s.T, s.d_emb, s.d)))
    if frame.positions:
        ops.append(Op("lookup.positions", "position_embedding", dense.lookup_added(s.T, s.d, s.N_pos)))
    return ops


def _embedding_scales(frame: Frame) -> list[Op]:
    """The embedding times a constant, and sinusoidal positions added."""
    scale = Op("scale", "embedding", dense.elements(s.T, s.d, s.d, s.d))
    positions = Op("positions", "position_embedding", dense.elements(s.T, 2 * s.d, s.d, s.d))
    return [*([scale] if frame.scaled else []), *([positions] if frame.sinusoidal else [])]


def head_block(frame: Frame) -> Block:
    """Where it runs: norm and projection of every new token, logits of R positions; a tied one reads the embedding."""
    ops = [*_head_inputs(frame), *(_head_transform(frame) if frame.head_act else []), *_logits(frame)]
    return Block("head", tuple(_fusible(_where_head_runs(op, frame)) for op in ops))


def _where_head_runs(op: Op, frame: Frame) -> Op:
    """The operator, run where the rules run the head; tied logits hold no weights."""
    return replace(op, cost=dense.run_times(op.cost, s.delta, tied=frame.tied and op.name == "logits"))


def _head_inputs(frame: Frame) -> list[Op]:
    """The streams made one, their norm, the projection to the width of the table."""
    ops = hyper.head_operators(frame.streams) if frame.streams else []
    if frame.norm:
        ops.append(Op("norm", "norm", dense.norm(s.T, s.d, frame.norm)))
    if frame.projected:
        ops.append(Op("project", "head", dense.linear(s.T, s.d, s.d_emb)))
    return ops


def _head_transform(frame: Frame) -> list[Op]:
    """A projection, its activation and a norm, before the logits."""
    return [
        Op("transform", "head", dense.linear(s.R, s.d, s.d, bias=frame.head_act_bias)),
        Op("act", "head", dense.activate(s.R, s.d, frame.head_act, gated=False)),
        Op("act_norm", "norm", dense.norm(s.R, s.d, frame.norm)),
    ]


def _logits(frame: Frame) -> list[Op]:
    """Logits, their bias, scale and softcap."""
    width = s.d_emb if frame.projected else s.d
    ops = [Op("logits", "head", dense.linear(s.R, width, s.V, width=s.b_emb if frame.tied else s.b_head))]
    if frame.head_bias:
        ops.append(Op("bias", "head", dense.bias(s.R, s.V)))
    if frame.head_scaled:
        ops.append(Op("scale", "head", dense.elements(s.R, s.V, s.V, s.V)))
    if frame.softcap:
        ops.append(Op("softcap", "head", dense.elements(s.R, s.V, s.V, 3 * s.V)))
    return ops


def decoder_graph(structure: Structure) -> Block:
    """The whole decoder: embedding, sublayers by kind, head, modules that predict tokens further ahead."""
    sublayers = map(sublayer_block, structure.sublayers)
    mtp_modules = mtp_blocks(structure) if structure.mtp else ()
    return Block("model", (embedding_block(structure.frame), *sublayers, head_block(structure.frame), *mtp_modules))


def mtp_blocks(structure: Structure) -> Iterator[Block]:
    """A module that predicts a token further ahead: stream and next embedding joined, a layer, the head once more."""
    frame = structure.frame
    table, logits = (mtp.shared_operators(x.children) for x in (embedding_block(frame), head_block(frame)))
    yield Block("mtp.join", (*table, *map(_fusible, mtp.join_operators(frame))), s.L_mtp)
    yield from map(sublayer_block, structure.mtp)
    yield Block("mtp.head", logits, s.L_mtp)
