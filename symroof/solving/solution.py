"""Comparisons solved for one symbol: where they hold, exactly where the formulas allow it.

`to_dict` and `solve --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model, rules, precision: as `symroof report --json` has them
    question             as it was written; unknown, its meaning; relation, left, right: in names
    batch                B, n and c, but the unknown; held {symbol: formula in the unknown}
    quantities           name -> closed form in the vocabulary, a Python expression, or how it is made of others
    left_form, right_form: in the unknown alone, Python expressions
    domain               first and last number that were considered
    holds                [{first, last}]: where it holds; last is null at the end of the domain. Real unknowns: floats
    crosses              of an equation: [{below, above, at, exact}]: whole numbers that it has its solution between,
                         the real number, and that in closed form where there is one
    undefined            [{first, last}]: where a side has no value
    answer, answer_is    the number solved for (null for none), and what it is: only, smallest, largest, one of several
                         (the smallest), any, or none
    allowed              of a size: the nearest valid size for which it holds, null where there is none
    solution             the unknown in closed form, in names, where the equation is simple; or null
    how                  piece by piece, roots isolated or bracketed; exact: whether nothing was rounded or sampled
    complete             whether it holds nowhere else; residual: (left - right) / |right| at the answer
    checks               [{at, left, right, holds}] at the answer and next to it
    notes                how numbers such as 10B were read; of a number of layers, the share where both sides are equal
    warnings             those of a report of the model
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.multiprecision import evaluator, relative, sign_of_difference, to_mpf
from symroof.algebra.rootfinding.signs import PIECES, ROOTS, Run
from symroof.cost.rule_names import RULEBOOK
from symroof.model.model import Model
from symroof.results import ExactFloat, Result, header
from symroof.solving import unknowns
from symroof.solving.scope import Leaf, SolveScope
from symroof.solving.terms import ComparisonTerm
from symroof.units import Unit

SCHEMA = "symroof.solution/1"
NEAR = 4096  # sizes next to an answer that are tried for a valid one
HOLDS: dict[str, Callable[[int], bool]] = {
    "=": lambda x: x == 0,
    "<": lambda x: x < 0,
    "<=": lambda x: x <= 0,
    ">": lambda x: x > 0,
    ">=": lambda x: x >= 0,
}


@dataclass(frozen=True)
class Crossing:
    """Two whole numbers between which the sides of an equation are equal, where: a number, and in closed form or None.

    Where a side jumps there, they never are: `at` is None.
    """

    below: int
    above: int
    at: Any
    exact: Expr | None


@dataclass(frozen=True)
class Check:
    """Both sides at a number, and whether the comparison holds there; None where a side has no value."""

    at: Any
    left: Any
    right: Any
    holds: bool | None

    @property
    def order(self) -> int:
        """-1, 0 or 1 where the left side is less than the right one, equal or more."""
        return sign_of_difference(self.left, self.right)


@dataclass(frozen=True, repr=False)
class Solution(Result):
    """Where a comparison holds: runs of numbers, and crossings between them; see the module's schema."""

    scope: SolveScope
    question: str
    relation: str
    left: ComparisonTerm
    right: ComparisonTerm
    domain: tuple[Any, Any]
    holds: tuple[Run, ...]
    crosses: tuple[Crossing, ...]
    undefined: tuple[Run, ...]
    solution: Expr | None
    how: str
    complete: bool
    boundaries: tuple[Crossing, ...] = ()  # of a number of layers: where the sides are equal at the ends of `holds`

    @property
    def notes(self) -> tuple[str, ...]:
        """How numbers such as 10B were read."""
        return tuple(dict.fromkeys(self.scope.notes))

    @property
    def shares(self) -> tuple[str, ...]:
        """Of a kind's number of layers, in words: its share of all where both sides are equal, and in whole layers."""
        return tuple(share_texts(self))

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
        return s.takes_whole_numbers(self.unknown)

    @property
    def leaves(self) -> Mapping[str, Leaf]:
        """The quantities in it, by name."""
        return self.scope.leaves

    @property
    def unit(self) -> Unit | None:
        """The unit of both sides."""
        return self.left.unit or self.right.unit

    @property
    def depends(self) -> bool:
        """Whether either side depends on the unknown."""
        return not (self.left.number and self.right.number)

    @property
    def answer_is(self) -> str:
        """What the answer is: only, smallest, largest, one of several, any or none."""
        if not self.holds:
            return ("only" if len(self.crosses) == 1 else "one of several") if self.crosses else "none"
        begins, ends = self.holds[0].first == self.domain[0], self.holds[-1].last == self.domain[1]
        if len(self.holds) == 1 and not self.crosses:
            if self.holds[0].first == self.holds[0].last:
                return "only"
            return "any" if begins and ends else "largest" if begins else "smallest"
        if self.relation == "=" or begins == ends:
            return "one of several"
        return "largest" if begins and self.complete else "smallest"

    @property
    def answer(self) -> Any:
        """The requested number: an int, or for a real unknown an ExactFloat or a sympy number; None if none or any.

        Of several the smallest; of an equation that is solved between whole numbers the real one.
        """
        exact = self.exact_answer
        return ExactFloat(exact) if isinstance(exact, Fraction) else exact

    @property
    def exact_answer(self) -> Any:
        """The answer before it is rounded: an int, or for a real unknown a Fraction or a sympy number."""
        kind = self.answer_is
        if kind in ("none", "any"):
            return None
        if kind == "largest":
            return self.holds[-1].last
        return min([x.first for x in self.holds] + [x.above if x.at is None else x.at for x in self.crosses])

    @property
    def answer_run(self) -> Run | None:
        """The run that the answer is in; None where there is no answer, or one side jumps past the other there."""
        answer = self.exact_answer
        return next((x for x in self.holds if answer is not None and x.first <= answer <= x.last), None)

    @property
    def allowed(self) -> int | None:
        """Of a size: the nearest to the answer that a model of this structure can have, such that it holds."""
        return allowed_size(self.scope, self.answer_run, self.answer, self.answer_is)

    @property
    def exact(self) -> bool:
        """Whether the runs are exact: nothing was sampled."""
        return self.how in (PIECES, ROOTS)

    @property
    def residual(self) -> float | None:
        """(left - right) / |right| at the answer; None where there is none, or none that a float can hold."""
        if self.answer is None or not (check := self.check(self.exact_answer)).right or check.left is None:
            return None
        part = relative(check.left, check.right)
        return part if isfinite(part) else None

    def check(self, at: Any) -> Check:
        """Both sides at a number."""
        left, right = (term_value(x, self.unknown, at) for x in (self.left, self.right))
        if left is None or right is None:
            return Check(at, left, right, None)
        return Check(at, left, right, HOLDS[self.relation](sign_of_difference(left, right)))

    @property
    def checks(self) -> tuple[Check, ...]:
        """Both sides at the answer and next to it; at the ends of the domain where there is none."""
        return tuple(self.check(x) for x in check_points(self))

    def to_dict(self) -> dict[str, Any]:
        """The solution in the schema that this module documents."""
        return solution_dict(self)

    def closed_forms(self) -> dict[str, Any]:
        """Both sides of the comparison, and the unknown where it has a closed form."""
        return {"left": self.left.expr, "right": self.right.expr} | (
            {str(self.unknown): self.solution} if self.solution is not None else {}
        )

    def __repr__(self) -> str:
        return f"<symroof solution of {self.question!r} for {self.unknown}: {self.answer_is} {self.answer}>"


