"""One device's share of a model that is split over several: what it computes, reads and sends; closed forms.

Work is split evenly. A layer's block (attention, mlp, moe, ...) is split by

    data      tokens: each device has all weights and a part of the tokens; gradients are summed (all-reduce). Or
              `sharded`: each stores a part of the weights too, gathers the others before use, forward and backward, and
              its part of the gradients is scattered to it (FSDP; ZeRO 3, Rajbhandari et al. 2020, arXiv:1910.02054)
    tensor    columns of the first matrices and rows of the last: what a block reads is gathered and what it adds to
              the residual stream is scattered, as sums (Shoeybi et al. 2019, arXiv:1909.08053; Korthikanti et al. 2022,
              arXiv:2205.05198); the backward pass does so with gradients, and reuses what was gathered
    both      at once, each over separate links
    experts   experts: tokens are sent to the devices that have theirs, and back

Gradients are in the format of their weights. Elementwise operations and the update of weights are not counted. Each
block gathers and scatters by itself; attention and a network in parallel, on one input, could share that.
"""

from dataclasses import dataclass
from typing import Any

from sympy import Dummy, Expr, Integer, Min, Symbol, factor, solve

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost.graph import Block, Op
from symroof.cost.rules import BACKWARD
from symroof.errors import UnknownName, UsageError
from symroof.model.model import Model, Rules, Source, as_model
from symroof.ops.collectives import ALONE, Network, all_gather, all_reduce, all_to_all, reduce_scatter
from symroof.results import Result

# Operators that can be split by heads, hidden units or experts, and those that go with them.
CUT = ("attention", "attention_core", "ffn", "routed_experts", "shared_experts")
ALONG = ("norm", "inner_norm", "residual", "router")
WORK = ("matmul_flops", "weight_bytes")  # what a share computes and reads


@dataclass(frozen=True, repr=False)
class Share:
    """A device's share of a pass through a block: matmul FLOP, bytes of weights it reads, bytes on its busiest link."""

    matmul: Expr
    read: Expr
    sent: Expr

    def __add__(self, other: "Share") -> "Share":
        """One after the other."""
        return Share(self.matmul + other.matmul, self.read + other.read, self.sent + other.sent)

    def __repr__(self) -> str:
        return f"<symroof share: {self.matmul} FLOP, reads {self.read} B, sends {self.sent} B>"

    @property
    def seconds(self) -> dict[str, Expr]:
        """Closed forms of what it takes at the peaks: compute, memory (weights alone), link."""
        return {"compute": self.matmul / s.F, "memory": self.read / s.W, "link": self.sent / s.W_l}

    def critical(self, x: Symbol, against: str = "compute") -> tuple[Expr, ...]:
        """Each positive `x` at which sending takes as long as computing, or as reading weights (`against` memory).

        Empty where there is none. Raises UnknownName; UsageError where it has no closed form.
        """
        if against not in ("compute", "memory"):
            raise UnknownName("time to send in", against, ("compute", "memory"))
        positive = Dummy(str(x), positive=True)
        gap = (self.seconds[against] - self.seconds["link"]).subs(x, positive)
        try:
            return tuple(map(factor, solve(gap, positive)))
        except NotImplementedError:
            cure = f"put a number or a plain expression for each Min, Max and floor that has {x}"
            raise UsageError(f"no closed form for {x} where {against} and link take as long: {cure}") from None

    def to_dict(self) -> dict[str, str]:
        """The closed forms as Python expressions."""
        return {"matmul": str(self.matmul), "read": str(self.read), "sent": str(self.sent)}


