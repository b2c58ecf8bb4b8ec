"""FLOP of training, a token: forward, backward, and what is computed again to save memory; closed forms and numbers."""

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
from symroof.model.model import Model, Rules, chosen

# Training computes logits of all positions, and keys and values of latent attention expanded; a rule may say otherwise.
ALWAYS = "logits-all,latent-expanded"

# What is computed again: nothing; attention cores (Korthikanti et al. 2022, arXiv:2205.05198, section 5); all layers,
# of which only the inputs are kept (the same, section 4; Megatron-LM, arXiv:2104.04473, section 5.1).
RECOMPUTE: dict[str, Layer] = {
    "none": {s.rho: Integer(0), s.rho_c: Integer(0)},
    "selective": {s.rho: Integer(0), s.rho_c: Integer(1)},
    "full": {s.rho: Integer(1), s.rho_c: Integer(1)},
}
CORE = "attention_core"
OUTSIDE = ("embedding", "head", "mtp.head")  # blocks that are no layer


@dataclass(frozen=True)
class Term:
    """An operator's FLOP a token, forward, in all `count` layers that run it; closed forms in sizes and sequence n."""

    path: str
    role: str
    count: Expr
    cost: Cost

    @property
    def again(self) -> Expr:
        """How often it runs once more for the backward pass."""
        return ZERO if self.path.partition("/")[0] in OUTSIDE else s.rho_c if self.role == CORE else s.rho


def terms(model: Model, rules: Rules = "standard") -> tuple[Term, ...]:
    """The operators of sequences of n tokens, a token's share of each; without those that compute nothing."""
    rows = shares(model, in_training(rules), "matmul", "vector")
    return tuple(Term(path, role, count, Cost(*x)) for path, role, count, x in rows if any(y != 0 for y in x))


def shares(model: Model, names: tuple[str, ...], *fields: str) -> Iterator[tuple[str, str, Expr, list[Expr]]]:
    """(path, role, how often it runs, a token's share of the fields of its cost) in sequences of n tokens."""
    layer = counting.layer(names, model.architecture.structure)
    rows = [
        (path, op.role, count, [getattr(op.cost, x) for x in fields]) for path, count, op in model.graph(names).rows()
    ]
    bound = batch_sums.bound(layer, (y for *_, costs in rows for y in costs), {s.B: Integer(1), s.c: Integer(0)})
    for path, role, count, costs in rows:
        yield path, role, count, [share(bound(x)) for x in costs]


def in_training(rules: Rules) -> tuple[str, ...]:
    """The rules in force: those given over the ones of training."""
    listed = [rules] if isinstance(rules, str) else list(rules)
    return chosen([ALWAYS, *listed], None)


def share(expr: Expr) -> Expr:
    """A token's share of a sum over a sequence of n."""
    return Add(*(x / s.n for x in Add.make_args(expr)))


def summed(found: Iterable[Term], times: Callable[[Term], tuple[Any, Any]] = lambda _: (1, 1)) -> Cost:
    """The terms added up, each `times` over: what it gives for matmuls and for the rest."""
    each = [(x.path, x.count, x.cost, *times(x)) for x in found]
    matmul = grouped((path, count, cost.matmul * m) for path, count, cost, m, _ in each)
    return Cost(matmul, grouped((path, count, cost.vector * v) for path, count, cost, _, v in each))


def grouped(found: Iterable[tuple[str, Expr, Expr]]) -> Expr:
    """Shares of operators (path, how often it runs, share of one run) as a sum in which each block's stand together."""
    blocks: dict[tuple[str, Expr], Expr] = {}
    for path, count, expr in found:
        key = path.partition("/")[0], count
        blocks[key] = blocks.get(key, Integer(0)) + expr
    return Add(*(count * expr for (_, count), expr in blocks.items()))


