"""Tensors of a microbatch that a model saves for the backward pass: those of its operators, each once."""

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
from symroof.training.flops import OUTSIDE, training_rules
from symroof.training.saved_tensors import NORMED, STREAM, Tensor, block_tensors

# Families whose two norms of a layer read the same stream, unless their config says that one follows the other.
SIDE_BY_SIDE = {"gpt_neox": "use_parallel_residual", "falcon": "parallel_attn", "RefinedWeb": "parallel_attn"}
FIELDS = ("vector", "cache_write", "act_read", "act_write", "weight_held")  # of a cost, which saved tensors depend on
LAYER_INPUT = "layer"  # the tensor that is saved of a recomputed layer


@dataclass(frozen=True)
class SavedTensor:
    """A tensor of a microbatch that a block saves in each of `count` layers."""

    block: str
    count: Expr
    tensor: Tensor

    @property
    def size(self) -> Expr:
        """Its bytes in one layer, on all devices that share it; none where the layer is recomputed."""
        return self.tensor.size * (1 if self.block in (*OUTSIDE, LAYER_INPUT) else 1 - s.rho)


def saved_activations(model: Model) -> Iterator[SavedTensor]:
    """The tensors of a microbatch of B sequences of n tokens. Raises UsageError where they are not known."""
    if model.architecture.structure.mtp:
        raise UsageError("saved tensors of multi-token-prediction layers are not known: load the model without mtp")
    stream = s.B * s.n * s.d
    yield SavedTensor("embedding", Integer(1), Tensor("mask", s.theta_d * stream * s.y_m))
    yield SavedTensor(LAYER_INPUT, s.L, Tensor("input", s.rho * stream * s.b_a))
    already = already_saved(model)
    for block, group in groupby(sequence_operators(model), key=lambda row: row[0]):
        rows = list(group)
        for tensor in block_tensors(block, (op for *_, op in rows), already.get(block, frozenset())):
            yield SavedTensor(block, rows[0][1], tensor)


def sequence_operators(model: Model) -> list[tuple[str, Expr, Op]]:
    """(block, how often it runs, operator) in sequences of n tokens, all pairs of them scored; widths stay open."""
    layer = counting.rule_layer(training_rules("full-square"), model.architecture.structure)
    rows = [(path.rpartition("/")[0], count, op) for path, count, op in model.graph().rows()]
    costs = [getattr(op.cost, x) for *_, op in rows for x in FIELDS]
    bound = batch_sums.uniform_binding(layer, costs, {s.c: Integer(0)})

    def on_sequences(op: Op) -> Op:
        return replace(op, cost=op.cost.map(bound))

    return [(block, count, on_sequences(op)) for block, count, op in rows]


def already_saved(model: Model) -> dict[str, frozenset[str]]:
    """Block -> tensors it reads that another operator, of it or of the block before it in a layer, saves.

    The blocks of a custom graph share no tensors.
    """
    flag = SIDE_BY_SIDE.get(model.family, "")
    two = bool(flag) and model.config.flag(flag, absent=True)
    sublayers = () if model.custom else model.architecture.structure.sublayers
    return {x.name: frozenset((*saved_by_previous(x, sublayers, two), *shared_norm_input(x))) for x in sublayers}


def saved_by_previous(x: Sublayer, sublayers: tuple[Sublayer, ...], two_norms: bool) -> Iterator[str]:
    """The tensor that a sublayer and the one before it both read: the output of its norm, or the stream."""
    before = [y.wiring for y in sublayers if y.slot == x.slot - 1 and y.slot >= 0]
    if any(y.norm for y in before) and x.wiring.residual and not (x.wiring.norm or x.wiring.post):
        yield NORMED
    elif before and x.wiring.norm and (two_norms or not any(y.residual for y in before)):
        yield STREAM


def shared_norm_input(x: Sublayer) -> Iterator[str]:
    """The input of the norm of values, where it is also that of the norm of keys."""
    kind = x.kind
    if isinstance(kind, Attention) and kind.keys == "values" and kind.qk_norm and not (kind.rotary and kind.norm_last):
        yield "v_norm"
