"""FLOP of training per token: forward, backward, and recomputed to save memory; closed forms and numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, exact_number
from symroof.cost import batch_sums
from symroof.cost import rules as counting
from symroof.cost.batch import queries
from symroof.cost.cost import ZERO, Cost
from symroof.cost.rules import BACKWARD, Layer
from symroof.errors import UnknownName
from symroof.model.model import Model, Rules, Source, as_model, rules_with_logits
from symroof.results import Result

# Training computes logits of all positions, and keys and values of latent attention expanded; a rule may say otherwise.
ALWAYS = "logits-all,latent-expanded"

# What is recomputed: nothing; attention cores (Korthikanti et al. 2022, arXiv:2205.05198, section 5); all layers, from
# their saved inputs (the same, section 4; Megatron-LM, arXiv:2104.04473, section 5.1).
RECOMPUTE: dict[str, Layer] = {
    "none": {s.rho: Integer(0), s.rho_c: Integer(0)},
    "selective": {s.rho: Integer(0), s.rho_c: Integer(1)},
    "full": {s.rho: Integer(1), s.rho_c: Integer(1)},
}
CORE = "attention_core"
OUTSIDE = ("embedding", "head", "mtp.head")  # blocks outside the layers


@dataclass(frozen=True)
class OperatorFlops:
    """An operator's forward FLOP per token in all `count` layers that run it; closed forms in sizes and sequence n."""

    path: str
    role: str
    count: Expr
    cost: Cost

    @property
    def again(self) -> Expr:
        """How often it runs again for the backward pass."""
        return ZERO if self.path.partition("/")[0] in OUTSIDE else s.rho_c if self.role == CORE else s.rho


def operator_flops(model: Model, rules: Rules = "standard") -> tuple[OperatorFlops, ...]:
    """The FLOP per token of each operator in sequences of n tokens; without operators that compute nothing."""
    rows = costs_per_token(model, training_rules(rules), "matmul", "vector")
    return tuple(OperatorFlops(path, role, count, Cost(*x)) for path, role, count, x in rows if any(y != 0 for y in x))


def costs_per_token(model: Model, names: tuple[str, ...], *fields: str) -> Iterator[tuple[str, str, Expr, list[Expr]]]:
    """(path, role, how often it runs, fields of its cost per token) of each operator in sequences of n tokens."""
    layer = counting.rule_layer(names, model.architecture.structure)
    rows = [
        (path, op.role, count, [getattr(op.cost, x) for x in fields]) for path, count, op in model.graph(names).rows()
    ]
    bound = batch_sums.uniform_binding(
        layer, (y for *_, costs in rows for y in costs), {s.B: Integer(1), s.c: Integer(0)}
    )
    for path, role, count, costs in rows:
        yield path, role, count, [per_token(bound(x)) for x in costs]


def training_rules(rules: Rules) -> tuple[str, ...]:
    """The rules of training, and those given, which win."""
    listed = [rules] if isinstance(rules, str) else list(rules)
    return rules_with_logits([ALWAYS, *listed], None)


def per_token(expr: Expr) -> Expr:
    """A sum over a sequence of n tokens, per token."""
    return Add(*(x / s.n for x in Add.make_args(expr)))


def sum_of_operators(
    operators: Iterable[OperatorFlops], times: Callable[[OperatorFlops], tuple[Any, Any]] = lambda _: (1, 1)
) -> Cost:
    """The sum of operators, each `times` over: the counts of matmuls and of the rest."""
    rows = [(x.path, x.count, x.cost, *times(x)) for x in operators]
    matmul = sum_by_block((path, count, cost.matmul * m) for path, count, cost, m, _ in rows)
    return Cost(matmul, sum_by_block((path, count, cost.vector * v) for path, count, cost, _, v in rows))


def sum_by_block(rows: Iterable[tuple[str, Expr, Expr]]) -> Expr:
    """The sum of (path, how often it runs, amount of one run), the operators of each block together."""
    blocks: dict[tuple[str, Expr], Expr] = {}
    for path, count, expr in rows:
        key = path.partition("/")[0], count
        blocks[key] = blocks.get(key, Integer(0)) + expr
    return Add(*(count * expr for (_, count), expr in blocks.items()))


