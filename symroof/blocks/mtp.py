"""What a module that predicts a token further ahead has around its layer (multi-token prediction).

It takes the stream as the last layer leaves it and the embedding of the next token, and makes them one. Embedding and
head are the model's own.
"""

from collections.abc import Iterable
from dataclasses import replace

from symroof import symbols as s
from symroof.architecture.structure import Frame
from symroof.cost.graph import Block, Op
from symroof.ops import dense

SHARED = ("embedding", "position_embedding", "head")
ROLE = "mtp"


def shared(ops: Iterable[Block | Op]) -> tuple[Op, ...]:
    """Operators of embedding or head as the module runs them: with weights kept once, but norms of its own."""
    found = (op for op in ops if isinstance(op, Op) and op.name != "streams")
    return tuple(once(op) if op.role in SHARED else op for op in found)


def once(op: Op) -> Op:
    """The operator with its weights kept elsewhere."""
    return replace(op, cost=replace(op.cost, weight_held=0), shared=True)


def join(frame: Frame) -> list[Op]:
    """Stream and embedding, each normalised, side by side and projected to one."""
    if frame.streams:
        return join_streams(frame)
    return [
        Op("hidden_norm", "norm", dense.norm(s.T, s.d, frame.norm)),
        Op("embedding_norm", "norm", dense.norm(s.T, s.d, frame.norm)),
        Op("project", ROLE, dense.linear(s.T, 2 * s.d, s.d, s.b_r)),
    ]


def join_streams(frame: Frame) -> list[Op]:
    """Each of m streams and the embedding, normalised, projected apart and added up."""
    return [
        Op("hidden_norm", "norm", dense.norm(s.T * s.m, s.d, frame.norm)),
        Op("embedding_norm", "norm", dense.norm(s.T, s.d, frame.norm)),
        Op("project.hidden", ROLE, dense.linear(s.T * s.m, s.d, s.d)),
        Op("project.embedding", ROLE, dense.linear(s.T, s.d, s.d)),
        Op("add", ROLE, dense.elements(s.T, (s.m + 1) * s.d, s.m * s.d, s.m * s.d)),
    ]
