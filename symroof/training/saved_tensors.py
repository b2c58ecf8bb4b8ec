"""What each operator keeps for its backward pass: of its inputs, those that its gradients are made of.

A matmul by weights keeps its input, one of activations both; norms and activations keep their inputs; sums, rotations
and products with constants keep nothing. What an operator writes is kept by the one that reads it: probabilities of
experts by what multiplies by them. The two numbers a norm may keep of a row are not counted, as they are not by
Korthikanti et al. 2022, arXiv:2205.05198, section 4.1.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sympy import Expr, Integer, Symbol, expand, floor

from symroof import symbols as s
from symroof.cost.graph import Op
from symroof.errors import UsageError

# Devices that share an operator have a part each of what lies between its first projection and its last; what lies
# outside all have in whole, or a part of the sequence each.
WITHIN, OUTSIDE = s.n_t, s.n_q
STREAM, NORMED = "stream", "normed"  # tensors that several operators read, and that are kept once


@dataclass(frozen=True)
class Tensor:
    """A tensor that is kept: its name within the block, its bytes in all, and the number of devices that share it."""

    name: str
    size: Expr
    devices: Symbol = OUTSIDE


Rule = Callable[[Op], tuple[Tensor, ...] | None]  # None where it is not known


def nothing(_: Op) -> tuple[Tensor, ...]:
    """A sum, a rotation, a product with constants."""
    return ()


def inputs(name: str = "", devices: Symbol = OUTSIDE) -> Rule:
    """All that it reads, under a name that other operators may know it by too."""
    return lambda op: (Tensor(name or op.name, op.cost.act_read, devices),)


def weighed(op: Op) -> tuple[Tensor, ...]:
    """What it reads, where it multiplies that by weights."""
    return (Tensor(op.name, op.cost.act_read, WITHIN),) if op.cost.weight_held != 0 else ()


def parted(name: str, devices: Symbol, *sizes: str) -> Rule:
    """What it reads of those sizes, and the rest, which all devices need, apart."""

    def rule(op: Op) -> tuple[Tensor, ...]:
        rest = without(op.cost.act_read, *sizes)
        return Tensor(name, expand(op.cost.act_read - rest), devices), Tensor(f"{op.name}.rest", rest)

    return rule


def core(op: Op) -> tuple[Tensor, ...] | None:
    """Queries, keys and values; the softmax's scores of all pairs, or of each row the logarithm of its sum.

    Scores are whole squares, whatever a mask hides. Under dropout the mask and what it leaves of them are kept too;
    a fused operator makes its mask again. A latent and rotated keys serve all heads.
    """
    heads = [x for x in op.cost.act_read.free_symbols if s.entry(str(x)).base == "H_q"]
    if op.cost.cache_write == 0 or len(heads) != 1:  # the keys are another layer's, or the heads no grouped ones
        return None
    read = without(op.cost.act_read, "r_kv")
    whole = without(read, "H_q", "H_kv")
    rows = s.B * s.n * heads[0]
    scores = rows * s.n * (s.b_a * (1 + capped(op, rows)) + s.theta_d * (s.b_a + s.y_m))
    return (
        Tensor("heads", expand(read - whole), WITHIN),
        Tensor("rotated keys", whole),
        Tensor("scores", s.theta_a * (1 - s.rho_c) * scores, WITHIN),
        Tensor("sums", (1 - s.theta_a) * (1 - s.rho_c) * rows * s.y_l, WITHIN),
    )


def capped(op: Op, rows: Expr) -> Expr:
    """1 where a scaled tanh, which keeps what it writes, is among the operations of a pair beside the softmax's 6.

    It takes 3; a bias by distance takes 2.
    """
    operations = expand(op.cost.vector).coeff(s.n, 2) * s.n / rows
    return floor((operations - 6) / 3)


def sinks(op: Op) -> tuple[Tensor, ...]:
    """One more score a row."""
    rows = s.B * s.n * op.cost.weight_held / s.b_n
    return (Tensor("sink", s.theta_a * (1 - s.rho_c) * rows * s.b_a, WITHIN),)


def logits(op: Op) -> tuple[Tensor, ...]:
    """What is multiplied, and the probabilities that the loss makes of the logits."""
    probabilities = op.cost.act_write * s.y_p / s.b_a
    return Tensor("head", op.cost.act_read), Tensor("probabilities", probabilities, WITHIN)


def summed(op: Op) -> tuple[Tensor, ...] | None:
    """The dropout mask of a residual's branch; a sum whose terms are weighed is not known."""
    return None if op.cost.weight_held != 0 else (Tensor("mask", s.theta_d * op.cost.act_write * s.y_m / s.b_a),)


