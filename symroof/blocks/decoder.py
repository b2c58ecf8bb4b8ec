"""Sublayers: a described kind becomes a block of operators; a structure becomes the graph of a decoder."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

from sympy import Expr

from symroof import symbols as s
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Frame, Kind, Structure, Sublayer
from symroof.blocks import mtp
from symroof.blocks.residual import hyper
from symroof.cost.cost import Cost
from symroof.cost.graph import Block, Op
from symroof.cost.rules import KEPT, renames
from symroof.ops import dense
from symroof.ops.recurrent.convolution_and_state import convolve_added
from symroof.symbols import symbol


def block(x: Sublayer) -> Block:
    """Norm, operators, norm and residual of a kind, run for each of its layers, in the kind's own symbols."""
    ops = hyper.gather(x.wiring.streams) if x.wiring.streams else []
    if x.wiring.norm:
        ops.append(Op("norm", "norm", dense.norm(s.T, s.d, x.wiring.norm)))
    if x.wiring.gated:
        ops += hyper.gate()
    ops += map(recurrent, operators(x.kind))
    if x.wiring.convolved:
        role = "ffn" if isinstance(x.kind, FeedForward | Experts) else "attention"
        ops.append(Op("post_conv", role, convolve_added(s.d)))
    if x.wiring.post:
        ops.append(Op("post_norm", "norm", dense.norm(s.T, s.d, x.wiring.post)))
    if x.wiring.scaled:
        ops.append(Op("scale", "residual", dense.elements(s.T, s.d, s.d, s.d)))
    if x.wiring.streams:
        ops.append(hyper.spread(x.wiring.streams))
    elif x.wiring.blended:
        ops.append(Op("residual", "residual", dense.blend(s.T, s.d, x.wiring.blended)))
    elif x.wiring.residual:
        ops.append(Op("residual", "residual", dense.residual(s.T, s.d, x.wiring.weighed)))
    count = symbol(x.layers) if x.layers else 1
    names = renames(x)
    ops = [replace(op, cost=op.cost.xreplace(KEPT)) for op in ops] if x.kept else ops
    return Block(x.name, tuple(fusible(replace(op, cost=own(op.cost, x, count, names))) for op in ops), count)


def operators(kind: Kind) -> list[Op]:
    """The operators of a kind, by the builder that it names."""
    module, _, function = kind.builder.rpartition(".")
    found: list[Op] = getattr(import_module(f"symroof.blocks.{module}"), function)(kind)
    return found


def recurrent(op: Op) -> Op:
    """Weights of recurrences have a width of their own."""
    return replace(op, cost=op.cost.xreplace({s.b_w: s.b_m})) if op.role == "recurrence" else op


def fusible(op: Op) -> Op:
    """What an elementwise operator reads and writes stays out of memory where it is fused into its neighbours."""
    cost = op.cost
    if cost.matmul or cost.cache_read or cost.cache_write or op.name.startswith("lookup"):
        return op
    return replace(op, cost=replace(cost, act_read=s.psi * cost.act_read, act_write=s.psi * cost.act_write))


def own(cost: Cost, x: Sublayer, count: Any, names: dict[Expr, Expr]) -> Cost:
    """A cost in the symbols of its kind; of weights that layers share, a layer keeps its share."""
    renamed = cost.xreplace(names) if names else cost
    held = renamed.weight_held
    return replace(renamed, weight_held=held * symbol(x.distinct) / count) if x.distinct else renamed


def embedding(frame: Frame) -> Block:
    """Rows of the tables, added up, and what is done to them ahead of the first layer."""
    width = s.d_emb if frame.projected else s.d
    rows = s.V + (1 if frame.spare_row else 0) + (s.V_x if frame.extra_rows else 0)
    ops = [Op("lookup", "embedding", dense.lookup(s.T, width, rows))]
    if frame.projected:
        ops.append(Op("project", "embedding", dense.linear(s.T, s.d_emb, s.d)))
    if frame.positions:
        ops.append(Op("lookup.positions", "position_embedding", dense.lookup_added(s.T, s.d, s.N_pos)))
    if frame.scaled:
        ops.append(Op("scale", "embedding", dense.elements(s.T, s.d, s.d, s.d)))
    if frame.sinusoidal:
        ops.append(Op("positions", "position_embedding", dense.elements(s.T, 2 * s.d, s.d, s.d)))
    if frame.embedding_norm:
        ops.append(Op("norm", "norm", dense.norm(s.T, s.d, frame.embedding_norm)))
    if frame.streams:
        ops.append(hyper.copy())
    return Block("embedding", tuple(map(fusible, ops)))


def head(frame: Frame) -> Block:
    """Where it runs: norm and projection of every new token, logits of R positions; a tied one reads the embedding."""
    width = s.d_emb if frame.projected else s.d
    logits = dense.linear(s.R, width, s.V, width=s.b_emb if frame.tied else s.b_head)
    ops = hyper.head(frame.streams) if frame.streams else []
    if frame.norm:
        ops.append(Op("norm", "norm", dense.run(dense.norm(s.T, s.d, frame.norm), s.delta)))
    if frame.projected:
        ops.append(Op("project", "head", dense.run(dense.linear(s.T, s.d, s.d_emb), s.delta)))
    if frame.head_act:
        ops += transform(frame)
    ops.append(Op("logits", "head", dense.run(logits, s.delta, frame.tied)))
    if frame.head_bias:
        ops.append(Op("bias", "head", dense.run(dense.bias(s.R, s.V), s.delta)))
    if frame.head_scaled:
        ops.append(Op("scale", "head", dense.run(dense.elements(s.R, s.V, s.V, s.V), s.delta)))
    if frame.softcap:
        ops.append(Op("softcap", "head", dense.run(dense.elements(s.R, s.V, s.V, 3 * s.V), s.delta)))
    return Block("head", tuple(map(fusible, ops)))


def transform(frame: Frame) -> list[Op]:
    """A projection, its activation and a norm, ahead of the logits."""
    ops = [
        Op("transform", "head", dense.linear(s.R, s.d, s.d, bias=frame.head_act_bias)),
        Op("act", "head", dense.activate(s.R, s.d, frame.head_act, gated=False)),
        Op("act_norm", "norm", dense.norm(s.R, s.d, frame.norm)),
    ]
    return [replace(op, cost=dense.run(op.cost, s.delta)) for op in ops]


def graph(structure: Structure) -> Block:
    """The whole decoder: embedding, sublayers by kind, head."""
    kinds = (block(x) for x in structure.sublayers)
    ahead = further(structure) if structure.mtp else ()
    return Block("model", (embedding(structure.frame), *kinds, head(structure.frame), *ahead))


def further(structure: Structure) -> Iterator[Block]:
    """A module that predicts a token further ahead: stream and next embedding made one, a layer, the head once more."""
    frame = structure.frame
    table, logits = (mtp.shared(x.children) for x in (embedding(frame), head(frame)))
    yield Block("mtp.join", (*table, *map(fusible, mtp.join(frame))), s.L_mtp)
    yield from map(block, structure.mtp)
    yield Block("mtp.head", logits, s.L_mtp)
