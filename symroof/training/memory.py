"""What training keeps in the memory of a device: activations for the backward pass, weights, gradients, optimizer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sympy import Expr, Integer, Symbol, factor_terms

from symroof import symbols as s
from symroof.algebra.binding import Binding, exact_number
from symroof.cost.batch import queries
from symroof.cost.quantities import ONES
from symroof.cost.rules import Layer
from symroof.dtypes import format_of
from symroof.model.model import Model, Source, as_model
from symroof.model.report import json_number
from symroof.ops.collectives import all_gather, one_way_ring
from symroof.parallel.training_layout import LAST_IS_FIRST, ONE_BY_ONE, ONE_DEVICE, Parallel
from symroof.results import Result
from symroof.training.activations import LAYER_INPUT, SavedTensor, saved_activations
from symroof.training.flops import OUTSIDE, layer_label, named_layer, recompute_policy, sum_by_block

# Attention that writes down the scores of all pairs, or not (FlashAttention, Dao et al. 2022, arXiv:2205.14135).
ATTENTION: dict[str, Layer] = {"unfused": {s.theta_a: Integer(1)}, "fused": {s.theta_a: Integer(0)}}

# Bytes per parameter. Adam in mixed precision has 16-bit weights and gradients, and weights and both moments in fp32
# (ZeRO, arXiv:1910.02054, section 3.1); Megatron-LM's gradients are fp32 (its user guide, distributed optimizer: 18
# bytes). The scaling book counts 16-bit weights and two moments in fp32, no gradients (training, LLaMA-2-13B).
STATES: dict[str, Layer] = {
    name: dict(zip((s.y_w, s.y_g, s.y_o), map(Integer, each), strict=True))
    for name, each in {
        "mixed-adam": (2, 2, 12),
        "megatron": (2, 4, 12),
        "scaling-book": (2, 0, 8),
        "fp32-adam": (4, 4, 8),
    }.items()
}
# A mask of one byte per element, sums and probabilities in fp32 (Korthikanti et al. 2022, arXiv:2205.05198, section 4).
SAVED_IN: Layer = {s.y_m: Integer(1), s.y_l: Integer(4), s.y_p: Integer(4)}


BYTES = ("weights", "gradients", "optimizer", "activations", "total")


@dataclass(frozen=True, repr=False)
class TrainingMemory(Result):
    """Bytes that training needs on a device of the first stage: closed forms in the vocabulary, and their numbers.

    `saved`: the tensors of a microbatch, `parameters`: elements of weights by part of the model, `choices`: what is
    computed again, fused and dropped, `values` all other numbers. Each stage has an even share of the layers, and each
    device that shares operators an even share of all weights.
    """

    model: str
    sequence: int
    micro_batch: int
    recompute: str
    attention: str
    states: str
    parallel: Parallel
    saved: tuple[SavedTensor, ...]
    parameters: Mapping[str, Expr]
    choices: Layer
    values: Mapping[Symbol, Any]

    def of(self, part: str) -> Expr:
        """Bytes that a part of the model (embedding, layers, head) saves of one microbatch."""
        bound = Binding(self.choices)
        sizes: dict[tuple[str, Expr, Symbol], Expr] = {}
        for x in (x for x in self.saved if part_of(x.block) == part):
            key = x.block, x.count, x.tensor.devices
            sizes[key] = sizes.get(key, Integer(0)) + bound(x.size)
        return sum_by_block(
            (block, count, factor_terms(size) / devices) for (block, count, devices), size in sizes.items()
        )

    @property
    def layers(self) -> Expr:
        """Bytes that all layers save of one microbatch."""
        return self.of("layers")

    @property
    def activations(self) -> Expr:
        """Bytes saved of the microbatches in flight: by the layers of the stage, embedding, and head if it is here."""
        return self.layers * s.n_f / s.n_s + self.of("embedding") * s.n_fe + self.of("head") * LAST_IS_FIRST

    @property
    def held(self) -> Expr:
        """Parameters of the device."""
        layers, embedding, head = (self.parameters[x] for x in ("layers", "embedding", "head"))
        return (layers / s.n_s + embedding + head * LAST_IS_FIRST) / s.n_t

    @property
    def weights(self) -> Expr:
        """Bytes of weights."""
        return s.y_w * self.held / s.z_w

    @property
    def gradients(self) -> Expr:
        """Bytes of gradients."""
        return s.y_g * self.held / s.z_g

    @property
    def optimizer(self) -> Expr:
        """Bytes of the optimizer's states."""
        return s.y_o * self.held / s.z_o

    @property
    def total(self) -> Expr:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.activations

    @property
    def passed(self) -> Expr:
        """Elements that the device sends to the other replicas in a step, around a ring."""
        return s.x_w * all_gather(self.held, one_way_ring(s.n_d))

    def number(self, expr: Expr) -> Any:
        """What a closed form comes to here: exact."""
        return exact_number(Binding(self.choices, self.values)(expr))

    def closed_forms(self) -> dict[str, Any]:
        """Bytes on a device, by part."""
        return {name: getattr(self, name) for name in BYTES}

    def __repr__(self) -> str:
        total, activations = (float(self.number(x)) for x in (self.total, self.activations))
        return (
            f"<symroof training memory of {self.model}: {total:.4g} B per device, {activations:.4g} B of activations>"
        )

    def to_dict(self) -> dict[str, Any]:
        """The JSON record."""
        names = ("model", "sequence", "micro_batch", "recompute", "attention", "states")
        forms = self.closed_forms()
        return {
            **{x: getattr(self, x) for x in names},
            "parallel": asdict(self.parallel),
            "bytes": {x: {"formula": str(y), "bytes": json_number(self.number(y))} for x, y in forms.items()},
            "passed": json_number(self.number(self.passed)),
        }


