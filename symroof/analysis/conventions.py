"""FLOP per token under the conventions of papers and tools, each as its source has it, next to the exact count."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.arithmetic import exact_quotient
from symroof.algebra.binding import Binding, exact_number
from symroof.cost.quantities import ONES
from symroof.errors import UnknownName
from symroof.model.model import Model, Rules, Source, as_model
from symroof.model.report import json_number
from symroof.results import Result, int_or_float
from symroof.training.flops import (
    CORE,
    OperatorFlops,
    operator_flops,
    per_token,
    sum_by_block,
    sum_of_operators,
    training_flops,
)

SCHEMA = "symroof.conventions/1"
OURS = "symroof"


@dataclass(frozen=True)
class Convention:
    """Closed forms of FLOP per token in sequences of n, their source, and the assumptions they make.

    `assumes` holds names of ASSUMPTIONS; a pass that the source does not count is None.
    """

    name: str
    source: str
    training: Expr | None
    inference: Expr | None
    assumes: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """The numbers of a model that assumptions are checked against: sizes, sequence, forward FLOP on full squares."""

    model: Model
    values: Mapping[Symbol, Any]

    def of(self, expr: Expr) -> Any:
        """The value of an expression; None where the model lacks one of its symbols."""
        bound = Binding(self.values)(expr)
        return None if bound.free_symbols else exact_number(bound)

    @cached_property
    def matmuls(self) -> tuple[OperatorFlops, ...]:
        """The operators that multiply matrices, on full squares."""
        return operator_flops(self.model, "matmul-only,full-square")

    def is_matmul(self, role: str, expr: Expr) -> bool:
        """Whether the operators of a role do that many matmul FLOP per token."""
        return bool(self.of(sum_of_operators(x for x in self.matmuls if x.role == role).matmul) == self.of(expr))


# What a formula assumes -> whether it holds for a model.
ASSUMPTIONS: dict[str, Callable[[Facts], bool]] = {
    "no experts": lambda x: x.is_matmul("routed_experts", Integer(0)),
    "attention in every layer, heads of one size h": lambda x: x.is_matmul(CORE, 4 * s.L * s.n * s.h * s.H_q),
    "as many key/value heads as query heads": lambda x: x.is_matmul("attention", 8 * s.L * s.d * s.h * s.H_q),
    "heads that fill the width: h H_q = d": lambda x: x.of(s.h * s.H_q - s.d) == 0,
    "two matrices d x f in every layer's network": lambda x: x.is_matmul("ffn", 4 * s.L * s.d * s.f),
    "two matrices d x 4 d in every layer's network": lambda x: x.is_matmul("ffn", 16 * s.L * s.d**2),
    "three matrices d x f in every layer's network": lambda x: x.is_matmul("ffn", 6 * s.L * s.d * s.f),
    "a head that shares the input table": lambda x: x.model.architecture.structure.tied,
}
DENSE, HEADS, ALL_HEADS, WIDE, TWO, FOURFOLD, GATED, TIED = ASSUMPTIONS
GPT = (DENSE, HEADS, ALL_HEADS, WIDE, FOURFOLD)


def chinchilla_forward() -> Expr:
    """Forward FLOP per token of appendix F: embeddings; a layer's QKV, logits, softmax, reduction, output and dense;
    final logits.
    """
    layer = (
        6 * s.d * s.h * s.H_q,
        2 * s.n * s.h * s.H_q,
        3 * s.n * s.H_q,
        2 * s.n * s.h * s.H_q,
        2 * s.d * s.h * s.H_q,
        4 * s.d * s.f,
    )
    return 2 * s.V * s.d + s.L * sum(layer) + 2 * s.d * s.V


def megatron_flops(times: int, square: int, head: int) -> Expr:
    """times L d^2 (1 + n / (square d) + V / (head L d)): equation 3 and its variants, per token."""
    return times * s.L * s.d**2 * (1 + s.n / (square * s.d) + s.V / (head * s.L * s.d))


def scaling_book_training() -> Expr:
    """Training FLOP per token of the scaling book's summary: networks, attention, vocabulary."""
    attention = 24 * s.d * s.h * s.H_q + 12 * s.n * s.h * s.H_q
    return s.L * (18 * s.d * s.f + attention) + 12 * s.d * s.V