def allowed_size(scope: SolveScope, run: Run | None, answer: Any, kind: str) -> int | None:
    """The size nearest to an answer, in its run, that a model of this structure can have; None where there is none."""
    if s.group(scope.unknown) != "size" or not isinstance(answer, int) or run is None:
        return None
    step = -1 if kind == "largest" else 1
    near = range(answer, answer + step * NEAR, step)
    valid = (x for x in near if run.first <= x <= run.last and unknowns.is_valid_size(scope, x))
    return next(valid, None)


def share_texts(solution: Solution) -> Iterator[str]:
    """The shares of L that a kind's number of layers is."""
    x, layers = solution.unknown, solution.model.sizes[s.L]
    for crossing in solution.boundaries:
        at, whole = crossing.exact, solution.answer
        if at is not None and at.is_Rational:
            share = f"{x}/L = {at / layers} where both sides are equal ({x} = {at})"
            yield share + (f"; in whole layers {whole}/{layers}" if isinstance(whole, int) else "")


def term_value(x: ComparisonTerm, unknown: Symbol, at: Any) -> Any:
    """A term's number at one of the unknown: exact where it is rational; None where it has none."""
    return evaluator(x.above, unknown, x.below)(at)


def check_points(solution: Solution) -> tuple[Any, ...]:
    """Where both sides are shown: at the answer and next to it; at the ends of the domain where there is none."""
    (first, last), answer = solution.domain, solution.exact_answer
    if answer is None or not solution.depends:
        return (first, last) if solution.whole else ()
    if not solution.whole:
        return (answer,)
    if solution.crosses and not isinstance(answer, int):
        x = next(x for x in solution.crosses if answer in (x.at, x.above))
        return (x.below, x.above)
    return tuple(x for x in (answer - 1, answer, answer + 1) if first <= x <= last)


