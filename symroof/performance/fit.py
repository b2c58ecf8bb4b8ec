"""What fits a machine: the largest batch, the longest context, the smallest number of machines.

Steps are decode steps: one new token per query, which the query's context includes. Memory holds all weights, and for
each query the cache after the step and the most that one operator reads and writes (`capacity.MemoryNeed`). A context
fits where it and every shorter one do, since queries grow through them. Solved in closed form, piece by piece
(`piecewise`).

`to_dict` and `fit --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model, parameters, rules, precision: as `symroof report --json` has them
    machine              as `symroof machines --json` has it, and count
    config_context       tokens of the longest context that the config names, or null
    cache                the cache of a query of c cached tokens after the step, in the model's symbols
    query                bytes of that and of activations, a Python expression in c
    answers              solved: batch_size, context or machines; batch_size; context (null: any); machines: their
                         number, a multiple of the machine's count; formula: what was solved, and values of its names;
                         memory: weights, cache, activations, needed, available, left: bytes at the context `at`,
                         where most is needed (null: never more); operator: path of the one with most activations
    warnings             those of the report, contexts beyond the one that the config names

Several machines are {schema: symroof.fits/1, fits: [...], refused: [{machine, error}]}.

Several machines share weights, cache and activations evenly, without replication (ideal tensor parallelism).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Symbol, ceiling, floor, sympify

from symroof import symbols as s
from symroof.algebra.rootfinding import piecewise
from symroof.cost.batch import LARGEST
from symroof.cost.notation import formula_text
from symroof.errors import UsageError, shorten
from symroof.families.reading.catalogue import longest_context as config_context_of
from symroof.hardware.machines import Machine, machine
from symroof.model.keywords import check_keywords
from symroof.model.model import Model, Rules, Source, as_model
from symroof.model.report import Report, json_number
from symroof.performance import capacity
from symroof.performance.capacity import DoesNotFit, MemoryNeed
from symroof.performance.decode_memory import DecodeMemory, Number, decode_memory
from symroof.results import Result, header

SCHEMA = "symroof.fit/1"
FAR = 10**30  # tokens: no memory holds as many of any model whose cache grows

# Names in the formulas: bytes of the weights; per query bytes of cache and activations, or of both, FIXED + EACH c.
WEIGHTS, CACHE, ACTIVATIONS, FIXED, EACH = map(Symbol, ("weights", "cache", "activations", "fixed", "each"))
NEEDED = WEIGHTS + s.B * (CACHE + ACTIVATIONS)
FITS = NEEDED <= s.M
BATCH = floor((s.M - WEIGHTS) / (CACHE + ACTIVATIONS))
CONTEXT = floor(((s.M - WEIGHTS) / s.B - FIXED) / EACH) + 1
MACHINES = ceiling(NEEDED / s.M)


@dataclass(frozen=True)
class Answer:
    """What was solved for, and the machines, batch and context that fit; a context of None means any.

    `formula` is what was solved: at `values` it is the number, or true. `need` is that of the step that needs most, at
    a context of `at` tokens (None where longer ones need no more); `operator` has the most activations in it.
    """

    solved: str
    machine: Machine
    batch_size: int
    context: int | None
    formula: Expr
    values: Mapping[Symbol, Number]
    at: int | None
    need: MemoryNeed
    operator: str

    @property
    def number(self) -> int | None:
        """The formula's value; None where the formula is a condition that the answer meets."""
        return None if self.formula == FITS else whole_value(self.formula, self.values)

    @property
    def left(self) -> Number:
        """Bytes of memory left free."""
        return self.machine.memory - self.need.total

    def to_dict(self) -> dict[str, Any]:
        """The schema's answer."""
        rest = {"available": self.machine.memory, "left": json_number(self.left), "at": self.at}
        return {
            "solved": self.solved,
            "batch_size": self.batch_size,
            "context": self.context,
            "machines": self.machine.count,
            "formula": formula_text(self.formula),
            "values": {str(x): json_number(value) for x, value in self.values.items()},
            "memory": {**self.need.to_dict(), **rest},
            "operator": self.operator,
        }


