"""Tensors that each operator saves for its backward pass: the inputs that its gradients need.

A matmul by weights saves its input, one of activations both; norms and activations save their inputs; sums, rotations
and products with constants save nothing. An output is saved by the operator that reads it: probabilities of experts by
the product with them. The two numbers per row that a norm may save are not counted, as in Korthikanti et al. 2022,
arXiv:2205.05198, section 4.1.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sympy import Expr, Integer, Symbol, expand, floor

from symroof import symbols as s
from symroof.cost.graph import Op
from symroof.errors import UsageError

# Devices that share an operator each have a part of the tensors between its first projection and its last; of those
# outside, all have the whole, or a part of the sequence each.
WITHIN, OUTSIDE = s.n_t, s.n_q
STREAM, NORMED = "stream", "normed"  # tensors that several operators read, and that are saved once


@dataclass(frozen=True)
class Tensor:
    """A saved tensor: its name within the block, its bytes in total, and the number of devices that share it."""

    name: str
    size: Expr
    devices: Symbol = OUTSIDE


Rule = Callable[[Op], tuple[Tensor, ...] | None]  # None where the tensors are not known


def saves_nothing(_: Op) -> tuple[Tensor, ...]:
    """A sum, a rotation or a product with constants: no tensor."""
    return ()


def saves_inputs(name: str = "", devices: Symbol = OUTSIDE) -> Rule:
    """All inputs, under a name by which other operators may save them too."""
    return lambda op: (Tensor(name or op.name, op.cost.act_read, devices),)


def saves_weighted_input(op: Op) -> tuple[Tensor, ...]:
    """The inputs, where they are multiplied by weights."""
    return (Tensor(op.name, op.cost.act_read, WITHIN),) if op.cost.weight_held != 0 else ()


def saves_partly_shared(name: str, devices: Symbol, *sizes: str) -> Rule:
    """The inputs of those sizes, and separately the rest, which all devices need."""

    def rule(op: Op) -> tuple[Tensor, ...]:
        rest = without_sizes(op.cost.act_read, *sizes)
        return Tensor(name, expand(op.cost.act_read - rest), devices), Tensor(f"{op.name}.rest", rest)

    return rule


def saved_by_attention(op: Op) -> tuple[Tensor, ...] | None:
    """Queries, keys and values; the softmax's scores of all pairs, or of each row the logarithm of its sum.

    A latent and rotated keys serve all heads.
    """
    heads = [x for x in op.cost.act_read.free_symbols if s.entry(str(x)).base == "H_q"]
    if op.cost.cache_write == 0 or len(heads) != 1:  # keys of another layer, or heads that are not grouped
        return None
    inputs, rows = without_sizes(op.cost.act_read, "r_kv"), s.B * s.n * heads[0]
    rotated = without_sizes(inputs, "H_q", "H_kv")
    return (
        Tensor("heads", expand(inputs - rotated), WITHIN),
        Tensor("rotated keys", rotated),
        Tensor("scores", s.theta_a * (1 - s.rho_c) * score_bytes(op, rows), WITHIN),
        Tensor("sums", (1 - s.theta_a) * (1 - s.rho_c) * rows * s.y_l, WITHIN),
    )


def score_bytes(op: Op, rows: Expr) -> Expr:
    """Bytes of the scores: full squares under any mask; with dropout, its mask and the scores after it too.

    A fused operator computes its dropout mask again.
    """
    return rows * s.n * (s.b_a * (1 + softcap_count(op, rows)) + s.theta_d * (s.b_a + s.y_m))


def softcap_count(op: Op, rows: Expr) -> Expr:
    """1 where the operations per pair, of which softmax takes 6, include a scaled tanh, whose output is saved.

    It takes 3; a bias by distance takes 2.
    """
    operations = expand(op.cost.vector).coeff(s.n, 2) * s.n / rows
    return floor((operations - 6) / 3)


def saved_by_sinks(op: Op) -> tuple[Tensor, ...]:
    """One more score per row."""
    rows = s.B * s.n * op.cost.weight_held / s.b_n
    return (Tensor("sink", s.theta_a * (1 - s.rho_c) * rows * s.b_a, WITHIN),)


def saved_by_logits(op: Op) -> tuple[Tensor, ...]:
    """The input of the head, and the probabilities that the loss computes from the logits."""
    probabilities = op.cost.act_write * s.y_p / s.b_a
    return Tensor("head", op.cost.act_read), Tensor("probabilities", probabilities, WITHIN)


def saved_by_residual(op: Op) -> tuple[Tensor, ...] | None:
    """The dropout mask of a residual branch; not known for a weighted sum."""
    return None if op.cost.weight_held != 0 else (Tensor("mask", s.theta_d * op.cost.act_write * s.y_m / s.b_a),)


def without_sizes(expr: Expr, *bases: str) -> Expr:
    """An expression without the terms that have those sizes as factors."""
    return expr.xreplace({x: Integer(0) for x in expr.free_symbols if s.entry(str(x)).base in bases})


# Role -> operator -> the tensors it saves. An operator in no row is an error.
SAVED: dict[str, dict[str, Rule]] = {
    "embedding": {"lookup": saves_nothing, "project": saves_inputs(), "scale": saves_nothing},
    "position_embedding": {"lookup.positions": saves_nothing, "positions": saves_nothing},
    "norm": {"norm": saves_inputs(STREAM), "post_norm": saves_inputs(), "act_norm": saves_inputs()},
    "inner_norm": {
        "q_norm": saves_inputs(),
        "kv_norm": saves_inputs(),
        "key_norm": saves_inputs(),
        "qk_norm": saves_inputs(devices=WITHIN),
        "v_norm": saves_inputs(devices=WITHIN),
        "inner_norm": saves_inputs(devices=WITHIN),
        "experts.norm": saves_inputs(),
        "latent.norm": saves_inputs(),
        "latent.in_norm": saves_inputs(),
    },
    "attention": {
        "qkv": saves_inputs(NORMED),
        "q": saves_inputs(NORMED),
        "q_a": saves_inputs(NORMED),
        "kv_a": saves_inputs(NORMED),
        "gate": saves_inputs(NORMED),
        "q_b": saves_inputs(),
        "kv_b": saves_inputs(),
        "clip": saves_inputs(devices=WITHIN),
        "qk_norm": saves_inputs(devices=WITHIN),
        "rope": saves_nothing,
        "scale": saves_nothing,
        "gate_bias": saves_nothing,
        "temperature": saves_weighted_input,
        "sinks": saved_by_sinks,
        "gated": saves_inputs(devices=WITHIN),
        "out": saves_inputs(devices=WITHIN),
    },
    "attention_core": {"attend": saved_by_attention},
    "ffn": {
        "up": saves_inputs(NORMED),
        "gate_up": saves_inputs(NORMED),
        "act": saves_inputs(devices=WITHIN),
        "down": saves_inputs(devices=WITHIN),
        "factor": saves_inputs(),
    },
    "router": {
        "router.norm": saves_inputs(STREAM),
        "router": saves_inputs(NORMED),
        "router.factor": saves_inputs(),
        "router.scale": saves_inputs(),
        "dispatch": saves_partly_shared(NORMED, OUTSIDE, "d", "d_lat"),
    },
    "routed_experts": {
        "experts.up": saves_inputs("experts"),
        "experts.gate_up": saves_inputs("experts"),
        "experts.act": saves_inputs(devices=WITHIN),
        "experts.down": saves_inputs(devices=WITHIN),
        "combine": saves_nothing,
        "bias": saves_nothing,
    },
    "shared_experts": {
        "shared.up": saves_inputs(NORMED),
        "shared.gate_up": saves_inputs(NORMED),
        "shared.act": saves_inputs(devices=WITHIN),
        "shared.weighed": saves_partly_shared("shared.weighed", WITHIN, "f_s"),
        "shared.down": saves_inputs(devices=WITHIN),
        "shared.gate": saves_inputs(NORMED),
        "shared.gated": saves_inputs(),
        "shared.add": saves_nothing,
    },
    "latent_proj": {"latent.down": saves_inputs(NORMED), "latent.up": saves_inputs()},
    "residual": {"residual": saved_by_residual, "add": saves_nothing, "scale": saves_nothing},
    "head": {
        "project": saves_inputs(),
        "transform": saves_inputs(),
        "act": saves_inputs(),
        "logits": saved_by_logits,
        "bias": saves_nothing,
        "scale": saves_nothing,
        "softcap": saves_inputs(devices=WITHIN),
    },
}


def block_tensors(block: str, ops: Iterable[Op], already: frozenset[str] = frozenset()) -> Iterator[Tensor]:
    """The tensors that the operators of a block save, each once, without those that another block saves `already`.

    Tensors are equal by name and size; an operator with a separate norm before it reads the output of that.
    Raises UsageError, which names the operator, where they are not known.
    """
    ops = list(ops)
    names = {op.name for op in ops}
    tensors = (
        replace(x, name=op.name) if f"{op.name}.norm" in names else x for op in ops for x in operator_tensors(block, op)
    )
    yield from dict.fromkeys(x for x in tensors if x.size != 0 and x.name not in already)


def operator_tensors(block: str, op: Op) -> tuple[Tensor, ...]:
    """The tensors that one operator saves. Raises UsageError where they are not known."""
    rule = SAVED.get(op.role, {}).get(op.name)
    tensors = rule(op) if rule else None
    if tensors is None:
        known = "known are dense, routed and latent attention models whose layers compute keys themselves"
        raise UsageError(f"the tensors that {block}/{op.name} saves for the backward pass are not known: {known}")
    return tensors