@dataclass(frozen=True, repr=False)
class Training(Result):
    """FLOP of training per token of a sequence of n: closed forms in the vocabulary, and their numbers.

    `terms` are its operators, and `choices` the definitions of `g_m`, `g_v`, `rho` and `rho_c`. The update of weights
    is not counted: it is one per step, for any number of tokens.
    """

    model: str
    rules: tuple[str, ...]
    recompute: str
    sequence: int
    tokens: int
    terms: tuple[OperatorFlops, ...]
    choices: Layer
    values: Mapping[Symbol, Any]

    def passes(self, forward: int, backward: int, again: int) -> Cost:
        """Matmul and vector FLOP per token of so many forward passes, backward passes, and recomputations."""
        bound = Binding(self.choices)

        def times(x: OperatorFlops) -> tuple[Expr, Expr]:
            run = forward + again * x.again
            return bound(run + backward * s.g_m), bound(run + backward * s.g_v)

        return sum_of_operators(self.terms, times)

    @property
    def forward(self) -> Cost:
        """FLOP of the forward pass."""
        return self.passes(1, 0, 0)

    @property
    def backward(self) -> Cost:
        """FLOP of the backward pass."""
        return self.passes(0, 1, 0)

    @property
    def recomputed(self) -> Cost:
        """FLOP of recomputation."""
        return self.passes(0, 0, 1)

    @property
    def flops(self) -> Expr:
        """FLOP per token that the model needs, forward and backward, as a closed form."""
        return self.passes(1, 1, 0).flops

    @property
    def hardware_flops(self) -> Expr:
        """FLOP per token that the hardware computes: those of the model, and those of recomputation."""
        return self.passes(1, 1, 1).flops

    def number(self, expr: Expr) -> Any:
        """The exact value of a closed form at the model's sizes and this sequence."""
        return exact_number(Binding(self.values)(expr))

    @property
    def per_token(self) -> Any:
        """FLOP per token that the model needs."""
        return self.number(self.flops)

    @property
    def hardware_per_token(self) -> Any:
        """FLOP per token that the hardware computes."""
        return self.number(self.hardware_flops)

    @property
    def total(self) -> Any:
        """FLOP that the model needs for all tokens."""
        return self.per_token * self.tokens

    @property
    def hardware_total(self) -> Any:
        """FLOP that the hardware computes for all tokens."""
        return self.hardware_per_token * self.tokens

    def closed_forms(self) -> dict[str, Any]:
        """FLOP per token: those the model needs, and those the hardware computes."""
        return {"model FLOP": self.flops, "hardware FLOP": self.hardware_flops}

    def __repr__(self) -> str:
        return f"<symroof training of {self.model}: {self.per_token} FLOP per token in sequences of {self.sequence}>"

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON has it."""
        names = {x: getattr(self, x) for x in ("model", "rules", "recompute", "sequence", "tokens")}
        passes = {
            x: {"formula": str(getattr(self, x).flops), "flops": self.number(getattr(self, x).flops)}
            for x in ("forward", "backward", "recomputed")
        }
        return {
            **names,
            "rules": list(self.rules),
            "per_token": passes,
            "total": self.total,
            "hardware_total": self.hardware_total,
        }


def training_flops(
    model: Model | Source,
    sequence: int,
    tokens: int | None = None,
    recompute: str | Layer = "none",
    rules: Rules = "standard",
    backward: Layer = BACKWARD,
) -> Training:
    """FLOP of training on `tokens` in sequences of `sequence` tokens; by default on one sequence.

    Attention is counted by `rules`: causal pairs exactly, or `full-square`; `matmul-only` leaves out elementwise
    operations. `recompute`: none, selective or full, or a layer of definitions of `rho` and `rho_c`; `backward`: one of
    `g_m` and `g_v`. Raises UnknownName.
    """
    model = as_model(model)
    length, trained = (queries(x)[0].new for x in (sequence, sequence if tokens is None else tokens))
    used, terms = training_rules(rules), operator_flops(model, rules)
    choices = {**backward, **recompute_policy(recompute)}
    values = {**model.sizes, s.n: Integer(length)}
    return Training(model.name, used, layer_label(recompute), length, trained, terms, choices, values)


def recompute_policy(recompute: str | Layer) -> Layer:
    """The definitions of a recompute policy. Raises UnknownName."""
    return named_layer("recompute policy", recompute, RECOMPUTE)


def named_layer(kind: str, layer: str | Layer, known: Mapping[str, Layer]) -> Layer:
    """A layer of definitions, or the one of that name. Raises UnknownName."""
    if not isinstance(layer, str):
        return layer
    if layer not in known:
        raise UnknownName(kind, layer, known)
    return known[layer]


def layer_label(layer: str | Layer) -> str:
    """The name of a layer of definitions, or its definitions."""
    return layer if isinstance(layer, str) else ", ".join(f"{x} = {y}" for x, y in layer.items())


def training_formula(model: Model, rules: Rules = "standard") -> Expr:
    """FLOP per token of a sequence of n; the backward pass (`g_m`, `g_v`) and recomputation (`rho`) stay open."""
    return sum_of_operators(operator_flops(model, rules), lambda x: (1 + s.g_m + x.again, 1 + s.g_v + x.again)).flops