def without(expr: Expr, *bases: str) -> Expr:
    """An expression without the terms that those sizes are factors of."""
    return expr.xreplace({x: Integer(0) for x in expr.free_symbols if s.entry(str(x)).base in bases})


# Role -> operator -> what it keeps. An operator that is in no row is refused by name.
KEPT: dict[str, dict[str, Rule]] = {
    "embedding": {"lookup": nothing, "project": inputs(), "scale": nothing},
    "position_embedding": {"lookup.positions": nothing, "positions": nothing},
    "norm": {"norm": inputs(STREAM), "post_norm": inputs(), "act_norm": inputs()},
    "inner_norm": {
        "q_norm": inputs(),
        "kv_norm": inputs(),
        "key_norm": inputs(),
        "qk_norm": inputs(devices=WITHIN),
        "v_norm": inputs(devices=WITHIN),
        "inner_norm": inputs(devices=WITHIN),
        "experts.norm": inputs(),
        "latent.norm": inputs(),
        "latent.in_norm": inputs(),
    },
    "attention": {
        "qkv": inputs(NORMED),
        "q": inputs(NORMED),
        "q_a": inputs(NORMED),
        "kv_a": inputs(NORMED),
        "gate": inputs(NORMED),
        "q_b": inputs(),
        "kv_b": inputs(),
        "clip": inputs(devices=WITHIN),
        "qk_norm": inputs(devices=WITHIN),
        "rope": nothing,
        "scale": nothing,
        "gate_bias": nothing,
        "temperature": weighed,
        "sinks": sinks,
        "gated": inputs(devices=WITHIN),
        "out": inputs(devices=WITHIN),
    },
    "attention_core": {"attend": core},
    "ffn": {
        "up": inputs(NORMED),
        "gate_up": inputs(NORMED),
        "act": inputs(devices=WITHIN),
        "down": inputs(devices=WITHIN),
        "factor": inputs(),
    },
    "router": {
        "router.norm": inputs(STREAM),
        "router": inputs(NORMED),
        "router.factor": inputs(),
        "router.scale": inputs(),
        "dispatch": parted(NORMED, OUTSIDE, "d", "d_lat"),
    },
    "routed_experts": {
        "experts.up": inputs("experts"),
        "experts.gate_up": inputs("experts"),
        "experts.act": inputs(devices=WITHIN),
        "experts.down": inputs(devices=WITHIN),
        "combine": nothing,
        "bias": nothing,
    },
    "shared_experts": {
        "shared.up": inputs(NORMED),
        "shared.gate_up": inputs(NORMED),
        "shared.act": inputs(devices=WITHIN),
        "shared.weighed": parted("shared.weighed", WITHIN, "f_s"),
        "shared.down": inputs(devices=WITHIN),
        "shared.gate": inputs(NORMED),
        "shared.gated": inputs(),
        "shared.add": nothing,
    },
    "latent_proj": {"latent.down": inputs(NORMED), "latent.up": inputs()},
    "residual": {"residual": summed, "add": nothing, "scale": nothing},
    "head": {
        "project": inputs(),
        "transform": inputs(),
        "act": inputs(),
        "logits": logits,
        "bias": nothing,
        "scale": nothing,
        "softcap": inputs(devices=WITHIN),
    },
}


def tensors(block: str, ops: Iterable[Op], already: frozenset[str] = frozenset()) -> Iterator[Tensor]:
    """What the operators of a block keep, each tensor once; none of those that another block keeps `already`.

    A tensor is known by name and size; an operator with a norm of its own ahead reads what that writes.
    Raises UsageError, which names the operator, where that is not known.
    """
    ops = list(ops)
    names, found = {op.name for op in ops}, set()
    for op in ops:
        for x in of(block, op):
            tensor = replace(x, name=op.name) if f"{op.name}.norm" in names else x
            if tensor.size != 0 and tensor.name not in already and tensor not in found:
                found.add(tensor)
                yield tensor


def of(block: str, op: Op) -> tuple[Tensor, ...]:
    """What one operator keeps."""
    rule = KEPT.get(op.role, {}).get(op.name)
    found = rule(op) if rule else None
    if found is None:
        told = f"what {block}/{op.name} keeps for the backward pass is not known"
        raise UsageError(f"{told}: it is of dense, routed and latent attention models, from keys of a layer's own")
    return found
