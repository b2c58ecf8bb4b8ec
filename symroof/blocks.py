"""Sublayers: a described kind becomes a block of operators."""

from collections.abc import Callable
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.architecture import Attention, Experts, FeedForward, Structure
from symroof.graph import Block, Op
from symroof.masks import MASKS
from symroof.ops import attention as att
from symroof.ops import dense
from symroof.ops import experts as moe


def symbol(name: str) -> Symbol:
    """The vocabulary's symbol of that name."""
    return s.VOCABULARY[name].symbol


def sublayer(kind: Any, *ops: Op) -> Block:
    """Norm, operators and residual, run for every layer of the kind."""
    norm = Op("norm", "norm", dense.rms_norm(s.T, s.d))
    add = Op("residual", "residual", dense.residual(s.T, s.d))
    return Block(kind.name, (norm, *ops, add), symbol(kind.layers))


def attention(kind: Attention) -> Block:
    """Project, rotate, attend, project."""
    heads = s.H_q + 2 * s.H_kv
    ops = [Op("qkv", "attention", dense.linear(s.T, s.d, s.h * heads, bias=kind.bias))]
    if kind.rope:
        ops.append(Op("rope", "attention", att.rotate(s.T, s.H_q + s.H_kv, s.h)))
    if kind.qk_norm:
        ops.append(Op("qk_norm", "attention", dense.l2_norm(s.T * (s.H_q + s.H_kv), s.h)))
    if kind.temperature:
        ops.append(Op("temperature", "attention", att.scale(s.T, s.H_q, s.h)))
    attend = att.attend(s.T, MASKS[kind.mask], s.H_q, s.H_kv, s.h)
    out = dense.linear(s.T, s.H_q * s.h, s.d, bias=kind.bias)
    return sublayer(kind, *ops, Op("attend", "attention_core", attend), Op("out", "attention", out))


def gated(prefix: str, role: str, width: Expr, act: str, bias: bool) -> list[Op]:
    """Gate and up projections in one, activation, down projection."""
    return [
        Op(prefix + "gate_up", role, dense.linear(s.T, s.d, 2 * width, bias=bias)),
        Op(prefix + "act", role, dense.activate(s.T, width, act)),
        Op(prefix + "down", role, dense.linear(s.T, width, s.d, bias=bias)),
    ]


def feed_forward(kind: FeedForward) -> Block:
    """A dense gated network."""
    return sublayer(kind, *gated("", "ffn", symbol(kind.width), kind.act, kind.bias))


def experts(kind: Experts) -> Block:
    """Route, send to experts, run them and the shared one, add up."""
    width, rows = symbol(kind.width), s.T * s.k_run
    ops = [
        Op("router", "router", moe.route(s.T, s.d)),
        Op("dispatch", "router", moe.dispatch(s.T, s.d)),
        Op("experts.gate_up", "routed_experts", moe.expert_linear(s.T, s.d, 2 * width)),
        Op("experts.act", "routed_experts", dense.activate(rows, width, kind.act)),
        Op("experts.down", "routed_experts", moe.expert_linear(s.T, width, s.d)),
    ]
    if kind.shared:
        ops += gated("shared.", "shared_experts", symbol(kind.shared), kind.act, bias=False)
    return sublayer(kind, *ops, Op("combine", "routed_experts", moe.combine(s.T, s.d, bool(kind.shared))))


BUILDERS: dict[type, Callable[[Any], Block]] = {
    Attention: attention,
    FeedForward: feed_forward,
    Experts: experts,
}


def head(tied: bool) -> Block:
    """Where it runs: final norm of every new token, logits of R positions; a tied head reads the embedding."""
    logits = dense.linear(s.R, s.d, s.V, width=s.b_emb if tied else s.b_head)
    norm = Op("norm", "norm", dense.run(dense.rms_norm(s.T, s.d), s.delta))
    return Block("head", (norm, Op("logits", "head", dense.run(logits, s.delta, tied))))


def graph(structure: Structure) -> Block:
    """The whole decoder: embedding, sublayers by kind, head."""
    embedding = Block("embedding", (Op("lookup", "embedding", dense.lookup(s.T, s.d, s.V)),))
    kinds = (BUILDERS[type(kind)](kind) for kind in structure.sublayers)
    return Block("model", (embedding, *kinds, head(structure.tied)))
