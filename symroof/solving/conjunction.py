"""Several comparisons solved for one symbol at once: where all of them hold.

`to_dict` and `solve --json` are one schema, SCHEMA; its keys are those of `solution`, and

    holds                [{first, last}]: where all conditions hold; last is null at the end of the domain
    answer, answer_is    as for one comparison; of a "range" within the domain the answer is its first number
    conditions           of each comparison what `solution` has for it: question, relation, holds, answer, ...
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from sympy import Symbol

from symroof.algebra.rootfinding.signs import Run
from symroof.model.model import Model
from symroof.results import ExactFloat, Result
from symroof.solving import solution as single
from symroof.solving.scope import SolveScope
from symroof.solving.solution import Solution

SCHEMA = "symroof.conjunction/1"
SHARED = ("symroof", "model", "rules", "precision", "unknown", "meaning", "batch", "held", "quantities", "domain")


@dataclass(frozen=True, repr=False)
class Conjunction(Result):
    """Where all of some comparisons hold for one unknown; see the module's schema."""

    question: str
    conditions: tuple[Solution, ...]

    @property
    def scope(self) -> SolveScope:
        """The context that they share."""
        return self.conditions[0].scope

    @property
    def model(self) -> Model:
        """The model it was solved for."""
        return self.scope.model

    @property
    def unknown(self) -> Symbol:
        """What was solved for."""
        return self.scope.unknown

    @property
    def whole(self) -> bool:
        """Whether it is a whole number."""
        return self.conditions[0].whole

    @property
    def domain(self) -> tuple[Any, Any]:
        """The first and last number that were considered."""
        return self.conditions[0].domain

    @property
    def holds(self) -> tuple[Run, ...]:
        """The numbers where all conditions hold."""
        common = self.conditions[0].holds
        for x in self.conditions[1:]:
            common = common_runs(common, x.holds)
        return tuple(run for run in common if run.first != run.last or self.holds_at(run.first))

    def holds_at(self, at: Any) -> bool:
        """Whether all conditions hold at a number."""
        return all(x.check(at).holds for x in self.conditions)

    @property
    def complete(self) -> bool:
        """Whether they hold nowhere else."""
        return all(x.complete for x in self.conditions)

    @property
    def answer_is(self) -> str:
        """What the answer is: only, smallest, largest, range, one of several, any or none."""
        holds, (first, last) = self.holds, self.domain
        if len(holds) != 1:
            return "one of several" if holds else "none"
        if holds[0].first == holds[0].last:
            return "only"
        begins, ends = holds[0].first == first, holds[0].last == last
        return {(True, True): "any", (True, False): "largest", (False, True): "smallest"}.get((begins, ends), "range")

    @property
    def answer(self) -> Any:
        """The number solved for: the largest or smallest, of a range or several the first; None for any or none."""
        kind = self.answer_is
        if kind in ("none", "any"):
            return None
        exact = self.holds[-1].last if kind == "largest" else self.holds[0].first
        return ExactFloat(exact) if isinstance(exact, Fraction) else exact

    @property
    def allowed(self) -> int | None:
        """Of a size: the nearest to the answer that a model of this structure can have."""
        run = self.holds[-1 if self.answer_is == "largest" else 0] if self.holds else None
        return single.allowed_size(self.scope, run, self.answer, self.answer_is)

    @property
    def notes(self) -> tuple[str, ...]:
        """How numbers such as 10B were read."""
        return self.conditions[0].notes

    @property
    def shares(self) -> tuple[str, ...]:
        """Of a kind's number of layers, in words: its shares of all where the sides of a condition are equal."""
        return tuple(share for x in self.conditions for share in x.shares)

    def to_dict(self) -> dict[str, Any]:
        """The solution in the schema that this module documents."""
        first, domain = single.solution_dict(self.conditions[0]), self.domain
        return {
            "schema": SCHEMA,
            **{key: first[key] for key in SHARED},
            "question": self.question,
            "holds": [single.run_dict(run, domain) for run in self.holds],
            "answer": single.finite_number(self.answer),
            "answer_is": self.answer_is,
            "allowed": self.allowed,
            "complete": self.complete,
            "conditions": [single.question_dict(x) | single.answer_dict(x) for x in self.conditions],
            "notes": [*self.notes, *self.shares],
            "warnings": first["warnings"],
        }

    def closed_forms(self) -> dict[str, Any]:
        """Both sides of each comparison."""
        sides = enumerate(self.conditions, 1)
        return {f"{name}_{i}": side.expr for i, x in sides for name, side in (("left", x.left), ("right", x.right))}

    def __repr__(self) -> str:
        return f"<symroof solution of {self.question!r} for {self.unknown}: {self.answer_is} {self.answer}>"


def common_runs(some: tuple[Run, ...], others: tuple[Run, ...]) -> tuple[Run, ...]:
    """The numbers that are in runs of both."""
    both = ((max(x.first, y.first), min(x.last, y.last)) for x, y in product(some, others))
    return tuple(Run(first, last, 0) for first, last in both if first <= last)
