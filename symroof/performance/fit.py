"""What fits a machine: the largest batch, the longest context, the smallest number of machines.

Steps are of decode: one new token a query, which a query's context counts. All weights have to be kept, and of each
query the cache after the step and what one operator reads and writes at most (`memory.Need`). A context fits where it
and every shorter one do, since queries grow through them. Solved in closed form, piece by piece (`piecewise`).

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
    warnings             what of the config was set aside, contexts beyond what it names

Several machines are {schema: symroof.fits/1, fits: [...], refused: [{machine, error}]}.

Several machines hold weights, cache and activations evenly and none of it twice (ideal tensor parallelism).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Symbol, ceiling, floor, sympify

from symroof import symbols as s
from symroof.algebra.rootfinding import piecewise
from symroof.cost.batch import LARGEST
from symroof.cost.notation import text
from symroof.errors import UsageError, shorten
from symroof.families.reading.catalogue import context as context_of
from symroof.hardware.machines import Machine, machine
from symroof.model.model import Model, Rules
from symroof.model.report import Report, plain
from symroof.performance import capacity
from symroof.performance.capacity import DoesNotFit, Need
from symroof.performance.decode_memory import Demand, Number, demand
from symroof.version import __version__

SCHEMA = "symroof.fit/1"
FAR = 10**30  # tokens: no memory holds as many, whatever the model whose cache grows

# Words of the formulas: bytes of the weights; of a query its cache and its activations; or both, FIXED + EACH c.
WEIGHTS, CACHE, ACTIVATIONS, FIXED, EACH = map(Symbol, ("weights", "cache", "activations", "fixed", "each"))
NEEDED = WEIGHTS + s.B * (CACHE + ACTIVATIONS)
FITS = NEEDED <= s.M
BATCH = floor((s.M - WEIGHTS) / (CACHE + ACTIVATIONS))
CONTEXT = floor(((s.M - WEIGHTS) / s.B - FIXED) / EACH) + 1
MACHINES = ceiling(NEEDED / s.M)


@dataclass(frozen=True)
class Answer:
    """What was solved for, and the machines, batch and context that fit; a context of None is any.

    `formula` is what was solved: at `values` it is the number, or true. `need` is of the step that needs most, at a
    context of `at` tokens (None where longer ones need no more), and `operator` has the most activations in it.
    """

    solved: str
    machine: Machine
    batch_size: int
    context: int | None
    formula: Expr
    values: Mapping[Symbol, Number]
    at: int | None
    need: Need
    operator: str

    @property
    def number(self) -> int | None:
        """What the formula comes to; None where it is no number, but true of the answer."""
        return None if self.formula == FITS else number(self.formula, self.values)

    @property
    def left(self) -> Number:
        """Bytes of memory that nothing needs."""
        return self.machine.memory - self.need.total

    def to_dict(self) -> dict[str, Any]:
        """The schema's answer."""
        rest = {"available": self.machine.memory, "left": plain(self.left), "at": self.at}
        return {
            "solved": self.solved,
            "batch_size": self.batch_size,
            "context": self.context,
            "machines": self.machine.count,
            "formula": text(self.formula),
            "values": {str(x): plain(value) for x, value in self.values.items()},
            "memory": {**self.need.to_dict(), **rest},
            "operator": self.operator,
        }


@dataclass(frozen=True, repr=False)
class Fit:
    """What of the steps of a model fits a machine."""

    kept: Demand
    machine: Machine
    answers: tuple[Answer, ...]

    @property
    def report(self) -> Report:
        """The smallest step."""
        return self.kept.smallest

    @property
    def config_context(self) -> int | None:
        """The longest context that the config names."""
        return context_of(self.kept.model.config)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader has to know beyond the figures."""
        named = self.config_context
        beyond = [x.context for x in self.answers if named and (x.context is None or x.context > named)]
        told = ("any context" if x is None else f"a context of {x:,} tokens" for x in beyond)
        return (*self.report.warnings, *(f"{x} fits; the config names {named:,} tokens at most" for x in told))

    def to_dict(self) -> dict[str, Any]:
        """The answers in the schema that this module documents."""
        report = self.report.to_dict()
        return {
            "schema": SCHEMA,
            "symroof": __version__,
            **{key: report[key] for key in ("model", "parameters", "rules", "precision")},
            "machine": self.machine.to_dict(),
            "config_context": self.config_context,
            "cache": text(self.kept.cache_formula),
            "query": str(self.kept.query),
            "answers": [x.to_dict() for x in self.answers],
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        told = (
            f"batch {x.batch_size:,} of {'any context' if x.context is None else f'{x.context:,} tokens'} on"
            f" {x.machine.label}"
            for x in self.answers
        )
        return f"<symroof fit of {self.kept.model.name}: {'; '.join(told)}>"

    def __str__(self) -> str:
        from symroof.render.results.fit import render

        return render(self)


def fit(
    model: Model,
    on: str | Machine,
    context: int | None = None,
    batch_size: int | None = None,
    rules: Rules = "standard",
    logits: str | None = None,
    **formats: str | None,
) -> Fit:
    """What of a model fits a machine: the largest batch at a `context`, the longest context of a `batch_size`, for
    both the smallest number of such machines, and for none of them the longest context of one query and the largest
    batch at the context that the config names.

    `formats` as for a report. Raises DoesNotFit where not even one query does, or a batch of one token each.
    """
    found = machine(on) if isinstance(on, str) else on
    return fitted(demand(model, rules, logits, **formats), found, context, batch_size)


def fitted(kept: Demand, machine: Machine, context: int | None = None, batch_size: int | None = None) -> Fit:
    """`fit` for what a model's steps keep."""
    for what, asked in (("context", context), ("batch size", batch_size)):
        if asked is not None and not (type(asked) is int and 1 <= asked <= LARGEST):
            raise UsageError(f"{what} {shorten(asked)}: give a whole number from 1 to {LARGEST:.0e}")
    if context and batch_size:
        answers = [fewest_machines(kept, machine, context, batch_size)]
    elif context:
        answers = [largest_batch(kept, machine, context)]
        if answers[0].batch_size < 1:
            raise refusal(kept, machine, most(kept, context), 1)
    else:
        answers = [longest_context(kept, machine, batch_size or 1)]
        named = None if batch_size else context_of(kept.model.config)
        answers += [largest_batch(kept, machine, named)] if named else []
    return Fit(kept, machine, tuple(answers))