def solution_dict(solution: Solution) -> dict[str, Any]:
    """A solution in the module's schema."""
    model, scope = solution.model, solution.scope
    formats, origin = scope.precision.formats.items(), scope.precision.origin
    return {
        **header(SCHEMA),
        "model": {
            "name": model.name,
            "family": model.family,
            "source": model.config.source,
            "sizes": dict(model.architecture.sizes),
        },
        "rules": {name: RULEBOOK[name].meaning for name in scope.rules},
        "precision": {role: {"format": x.name, "bytes": float(x.bytes), "origin": origin[role]} for role, x in formats},
        **question_dict(solution),
        **answer_dict(solution),
        "notes": [*solution.notes, *solution.shares],
        "warnings": list(model.warnings),
    }


def question_dict(solution: Solution) -> dict[str, Any]:
    """The comparison: as it was written, in names, and in the unknown alone."""
    scope, unknown = solution.scope, str(solution.unknown)
    return {
        "question": solution.question,
        "unknown": unknown,
        "meaning": s.entry(unknown).meaning,
        "relation": solution.relation,
        "left": str(solution.left.shown),
        "right": str(solution.right.shown),
        "batch": {str(x): value for x, value in scope.batch.items()},
        "held": {str(x): str(form) for x, form in scope.held.items()},
        "quantities": {x.name: str(x.description or scope.form(x)) for x in solution.leaves.values()},
        "left_form": str(solution.left.expr),
        "right_form": str(solution.right.expr),
        "domain": [finite_number(x) for x in solution.domain],
    }


def answer_dict(solution: Solution) -> dict[str, Any]:
    """Where the comparison holds, the answer, and how far both can be trusted."""
    return {
        "holds": [run_dict(run, solution.domain) for run in solution.holds],
        "crosses": [
            {"below": x.below, "above": x.above, "at": x.at, "exact": x.exact and str(x.exact)}
            for x in solution.crosses
        ],
        "undefined": [run_dict(run, solution.domain) for run in solution.undefined],
        "answer": finite_number(solution.answer),
        "answer_is": solution.answer_is,
        "allowed": solution.allowed,
        "solution": None if solution.solution is None else str(solution.solution),
        "how": solution.how,
        "exact": solution.exact,
        "complete": solution.complete,
        "residual": finite_number(solution.residual),
        "checks": [check_dict(x) for x in solution.checks],
    }


def check_dict(x: Check) -> dict[str, Any]:
    """Both sides at a number as JSON values."""
    return {name: finite_number(getattr(x, name)) for name in ("at", "left", "right")} | {"holds": x.holds}


def run_dict(run: Run, domain: tuple[Any, Any]) -> dict[str, Any]:
    """The ends of a run as JSON values; `last` is null at the end of the domain."""
    return {"first": finite_number(run.first), "last": None if run.last == domain[1] else finite_number(run.last)}


def finite_number(x: Any) -> int | float | None:
    """A number as a JSON value; None where it is not finite."""
    if x is None or isinstance(x, int | Integer):
        return None if x is None else int(x)
    value = x if isinstance(x, float) else float(to_mpf(x))
    return value if isfinite(value) else None
