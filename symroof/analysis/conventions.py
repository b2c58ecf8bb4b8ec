"""FLOP a token under the conventions of papers and tools, each as its source writes it, beside the exact count."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.arithmetic import over
from symroof.algebra.binding import Binding, exact_number
from symroof.cost.quantities import ONES
from symroof.errors import UnknownName
from symroof.model.model import Model, Rules
from symroof.model.report import plain
from symroof.training.flops import CORE, Term, grouped, share, summed, terms, training_flops

SCHEMA = "symroof.conventions/1"
OURS = "symroof"


@dataclass(frozen=True)
class Convention:
    """Closed forms of FLOP a token in sequences of n, where they are from, and what they take for granted.

    `assumes` names ASSUMPTIONS; a pass that the source does not count is None.
    """

    name: str
    source: str
    training: Expr | None
    inference: Expr | None
    assumes: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """The numbers of a model that assumptions are judged by: sizes, sequence, forward FLOP on full squares by role."""

    model: Model
    values: Mapping[Symbol, Any]

    def of(self, expr: Expr) -> Any:
        """What an expression comes to; None where the model lacks one of its symbols."""
        bound = Binding(self.values)(expr)
        return None if bound.free_symbols else exact_number(bound)

    @cached_property
    def matmuls(self) -> tuple[Term, ...]:
        """The operators that multiply matrices, on full squares."""
        return terms(self.model, "matmul-only,full-square")

    def is_matmul(self, role: str, expr: Expr) -> bool:
        """Whether the operators of a role do so many matmul FLOP a token."""
        return bool(self.of(summed(x for x in self.matmuls if x.role == role).matmul) == self.of(expr))


# What a formula takes for granted -> whether a model is so.
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


def chinchilla() -> Expr:
    """Forward FLOP a token of appendix F, row by row: embeddings; in a layer QKV, logits, softmax, reduction, output
    and dense; final logits.
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


def megatron(times: int, square: int, head: int) -> Expr:
    """times L d^2 (1 + n / (square d) + V / (head L d)): eq. 3 and its kin, a token's share."""
    return times * s.L * s.d**2 * (1 + s.n / (square * s.d) + s.V / (head * s.L * s.d))