CONVENTIONS = (
    Convention(
        "kaplan",
        "Kaplan et al. 2020, arXiv:2001.08361, section 2.1",
        6 * s.N_body,
        2 * s.N_body + 2 * s.L * s.n * s.h * s.H_q,
        (DENSE, HEADS),
        "attention is the causal half, and left out of training",
    ),
    Convention(
        "6nd",
        "C = 6 N D: Hoffmann et al. 2022, arXiv:2203.15556, section 3",
        6 * s.N_p,
        2 * s.N_p,
        (DENSE,),
        "attention is left out; forward is a third",
    ),
    Convention(
        "chinchilla",
        "Hoffmann et al. 2022, arXiv:2203.15556, appendix F",
        3 * chinchilla_forward(),
        chinchilla_forward(),
        (DENSE, HEADS, ALL_HEADS, TWO),
        "full squares, the softmax too, and the input table as a matmul",
    ),
    Convention(
        "palm",
        "Chowdhery et al. 2022, arXiv:2204.02311, appendix B",
        6 * s.N_p + 12 * s.L * s.n * s.h * s.H_q,
        2 * s.N_p + 4 * s.L * s.n * s.h * s.H_q,
        (DENSE, HEADS, TIED),
        "full squares",
    ),
    Convention(
        "megatron",
        "Narayanan et al. 2021, arXiv:2104.04473, eq. 3 without recomputation",
        megatron_flops(72, 6, 12),
        megatron_flops(24, 6, 12),
        GPT,
        "full squares; forward is a third",
    ),
    Convention(
        "megatron-full",
        "Narayanan et al. 2021, arXiv:2104.04473, eq. 3: layers computed again",
        megatron_flops(96, 6, 16),
        None,
        GPT,
        "full squares",
    ),
    Convention(
        "megatron-selective",
        "Korthikanti et al. 2022, arXiv:2205.05198, eq. 8: attention cores computed again",
        megatron_flops(72, 3, 12),
        None,
        GPT,
        "full squares; a core again is counted as three forward passes of it, not one",
    ),
    Convention(
        "torchtitan",
        "github.com/pytorch/torchtitan, torchtitan/models/utils.py",
        6 * s.N_tok + 3 * s.kappa * s.n,
        None,
        (),
        "full squares; of experts those a token is sent to",
    ),
    Convention(
        "scaling-book",
        "jax-ml.github.io/scaling-book/transformers, summary",
        scaling_book_training(),
        scaling_book_training() / 3,
        (DENSE, HEADS, ALL_HEADS, GATED),
        "full squares, and the input table as a matmul; forward is a third",
    ),
    Convention(
        "deepseek",
        "arXiv:2505.09343, table 2: no formula is printed, this one gives its rows of V3 and V2",
        6 * s.N_tok + 3 * s.kappa * s.n / 2,
        None,
        (),
        "attention is the causal half",
    ),
)


def parameter_definitions(model: Model) -> dict[Symbol, Expr]:
    """`N_p`, `N_tok`, `N_body` and `kappa` of a model as closed forms in its sizes."""
    bind = Binding(model.definitions("experts-k"))
    stored, body, token = [], [], []
    for path, count, op in model.graph().rows():
        held, read = (ONES(bind(x)) for x in (op.cost.weight_held, op.cost.weight_read))
        stored.append((path, count, held))
        if op.role not in ("embedding", "position_embedding", "head"):
            body.append((path, count, held))
        if not op.shared and not path.rpartition("/")[2].startswith("lookup"):
            token.append((path, count, weights_per_token(held, read, model.sizes)))
    parameters = {s.N_p: stored, s.N_tok: token, s.N_body: body}
    return {**{x: sum_by_block(rows) for x, rows in parameters.items()}, s.kappa: core_flops_per_token(model)}


def core_flops_per_token(model: Model) -> Expr:
    """Matmul FLOP per token of the attention cores, on full squares."""
    cores = (x for x in operator_flops(model, "matmul-only,full-square") if x.role == CORE)
    return sum_by_block((x.path, x.count, per_token(x.cost.matmul)) for x in cores)


def weights_per_token(held: Expr, read: Expr, sizes: Mapping[Symbol, Any]) -> Expr:
    """The weights that a token is multiplied by: those read, where several runs share weights those held, once."""
    held_number, read_number = (exact_number(Binding(sizes)(x)) for x in (held, read))
    return held if 0 < held_number < read_number else read