def training_memory(
    model: Model | Source,
    sequence: int,
    micro_batch: int = 1,
    recompute: str | Layer = "none",
    attention: str | Layer = "fused",
    dropout: bool = False,
    states: str | Layer = "mixed-adam",
    parallel: Parallel = ONE_DEVICE,
    activations: str = "bf16",
    in_flight: Layer = ONE_BY_ONE,
) -> TrainingMemory:
    """The memory that training needs on a device, `micro_batch` sequences of `sequence` tokens at a time.

    `recompute`: none, selective or full, as for `training_flops`; `attention`: fused or unfused; `states`: bytes per
    parameter, by a name of STATES; each of them a layer of definitions too. `activations`: their format; `in_flight`:
    microbatches (`n_f`, `n_fe`), at least as many as stages. Temporaries within one operator or layer are not counted.
    Raises UnknownName, and UsageError for an operator whose saved tensors are not known, or where the devices cannot
    share the model evenly.
    """
    model = as_model(model)
    (batch,) = queries(sequence, batch_size=micro_batch)
    saved, sizes = tuple(saved_activations(model)), model.sizes
    counts = {x.block: int(Binding(sizes)(x.count)) for x in saved if x.block not in (*OUTSIDE, LAYER_INPUT)}
    parallel.check(model.architecture.sizes, batch.new, counts)
    fused = named_layer("kind of attention", attention, ATTENTION)
    widths = {**SAVED_IN, s.b_a: format_of(activations).bytes, **named_layer("optimizer states", states, STATES)}
    return TrainingMemory(
        model.name,
        batch.new,
        batch.count,
        layer_label(recompute),
        layer_label(attention),
        layer_label(states),
        parallel,
        saved,
        parameters_by_part(model),
        {**recompute_policy(recompute), **fused, s.theta_d: Integer(int(dropout))},
        {**sizes, s.n: Integer(batch.new), s.B: Integer(batch.count), **widths, **parallel.definitions, **in_flight},
    )


def parameters_by_part(model: Model) -> dict[str, Expr]:
    """Elements of weights by part of the model, in its sizes."""
    parts: dict[str, list[tuple[str, Expr, Expr]]] = {"embedding": [], "layers": [], "head": []}
    for path, count, op in model.graph().rows():
        parts[part_of(path.rpartition("/")[0])].append((path, count, ONES(op.cost.weight_held)))
    return {part: sum_by_block(rows) for part, rows in parts.items()}


def part_of(block: str) -> str:
    """The part of the model that a block is in."""
    return block if block in ("embedding", "head") else "layers"
