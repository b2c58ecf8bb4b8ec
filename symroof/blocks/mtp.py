"""The operators around the layer of a module that predicts a token further ahead (multi-token prediction).

It joins the output of the last layer with the embedding of the next token. It uses the embedding and the head of the
model.
"""

from collections.abc import Iterable
from dataclasses import replace

from symroof import symbols as s
from symroof.architecture.structure import Frame
from symroof.cost.graph import Block, Op
from symroof.ops import dense

SHARED = ("embedding", "position_embedding", "head")
ROLE = "mtp"


def shared_operators(ops: Iterable[Block | Op]) -> tuple[Op, ...]:
    """Operators of embedding or head as the module runs them: with the weights of the model, but separate norms."""
    run = (op for op in ops if isinstance(op, Op) and op.name != "streams")
    return tuple(_with_shared_weights(op) if op.role in SHARED else op for op in run)


def _with_shared_weights(op: Op) -> Op:
    """The operator with its weights held by another one."""
    return replace(op, cost=replace(op.cost, weight_held=0), shared=True)


def join_operators(frame: Frame) -> list[Op]:
    """Stream and embedding, each normalised, concatenated and projected to the width of the stream."""
    if frame.streams:
        return _join_streams(frame)
    return [
        Op("hidden_norm", "norm", dense.norm(s.T, s.d, frame.norm)),
        Op("embedding_norm", "norm", dense.norm(s.T, s.d, frame.norm)),
        Op("project", ROLE, dense.linear(s.T, 2 * s.d, s.d, s.b_r)),
    ]


def _join_streams(frame: Frame) -> list[Op]:
    """Each of m streams and the embedding, normalised, projected separately and added up."""
    return [
        Op("hidden_norm", "norm", dense.norm(s.T * s.m, s.d, frame.norm)),
        Op("embedding_norm", "norm", dense.norm(s.T, s.d, frame.norm)),
        Op("project.hidden", ROLE, dense.linear(s.T * s.m, s.d, s.d)),
        Op("project.embedding", ROLE, dense.linear(s.T, s.d, s.d)),
        Op("add", ROLE, dense.elements(s.T, (s.m + 1) * s.d, s.m * s.d, s.m * s.d)),
    ]
