"""The steps that serve a workload: time, energy and memory of each, in closed form of the tokens cached before it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

from sympy import Add, Expr, Integer, sympify

from symroof import symbols as s
from symroof.algebra.rootfinding import piecewise
from symroof.cost.batch import Workload
from symroof.cost.cost import Cost
from symroof.cost.operator_time import energy, longest, matmul_time, memory_time, time
from symroof.cost.rule_names import RULEBOOK
from symroof.errors import UsageError, shorten
from symroof.hardware.platform import Platform
from symroof.model.model import Model
from symroof.model.report import Row
from symroof.quantization.precision import Precision


@dataclass(frozen=True)
class Steps:
    """Steps that each add `new` tokens per query to one of the `contexts`, with closed forms in c of what a step takes.

    `time`: seconds of one operator after another; `joules`, None where neither they nor the power are known; `memory`:
    bytes. At the fastest peaks: `lower`, seconds of all at once; `compute`, of matmuls; `weights`, of reading them;
    `cache`, of reading and writing it.
    """

    new: int
    contexts: range
    logits: str | None
    time: Expr
    lower: Expr
    compute: Expr
    weights: Expr
    cache: Expr
    joules: Expr | None
    memory: Expr

    def total(self, name: str) -> Any:
        """The sum of a closed form over the steps; None where it is not known."""
        form = getattr(self, name)
        return None if form is None else piecewise.total_over(form, s.c, *self._span)

    def pieces(self, name: str) -> tuple[piecewise.PolynomialPiece, ...]:
        """A closed form as polynomials of the context, piece by piece."""
        return piecewise.polynomial_pieces(getattr(self, name), s.c, *self._span)

    def ends(self, name: str) -> tuple[Any, Any]:
        """A closed form at the first step and at the last; None without steps."""
        form, contexts = getattr(self, name), self.contexts
        first, last = (piecewise.total_over(form, s.c, contexts[i], contexts[i]) if contexts else None for i in (0, -1))
        return first, last

    def fullest(self) -> Iterator[dict[str, Any]]:
        """The step that needs most memory, as `Model.report` takes it; none without steps."""
        if self.contexts:
            _, cached = piecewise.largest_value(self.pieces("memory"))
            yield {"new": self.new, "cached": cached, "logits": self.logits}

    @property
    def _span(self) -> tuple[int, int, int]:
        return self.contexts.start, self.contexts.stop - 1, self.contexts.step


@dataclass(frozen=True)
class Server:
    """A model on a platform under rules and formats, and the steps it runs."""

    model: Model
    platform: Platform
    rules: tuple[str, ...]
    formats: Mapping[str, Any]

    @cached_property
    def precision(self) -> Precision:
        """The format of every role."""
        return self.model.precision(**self.formats)

    def prefill(self, work: Workload, batch: int) -> list[Steps]:
        """Steps of a prefill: full chunks without logits, if any, then the rest of the prompt with logits."""
        last = work.prompt - work.left
        chunks = self.steps(batch, work.chunk, range(work.cached, last, work.chunk), "none") if work.chunks else None
        return [*([chunks] if chunks else []), self.steps(batch, work.left, range(last, last + 1))]

    def decode(self, work: Workload, new: int = 1, logits: str | None = None) -> Steps:
        """Steps at each context of decoding, up to that of the last token, which is not fed back."""
        return self.steps(work.batch_size, new, range(work.prompt, work.prompt + work.output_tokens - 1), logits)

    def steps(self, batch: int, new: int, contexts: range, logits: str | None = None) -> Steps:
        """Steps of `batch` queries of `new` tokens; `logits` is only for rules that count logits of the last alone."""
        logits = logits if self._last_only else None
        given = {s.B: batch, s.n: new, **({} if contexts[1:] else {s.c: contexts.start})}
        rows = self.model.uniform({x: Integer(y) for x, y in given.items()}, self.rules, logits, **self.formats)
        least = self._least(rows)
        lower = longest(least["compute"], least["weights"] + least["cache"])
        memory = memory_formula(rows)
        return Steps(
            new, contexts, logits, time=self._time(rows), lower=lower, **least, joules=self._joules(rows), memory=memory
        )

    @property
    def _last_only(self) -> bool:
        return not RULEBOOK[self.rules[0]].tool and self.model.definitions(self.rules)[s.R] == 1

    def _rates(self, row: Row) -> dict[str, Any]:
        return self.platform.rates(row.role, row.cost.matmul, row.width, self.precision)

    def _time(self, rows: Sequence[Row]) -> Expr:
        return Add(*(row.layers * time(row.cost, substitution(self._rates(row))) for row in rows))

    def _least(self, rows: Sequence[Row]) -> dict[str, Expr]:
        """Seconds of matmuls, of weights and of the cache, by name."""
        rates = (self.platform.bounding_rates(row.cost.matmul, row.operands, self.precision) for row in rows)
        timed = [(row.all, substitution(x)) for row, x in zip(rows, rates, strict=True)]
        return {
            "compute": Add(*(at(matmul_time(x)) for x, at in timed)),
            "weights": Add(*(at(memory_time(Cost(weight_read=x.weight_read))) for x, at in timed)),
            "cache": Add(*(at(memory_time(replace(x.weights_and_cache, weight_read=0))) for x, at in timed)),
        }

    def _joules(self, rows: Sequence[Row]) -> Expr | None:
        if self.platform.joules is None and self.platform.machine.power is None:
            return None
        rates = (self.platform.energies(self._rates(row)) for row in rows)
        return Add(*(substitution(x)(energy(row.all)) for row, x in zip(rows, rates, strict=True)))


def substitution(values: Mapping[str, Any]) -> Callable[[Any], Expr]:
    """A function that substitutes numbers for symbols, given by name."""
    numbers = {s.symbol(name): sympify(x, strict=True) for name, x in values.items()}
    return lambda expr: sympify(expr, strict=True).xreplace(numbers)


def memory_formula(rows: Sequence[Row]) -> Expr:
    """Bytes that a step needs: weights, the cache after it, and the most that one operator reads and writes."""
    activations = {sympify(row.cost.act_read + row.cost.act_write, strict=True) for row in rows}
    return Add(*(row.all.weight_held + row.all.cache_held for row in rows), longest(*activations))


TOKENS_PER_ROUND = (1 - s.a_d ** (s.g_d + 1)) / (1 - s.a_d)  # on average, of speculative decoding


@dataclass(frozen=True)
class Draft:
    """A draft model: the tokens it proposes per round, and the fraction of them that is accepted."""

    model: Model
    tokens: int = 4
    acceptance: Fraction = Fraction(4, 5)

    def __post_init__(self) -> None:
        if isinstance(self.tokens, bool) or not isinstance(self.tokens, int) or not 1 <= self.tokens <= 1000:
            raise UsageError(f"draft tokens {shorten(self.tokens)}: give a whole number from 1 to 1000")
        if not 0 <= self.acceptance <= 1:
            raise UsageError(f"acceptance {shorten(self.acceptance)}: give a fraction from 0 to 1, such as 0.8")

    @property
    def tokens_per_round(self) -> Any:
        """Tokens that a round yields on average."""
        values = {s.a_d: sympify(self.acceptance, strict=True), s.g_d: Integer(self.tokens)}
        return Integer(self.tokens + 1) if self.acceptance == 1 else TOKENS_PER_ROUND.xreplace(values)

    def acceptance_for(self, needed: Any) -> float | None:
        """The acceptance at which a round yields `needed` tokens, by bisection; None where there is none."""
        if needed > self.tokens + 1:
            return None
        low, high = Fraction(0), Fraction(1)
        while high - low > Fraction(1, 2**30):
            middle = (low + high) / 2
            low, high = (low, middle) if replace(self, acceptance=middle).tokens_per_round >= needed else (middle, high)
        return float(high)


OF_ROUND = ("time", "lower", "compute", "weights", "cache")  # forms that add up over the steps of a round


def steps_per_output_token(verifying: Steps, drafting: Steps, draft: Draft) -> Steps:
    """What an output token takes with a draft, at each context: a round's steps over the tokens it yields."""

    def per_token(name: str) -> Any:
        proposals = (getattr(drafting, name).xreplace({s.c: s.c + i}) for i in range(draft.tokens))
        return Add(getattr(verifying, name), *proposals) / sympify(draft.tokens_per_round, strict=True)

    joules = None if verifying.joules is None else per_token("joules")
    return replace(verifying, **{name: per_token(name) for name in OF_ROUND}, joules=joules)