@dataclass(frozen=True, repr=False)
class Training:
    """What training costs a token of a sequence of n: closed forms in the vocabulary, and their numbers.

    `terms` are its operators and `choices` what `g_m`, `g_v`, `rho` and `rho_c` stand for. The update of the weights is
    not counted: it is one a step, whatever its tokens.
    """

    model: str
    rules: tuple[str, ...]
    recompute: str
    sequence: int
    tokens: int
    terms: tuple[Term, ...]
    choices: Layer
    values: Mapping[Symbol, Any]

    def passes(self, forward: int, backward: int, again: int) -> Cost:
        """Matmul and vector FLOP a token of so many passes forward, backward, and of what is computed again."""
        bound = Binding(self.choices)

        def times(x: Term) -> tuple[Expr, Expr]:
            run = forward + again * x.again
            return bound(run + backward * s.g_m), bound(run + backward * s.g_v)

        return summed(self.terms, times)

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
        """FLOP of what is computed again."""
        return self.passes(0, 0, 1)

    @property
    def flops(self) -> Expr:
        """FLOP a token that the model needs, forward and backward, as a closed form."""
        return self.passes(1, 1, 0).flops

    @property
    def hardware_flops(self) -> Expr:
        """FLOP a token that are computed: those needed, and those of what is computed again."""
        return self.passes(1, 1, 1).flops

    def number(self, expr: Expr) -> Any:
        """What a closed form comes to at the model's sizes and this sequence: exact."""
        return exact_number(Binding(self.values)(expr))

    @property
    def per_token(self) -> Any:
        """FLOP a token that the model needs."""
        return self.number(self.flops)

    @property
    def hardware_per_token(self) -> Any:
        """FLOP a token that are computed."""
        return self.number(self.hardware_flops)

    @property
    def total(self) -> Any:
        """FLOP that the model needs for all tokens."""
        return self.per_token * self.tokens

    @property
    def hardware_total(self) -> Any:
        """FLOP that are computed for all tokens."""
        return self.hardware_per_token * self.tokens

    def __repr__(self) -> str:
        return f"<symroof training of {self.model}: {self.per_token} FLOP a token in sequences of {self.sequence}>"

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
    model: Model,
    sequence: int,
    tokens: int | None = None,
    recompute: str | Layer = "none",
    rules: Rules = "standard",
    backward: Layer = BACKWARD,
) -> Training:
    """FLOP of training on `tokens` in sequences of `sequence` tokens; on one sequence where none are said.

    Attention is counted by `rules`: causal pairs exactly, or `full-square`; `matmul-only` leaves out elementwise
    operations. `recompute`: none, selective or full, or a layer of definitions of `rho` and `rho_c`; `backward`: one of
    `g_m` and `g_v`. Raises UnknownName.
    """
    (asked,), (kept,) = queries(sequence), queries(sequence if tokens is None else tokens)
    return Training(
        model.name,
        in_training(rules),
        label(recompute),
        asked.new,
        kept.new,
        terms(model, rules),
        {**backward, **policy(recompute)},
        {**model.sizes, s.n: Integer(asked.new)},
    )


def policy(recompute: str | Layer) -> Layer:
    """What is computed again, by name. Raises UnknownName."""
    return named("recompute policy", recompute, RECOMPUTE)


def named(kind: str, told: str | Layer, known: Mapping[str, Layer]) -> Layer:
    """A layer of definitions, or the one of that name. Raises UnknownName."""
    if not isinstance(told, str):
        return told
    if told not in known:
        raise UnknownName(kind, told, known)
    return known[told]


def label(told: str | Layer) -> str:
    """A layer of definitions as a record names it."""
    return told if isinstance(told, str) else ", ".join(f"{x} = {y}" for x, y in told.items())


def training_formula(model: Model, rules: Rules = "standard") -> Expr:
    """FLOP a token of a sequence of n, with what is computed backward (`g_m`, `g_v`) and again (`rho`) left open."""
    return summed(terms(model, rules), lambda x: (1 + s.g_m + x.again, 1 + s.g_v + x.again)).flops