@dataclass(frozen=True, repr=False)
class Fit(Result):
    """The decode steps of a model that fit a machine."""

    decode_memory: DecodeMemory
    machine: Machine
    answers: tuple[Answer, ...]

    @property
    def report(self) -> Report:
        """The smallest step."""
        return self.decode_memory.smallest

    @property
    def config_context(self) -> int | None:
        """The longest context that the config names."""
        return config_context_of(self.decode_memory.model.config)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader has to know beyond the figures."""
        named = self.config_context
        beyond = [x.context for x in self.answers if named and (x.context is None or x.context > named)]
        contexts = ("any context" if x is None else f"a context of {x:,} tokens" for x in beyond)
        return (*self.report.warnings, *(f"{x} fits; the config names {named:,} tokens at most" for x in contexts))

    def to_dict(self) -> dict[str, Any]:
        """The answers in the schema that this module documents."""
        report = self.report.to_dict()
        return {
            **header(SCHEMA),
            **{key: report[key] for key in ("model", "parameters", "rules", "precision")},
            "machine": self.machine.to_dict(),
            "config_context": self.config_context,
            "cache": formula_text(self.decode_memory.cache_formula),
            "query": str(self.decode_memory.query),
            "answers": [x.to_dict() for x in self.answers],
            "warnings": list(self.warnings),
        }

    def closed_forms(self) -> dict[str, Any]:
        """What each answer was solved from."""
        return {x.solved: x.formula for x in self.answers}

    def __repr__(self) -> str:
        answers = (
            f"batch {x.batch_size:,} of {'any context' if x.context is None else f'{x.context:,} tokens'} on"
            f" {x.machine.label}"
            for x in self.answers
        )
        return f"<symroof fit of {self.decode_memory.model.name}: {'; '.join(answers)}>"


def fit(
    model: Model | Source,
    on: str | Machine,
    context: int | None = None,
    batch_size: int | None = None,
    rules: Rules = "standard",
    logits: str | None = None,
    **formats: str | None,
) -> Fit:
    """The largest batch of a `context` that fits a machine, or the longest context of a `batch_size`; given both, the
    smallest number of such machines; given neither, the longest context of one query and the largest batch at the
    context that the config names.

    `formats` as for a report. Raises DoesNotFit where not even one query fits, or a batch of one token each.
    """
    check_keywords(fit, formats)
    model = as_model(model)
    chosen = machine(on) if isinstance(on, str) else on
    return fit_decode_memory(decode_memory(model, rules, logits, **formats), chosen, context, batch_size)


def fit_decode_memory(
    memory: DecodeMemory, machine: Machine, context: int | None = None, batch_size: int | None = None
) -> Fit:
    """`fit` for the memory that a model's decode steps need."""
    _check_size("context", context)
    _check_size("batch size", batch_size)
    if context and batch_size:
        answers = [fewest_machines(memory, machine, context, batch_size)]
    elif context:
        answers = [_at_least_one_query(memory, largest_batch(memory, machine, context))]
    else:
        answers = [longest_fitting_context(memory, machine, batch_size or 1)]
        named = None if batch_size else config_context_of(memory.model.config)
        answers += [largest_batch(memory, machine, named)] if named else []
    return Fit(memory, machine, tuple(answers))


def _check_size(name: str, size: int | None) -> None:
    if size is not None and not (type(size) is int and 1 <= size <= LARGEST):
        raise UsageError(f"{name} {shorten(size)}: give a whole number from 1 to {LARGEST:.0e}")


def _at_least_one_query(memory: DecodeMemory, answer: Answer) -> Answer:
    if answer.batch_size < 1:
        raise does_not_fit(memory, answer.machine, cached_at_peak(memory, int(answer.context or 0)), 1)
    return answer