def refusal(kept: Demand, machine: Machine, cached: int, batch_size: int) -> DoesNotFit:
    """What to say of a step that does not fit: by how much, and what would make it."""
    step = {**kept.settings, "cached": cached, "batch_size": batch_size}
    queries = "one query" if batch_size == 1 else f"{batch_size:,} queries"
    told = capacity.shortfall(kept.model, machine, [step])
    return DoesNotFit(f"{queries} of {cached + 1:,} token{'s' * (cached > 0)}: {told}")


def most(kept: Demand, context: int) -> int:
    """The tokens cached at which a query that grows to a context keeps most."""
    return piecewise.highest(piecewise.pieces(kept.query, s.c, 0, context - 1))[1]


def need(kept: Demand, batch_size: int, cached: int) -> Need:
    """What a step of queries of so many cached tokens keeps."""
    cache, activations, _ = kept.of_query(cached)
    return Need(kept.weights, batch_size * cache, batch_size * activations)


def largest_batch(kept: Demand, machine: Machine, context: int) -> Answer:
    """The queries that grow to a context together; none where not even one does."""
    cached = most(kept, context)
    cache, activations, path = kept.of_query(cached)
    values = {s.M: machine.memory, WEIGHTS: kept.weights, CACHE: cache, ACTIVATIONS: activations}
    found = number(BATCH, values)
    return Answer("batch_size", machine, found, context, BATCH, values, cached + 1, need(kept, found, cached), path)


def longest_context(kept: Demand, machine: Machine, batch_size: int) -> Answer:
    """The context that all queries of a batch grow to. Raises DoesNotFit where there is none."""
    room = Fraction(machine.memory - kept.weights) / batch_size
    last = piecewise.last_at_most(kept.query, s.c, room, 0, FAR)
    if last is None:
        raise refusal(kept, machine, 0, batch_size)
    values = {s.M: machine.memory, WEIGHTS: kept.weights, s.B: batch_size}
    formula, known = FITS, {}
    pieces = piecewise.pieces(kept.query, s.c, 0, last)
    for piece in pieces:
        fixed, each, square = piece.coefficients
        line = {FIXED: fixed, EACH: each}
        if piece.last == last and each > 0 == square and number(CONTEXT, {**values, **line}) == last + 1:
            formula, known = CONTEXT, line
    _, cached = piecewise.highest(pieces)
    *_, path = kept.of_query(cached)
    endless = last == FAR
    return Answer(
        "context",
        machine,
        batch_size,
        None if endless else last + 1,
        formula,
        {**values, **known},
        None if endless else cached + 1,
        need(kept, batch_size, cached),
        path,
    )


def fewest_machines(kept: Demand, machine: Machine, context: int, batch_size: int) -> Answer:
    """The smallest number of machines, in steps of the machine's count, that a batch grows to a context on."""
    cached = most(kept, context)
    cache, activations, path = kept.of_query(cached)
    values = {s.M: machine.memory, WEIGHTS: kept.weights, s.B: batch_size, CACHE: cache, ACTIVATIONS: activations}
    enough = machine.times(number(MACHINES, values))
    return Answer(
        "machines", enough, batch_size, context, MACHINES, values, cached + 1, need(kept, batch_size, cached), path
    )


def number(formula: Expr, values: Mapping[Symbol, Number]) -> int:
    """A formula of whole numbers at exact values."""
    return int(formula.xreplace({x: sympify(value, strict=True) for x, value in values.items()}))