def book() -> Expr:
    """Training FLOP a token of the scaling book's summary: networks, attention, vocabulary."""
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
        3 * chinchilla(),
        chinchilla(),
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
        megatron(72, 6, 12),
        megatron(24, 6, 12),
        GPT,
        "full squares; forward is a third",
    ),
    Convention(
        "megatron-full",
        "Narayanan et al. 2021, arXiv:2104.04473, eq. 3: layers computed again",
        megatron(96, 6, 16),
        None,
        GPT,
        "full squares",
    ),
    Convention(
        "megatron-selective",
        "Korthikanti et al. 2022, arXiv:2205.05198, eq. 8: attention cores computed again",
        megatron(72, 3, 12),
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
        book(),
        book() / 3,
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


def definitions(model: Model) -> dict[Symbol, Expr]:
    """`N_p`, `N_tok`, `N_body` and `kappa` of a model as closed forms in its sizes."""
    given = Binding(model.definitions("experts-k"))
    kept, body, token = [], [], []
    for path, count, op in model.graph().rows():
        held, read = (ONES(given(x)) for x in (op.cost.weight_held, op.cost.weight_read))
        kept.append((path, count, held))
        if op.role not in ("embedding", "position_embedding", "head"):
            body.append((path, count, held))
        if not op.shared and not path.rpartition("/")[2].startswith("lookup"):
            token.append((path, count, fewer(held, read, model.sizes)))
    cores = (x for x in terms(model, "matmul-only,full-square") if x.role == CORE)
    pairs = grouped((x.path, x.count, share(x.cost.matmul)) for x in cores)
    return {s.N_p: grouped(kept), s.N_tok: grouped(token), s.N_body: grouped(body), s.kappa: pairs}


def fewer(kept: Expr, read: Expr, sizes: Mapping[Symbol, Any]) -> Expr:
    """What a token is multiplied by: weights read, but those run through twice once, and those that others keep too."""
    number = [exact_number(Binding(sizes)(x)) for x in (kept, read)]
    return kept if 0 < number[0] < number[1] else read


@dataclass(frozen=True)
class Counted:
    """A convention's FLOP a token of a model: numbers, their ratio to the exact count, and what does not hold."""

    convention: Convention
    training: Any
    inference: Any
    training_ratio: Any
    inference_ratio: Any
    broken: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The convention as JSON has it."""
        x = self.convention
        passes = {
            name: None if formula is None else {"formula": str(formula), "flops": plain(value), "ratio": plain(ratio)}
            for name, formula, value, ratio in (
                ("training", x.training, self.training, self.training_ratio),
                ("inference", x.inference, self.inference, self.inference_ratio),
            )
        }
        return {"name": x.name, "source": x.source, "note": x.note, **passes, "broken": list(self.broken)}


@dataclass(frozen=True, repr=False)
class Conventions:
    """All conventions for a model in sequences of so many tokens; the last row is ours, exact."""

    model: str
    family: str
    sequence: int
    rules: tuple[str, ...]
    rows: tuple[Counted, ...]
    definitions: Mapping[Symbol, Expr]
    values: Mapping[Symbol, Any]
    sizes: Mapping[Symbol, int]

    def __getitem__(self, name: str) -> Counted:
        known = {x.convention.name: x for x in self.rows}
        if name not in known:
            raise UnknownName("convention", name, known)
        return known[name]

    def to_dict(self) -> dict[str, Any]:
        """The table as JSON has it."""
        defined = {str(x): {"formula": str(y), "value": self.values[x]} for x, y in self.definitions.items()}
        names = {"schema": SCHEMA, "model": self.model, "sequence": self.sequence, "rules": list(self.rules)}
        return {**names, "definitions": defined, "conventions": [x.to_dict() for x in self.rows]}

    def __str__(self) -> str:
        from symroof.render.results.conventions import render

        return render(self)

    def __repr__(self) -> str:
        return f"<symroof conventions for {self.model}: {', '.join(x.convention.name for x in self.rows)}>"


def by_convention(model: Model, sequence: int, rules: Rules = "standard") -> Conventions:
    """FLOP a token of training, and of inference, under each convention, and exactly under `rules`.

    Inference is the forward pass with logits at all positions: what a token of a prompt takes, and one that is decoded
    on average over the sequence.
    """
    exact = training_flops(model, sequence, rules=rules)
    defined, facts = definitions(model), Facts(model, exact.values)
    known = {told: holds(facts) for told, holds in ASSUMPTIONS.items()}
    values = {x: facts.of(y) for x, y in defined.items()}
    bound, reference = Binding(exact.values, values), (exact.per_token, exact.number(exact.forward.flops))
    ours = Convention(OURS, "rules " + ", ".join(exact.rules), exact.flops, exact.forward.flops, (), "exact")
    broken = [tuple(y for y in x.assumes if not known[y]) for x in (*CONVENTIONS, ours)]
    rows = (counted(x, bound, reference, y) for x, y in zip((*CONVENTIONS, ours), broken, strict=True))
    return Conventions(model.name, model.family, exact.sequence, exact.rules, tuple(rows), defined, values, model.sizes)


def counted(x: Convention, bound: Binding, reference: tuple[Any, Any], broken: tuple[str, ...]) -> Counted:
    """A convention's numbers; none where the model lacks a size that the formula is written in."""
    found = [None if y is None else bound(y) for y in (x.training, x.inference)]
    lacks = sorted({str(y) for z in found if z is not None for y in z.free_symbols})
    numbers = [None if y is None or y.free_symbols else exact_number(y) for y in found]
    ratios = [None if y is None else over(y, z) for y, z in zip(numbers, reference, strict=True)]
    return Counted(x, numbers[0], numbers[1], ratios[0], ratios[1], (*broken, *(f"a size {y}" for y in lacks)))