@dataclass(frozen=True)
class ConventionCount:
    """A convention's FLOP per token of a model, their ratios to the exact count, and the assumptions that fail."""

    convention: Convention
    training: Any
    inference: Any
    training_ratio: Any
    inference_ratio: Any
    broken: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The convention as JSON has it."""
        x = self.convention
        return {
            "name": x.name,
            "source": x.source,
            "note": x.note,
            "training": pass_record(x.training, self.training, self.training_ratio),
            "inference": pass_record(x.inference, self.inference, self.inference_ratio),
            "broken": list(self.broken),
        }


def pass_record(formula: Expr | None, value: Any, ratio: Any) -> dict[str, Any] | None:
    """Training or inference as JSON has it; null where the source does not count it."""
    if formula is None:
        return None
    return {"formula": str(formula), "flops": json_number(value), "ratio": json_number(ratio)}


@dataclass(frozen=True, repr=False)
class Conventions(Result):
    """All conventions for a model in sequences of `sequence` tokens; the last row is the exact count."""

    model: str
    family: str
    sequence: int
    rules: tuple[str, ...]
    rows: tuple[ConventionCount, ...]
    definitions: Mapping[Symbol, Expr]
    values: Mapping[Symbol, Any]
    sizes: Mapping[Symbol, int]

    def __getitem__(self, name: str) -> ConventionCount:
        known = {x.convention.name: x for x in self.rows}
        if name not in known:
            raise UnknownName("convention", name, known)
        return known[name]

    def to_dict(self) -> dict[str, Any]:
        """The table as JSON has it."""
        defined = {
            str(x): {"formula": str(y), "value": int_or_float(self.values[x])} for x, y in self.definitions.items()
        }
        names = {"schema": SCHEMA, "model": self.model, "sequence": self.sequence, "rules": list(self.rules)}
        return {**names, "definitions": defined, "conventions": [x.to_dict() for x in self.rows]}

    def closed_forms(self) -> dict[str, Any]:
        """FLOP per training token, by convention."""
        return {x.convention.name: x.convention.training for x in self.rows if x.convention.training is not None}

    def __repr__(self) -> str:
        return f"<symroof conventions for {self.model}: {', '.join(x.convention.name for x in self.rows)}>"


def by_convention(model: Model | Source, sequence: int, rules: Rules = "standard") -> Conventions:
    """FLOP per token of training and of inference, under each convention, and exactly under `rules`.

    Inference is the forward pass with logits at all positions: the FLOP of a token of a prompt, and of a decoded token
    on average over the sequence.
    """
    model = as_model(model)
    exact = training_flops(model, sequence, rules=rules)
    defined, facts = parameter_definitions(model), Facts(model, exact.values)
    met = {assumption for assumption, holds in ASSUMPTIONS.items() if holds(facts)}
    values = {x: facts.of(y) for x, y in defined.items()}
    bound, reference = Binding(exact.values, values), (exact.per_token, exact.number(exact.forward.flops))
    ours = Convention(OURS, "rules " + ", ".join(exact.rules), exact.flops, exact.forward.flops, (), "exact")
    broken = [tuple(y for y in x.assumes if y not in met) for x in (*CONVENTIONS, ours)]
    rows = (convention_count(x, bound, reference, y) for x, y in zip((*CONVENTIONS, ours), broken, strict=True))
    return Conventions(model.name, model.family, exact.sequence, exact.rules, tuple(rows), defined, values, model.sizes)


def convention_count(
    x: Convention, bound: Binding, reference: tuple[Any, Any], broken: tuple[str, ...]
) -> ConventionCount:
    """A convention's numbers; None where the model lacks a size of the formula."""
    forms = [None if y is None else bound(y) for y in (x.training, x.inference)]
    lacks = sorted({str(y) for form in forms if form is not None for y in form.free_symbols})
    numbers = [None if y is None or y.free_symbols else exact_number(y) for y in forms]
    ratios = [
        None if y is None else int_or_float(exact_quotient(y, z)) for y, z in zip(numbers, reference, strict=True)
    ]
    return ConventionCount(x, numbers[0], numbers[1], ratios[0], ratios[1], (*broken, *(f"a size {y}" for y in lacks)))