def does_not_fit(memory: DecodeMemory, machine: Machine, cached: int, batch_size: int) -> DoesNotFit:
    """The error for a step that does not fit: by how much, and what would make it fit."""
    step = {**memory.settings, "cached": cached, "batch_size": batch_size}
    queries = "one query" if batch_size == 1 else f"{batch_size:,} queries"
    message = capacity.shortfall(memory.model, machine, [step])
    return DoesNotFit(f"{queries} of {cached + 1:,} token{'s' * (cached > 0)}: {message}")


def cached_at_peak(memory: DecodeMemory, context: int) -> int:
    """The tokens cached at which a query that grows to a context needs most memory."""
    return piecewise.largest_value(piecewise.polynomial_pieces(memory.query, s.c, 0, context - 1))[1]


def batch_need(memory: DecodeMemory, batch_size: int, cached: int) -> MemoryNeed:
    """What a step of a batch needs, each query with so many cached tokens."""
    cache, activations, _ = memory.of_query(cached)
    return MemoryNeed(memory.weights, batch_size * cache, batch_size * activations)


def largest_batch(memory: DecodeMemory, machine: Machine, context: int) -> Answer:
    """The number of queries that can grow to a context together; 0 where not even one can."""
    cached = cached_at_peak(memory, context)
    cache, activations, path = memory.of_query(cached)
    values = {s.M: machine.memory, WEIGHTS: memory.weights, CACHE: cache, ACTIVATIONS: activations}
    size = whole_value(BATCH, values)
    need = batch_need(memory, size, cached)
    return Answer("batch_size", machine, size, context, BATCH, values, cached + 1, need, path)


def longest_fitting_context(memory: DecodeMemory, machine: Machine, batch_size: int) -> Answer:
    """The context that all queries of a batch can grow to. Raises DoesNotFit where there is none."""
    room = Fraction(machine.memory - memory.weights) / batch_size
    last = piecewise.last_at_most(memory.query, s.c, room, 0, FAR)
    if last is None:
        raise does_not_fit(memory, machine, 0, batch_size)
    pieces = piecewise.polynomial_pieces(memory.query, s.c, 0, last)
    _, cached = piecewise.largest_value(pieces)
    *_, path = memory.of_query(cached)
    formula, values = context_formula(pieces, last, {s.M: machine.memory, WEIGHTS: memory.weights, s.B: batch_size})
    context, at = (None, None) if last == FAR else (last + 1, cached + 1)
    return Answer(
        "context", machine, batch_size, context, formula, values, at, batch_need(memory, batch_size, cached), path
    )


def context_formula(
    pieces: Sequence[piecewise.PolynomialPiece], last: int, values: Mapping[Symbol, Number]
) -> tuple[Expr, Mapping[Symbol, Number]]:
    """CONTEXT and its values where the last piece is a line that gives the context, else FITS and its values."""
    for piece in reversed(pieces):
        fixed, each, square = piece.coefficients
        line = {**values, FIXED: fixed, EACH: each}
        if piece.last == last and each > 0 == square and whole_value(CONTEXT, line) == last + 1:
            return CONTEXT, line
    return FITS, values


def fewest_machines(memory: DecodeMemory, machine: Machine, context: int, batch_size: int) -> Answer:
    """The smallest number of machines, in multiples of the machine's count, on which a batch can grow to a context."""
    cached = cached_at_peak(memory, context)
    cache, activations, path = memory.of_query(cached)
    values = {s.M: machine.memory, WEIGHTS: memory.weights, s.B: batch_size, CACHE: cache, ACTIVATIONS: activations}
    machines = machine.times(whole_value(MACHINES, values))
    need = batch_need(memory, batch_size, cached)
    return Answer("machines", machines, batch_size, context, MACHINES, values, cached + 1, need, path)


def whole_value(formula: Expr, values: Mapping[Symbol, Number]) -> int:
    """A formula of whole numbers at exact values."""
    return int(formula.xreplace({x: sympify(value, strict=True) for x, value in values.items()}))