@dataclass(frozen=True, repr=False)
class Split(Result):
    """A block of a model split over devices: each one's share of a forward and of a backward pass."""

    model: str
    block: str
    networks: dict[str, Network]  # by what is split over it
    forward: Share
    backward: Share

    @property
    def step(self) -> Share:
        """Both passes of training."""
        return self.forward + self.backward

    def closed_forms(self) -> dict[str, Any]:
        """What a device computes, reads and sends in a forward and in a backward pass."""
        return {
            f"{name} {key}": getattr(share, key)
            for name, share in (("forward", self.forward), ("backward", self.backward))
            for key in ("matmul", "read", "sent")
        }

    def __repr__(self) -> str:
        over = ", ".join(f"{name} over a {net.name} of {net.n}" for name, net in self.networks.items())
        return f"<symroof split of {self.model} {self.block}: {over or 'one device'}; sends {self.forward.sent} B>"

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON has it."""
        over = {name: {"network": net.name, "devices": str(net.n)} for name, net in self.networks.items()}
        passes = {"forward": self.forward.to_dict(), "backward": self.backward.to_dict()}
        return {"model": self.model, "block": self.block, "over": over, **passes}


def split(
    model: Model | Source,
    block: str = "",
    data: Network = ALONE,
    tensor: Network = ALONE,
    sharded: bool = False,
    rules: Rules = "standard",
) -> Split:
    """A block of one layer (`mlp`), or an operator or the whole model where only data is split, over devices.

    T and the other sums over a batch are those of all devices. `sharded`: weights are split over the devices of `data`
    too. Raises UnknownName, UsageError for a block that tensor parallelism does not know.
    """
    model = as_model(model)
    weights = model.formula("weight_size", block, rules) / tensor.n
    read = model.formula("weight_bytes", block, rules) / tensor.n
    computed = model.formula("matmul_flops", block, rules) / (data.n * tensor.n)
    stream = stream_bytes(model, block, rules) / data.n if tensor.n != 1 else Integer(0)
    sent = gather_and_scatter(stream, tensor) + (all_gather(weights, data) if sharded else 0)
    gradients = reduce_scatter(weights, data) if sharded else all_reduce(weights, data)
    return split_over(model, block, Share(computed, read, sent), gradients, data=data, tensor=tensor)


def split_over(model: Model, block: str, forward: Share, gradients: Expr, **networks: Network) -> Split:
    """A block split over the networks of more than one device; its backward pass sends so many bytes more."""
    backward = Share(BACKWARD[s.g_m] * forward.matmul, forward.read, forward.sent + gradients)
    over = {name: net for name, net in networks.items() if net.n != 1}
    return Split(model.name, block, over, forward, backward)


def gather_and_scatter(size: Expr, network: Network) -> Expr:
    """Bytes sent to gather what a block reads, and to scatter the sums of what it writes."""
    return all_gather(size, network) + reduce_scatter(size, network)


def split_2d(model: Model, block: str, rows: Network, columns: Network, rules: Rules = "standard") -> Split:
    """A block of two matrices, each cut along both of its sides: what is inside it is summed and gathered, too.

    Devices of `rows` share the residual stream's width, those of `columns` the inner one: 2D weight-stationary, Pope et
    al. 2022, arXiv:2211.05102, section 3.2.2. Raises UnknownName, UsageError for another block.
    """
    ops = [f"{block}/{x.name}" for x in weight_matmuls(model, block, rules)]
    if len(ops) != 2:
        raise UsageError(f"{model.name}: {block} has {len(ops)} matmuls: name a block of two, such as mlp")
    written, read = model.formula("output_bytes", ops[0], rules), model.formula("input_bytes", ops[1], rules)
    sent = gather_and_scatter(stream_bytes(model, block, rules) / rows.n, columns)
    sent += reduce_scatter(written / columns.n, rows) + all_gather(read / columns.n, rows)
    computed, weights = (model.formula(x, block, rules) / (rows.n * columns.n) for x in WORK)
    return split_over(model, block, Share(computed, weights, sent), Integer(0), rows=rows, columns=columns)


def split_experts(
    model: Model,
    block: str,
    devices: Network,
    dispatch: Any = s.b_a,
    combine: Any = s.b_a,
    copies: Any = None,
    rules: Rules = "standard",
) -> Split:
    """The routed experts of a block over devices that share the tokens too.

    `dispatch` and `combine`: bytes per element. `copies`: devices that a token goes to, by default as many as it has
    experts, or all where they are fewer. Raises UnknownName, UsageError for a block without routed experts.
    """
    ops = [op.name for op in weight_matmuls(model, block, rules) if op.role == "routed_experts"]
    if not ops:
        raise UsageError(f"{model.name}: {block} has no routed experts: name a block that has, such as moe")
    sent_to = Min(Binding(model.definitions(rules))(s.k_run), devices.n) if copies is None else copies
    rows = stream_bytes(model, block, rules) / s.b_a * sent_to
    sent = all_to_all(rows * dispatch, devices) + all_to_all(rows * combine, devices)
    computed, read = (sum(model.formula(x, f"{block}/{op}", rules) for op in ops) / devices.n for x in WORK)
    return split_over(model, block, Share(computed, read, sent), Integer(0), experts=devices)


def bubble(stages: Any = s.n_s, microbatches: Any = s.n_m, stretches: Any = 1) -> Expr:
    """(n_s - 1) / (n_v n_m): the time that the devices of a pipeline idle, as a fraction of the time they compute.

    Megatron-LM, Narayanan et al. 2021, arXiv:2104.04473, section 2.2: forward and backward passes of microbatches
    in turn; `stretches` of layers per stage, interleaved.
    """
    return (stages - 1) / (Integer(1) * stretches * microbatches)


def weight_matmuls(model: Model, block: str, rules: Rules) -> list[Op]:
    """Operators of a layer's block that multiply by weights. Raises UnknownName; UsageError for an unknown block."""
    node = model.graph(rules).find(block) if block else None
    ops = [x for x in node.children if isinstance(x, Op)] if isinstance(node, Block) else []
    other = sorted({op.role for op in ops} - {*CUT, *ALONG})
    if not ops or other:
        why = f"it has {', '.join(other)}" if other else "it is not a block of a layer"
        cure = "name a block of attention, a feed-forward network or experts"
        raise UsageError(f"{model.name}: cannot split {block or 'the whole model'}: {why}; {cure}")
    return [op for op in ops if op.cost.matmul != 0 and op.cost.weight_held != 0]


def stream_bytes(model: Model, block: str, rules: Rules) -> Expr:
    """Bytes of the residual stream that a block reads, T d b_a: what its first matmul does."""
    return model.formula("input_bytes", f"{block}/{weight_matmuls(model, block, rules)[0].name}", rules)
