"""What a model keeps of a microbatch for the backward pass: the tensors of its operators, each once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Sublayer
from symroof.cost import batch_sums
from symroof.cost import rules as counting
from symroof.cost.graph import Op
from symroof.errors import UsageError
from symroof.model.model import Model
from symroof.training.flops import OUTSIDE, in_training
from symroof.training.saved_tensors import NORMED, STREAM, Tensor, tensors

# Families whose two norms of a layer read the same stream, unless their config says that one follows the other.
SIDE_BY_SIDE = {"gpt_neox": "use_parallel_residual", "falcon": "parallel_attn", "RefinedWeb": "parallel_attn"}
LAYER_INPUT = "layer"  # what is kept of a layer that is computed again


@dataclass(frozen=True)
class Kept:
    """A tensor that each of `count` layers keeps of a microbatch, and the block that does."""

    block: str
    count: Expr
    tensor: Tensor

    @property
    def size(self) -> Expr:
        """Its bytes of one layer, on all devices that share it; none where the layer is computed again."""
        return self.tensor.size * (1 if self.block in (*OUTSIDE, LAYER_INPUT) else 1 - s.rho)


def kept(model: Model) -> Iterator[Kept]:
    """What the model keeps of a microbatch of B sequences of n tokens. Raises UsageError where that is not known."""
    if model.architecture.structure.mtp:
        raise UsageError("what modules that predict further ahead keep is not known: load the model without mtp")
    token = s.B * s.n * s.d
    yield Kept("embedding", Integer(1), Tensor("mask", s.theta_d * token * s.y_m))
    yield Kept(LAYER_INPUT, s.L, Tensor("input", s.rho * token * s.b_a))
    already = known_as(model)
    for block, rows in groupby(operators(model), key=lambda row: row[0]):
        found = list(rows)
        for tensor in tensors(block, (op for *_, op in found), already.get(block, frozenset())):
            yield Kept(block, found[0][1], tensor)


def operators(model: Model) -> list[tuple[str, Expr, Op]]:
    """(block, how often it runs, operator) of sequences of n tokens, all pairs of them scored; widths stay open."""
    layer = counting.layer(in_training("full-square"), model.architecture.structure)
    rows = [(path.rpartition("/")[0], count, op) for path, count, op in model.graph().rows()]
    fields = ("vector", "cache_write", "act_read", "act_write", "weight_held")
    bound = batch_sums.bound(layer, (getattr(op.cost, x) for *_, op in rows for x in fields), {s.c: Integer(0)})

    def on_sequences(op: Op) -> Op:
        return replace(op, cost=replace(op.cost, **{x: bound(getattr(op.cost, x)) for x in fields}))

    return [(block, count, on_sequences(op)) for block, count, op in rows]


def known_as(model: Model) -> dict[str, frozenset[str]]:
    """Block -> tensors that it reads as another operator, of it or of the block before it in a layer, does.

    The blocks of a graph of one's own are taken to read a tensor of their own each.
    """
    flag = SIDE_BY_SIDE.get(model.family, "")
    two = bool(flag) and model.config.flag(flag, absent=True)
    sublayers = () if model.own else model.architecture.structure.sublayers
    return {x.name: frozenset((*beside(x, sublayers, two), *keys_as_values(x))) for x in sublayers}


def beside(x: Sublayer, sublayers: tuple[Sublayer, ...], two_norms: bool) -> Iterator[str]:
    """What a sublayer reads that the one before it keeps: what its norm gives, or the stream ahead of both norms."""
    before = [y.wiring for y in sublayers if y.slot == x.slot - 1 and y.slot >= 0]
    if any(y.norm for y in before) and x.wiring.residual and not (x.wiring.norm or x.wiring.post):
        yield NORMED
    elif before and x.wiring.norm and (two_norms or not any(y.residual for y in before)):
        yield STREAM


def keys_as_values(x: Sublayer) -> Iterator[str]:
    """The input of the norm of values, where it is that of the norm of keys."""
    kind = x.kind
    if isinstance(kind, Attention) and kind.keys == "values" and kind.qk_norm and not (kind.rotary and kind.norm_last):
        yield "v_norm"
