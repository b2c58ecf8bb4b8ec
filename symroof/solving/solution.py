"""Comparisons solved for one symbol: where they hold, exactly where the formulas allow it.

`to_dict` and `solve --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model, rules, precision: as `symroof report --json` has them
    question             as it was written; unknown, its meaning; relation, left, right: in names
    batch                B, n and c, but the unknown; held {symbol: formula in the unknown}
    quantities           name -> closed form in the vocabulary, a Python expression, or how it is made of others
    left_form, right_form: in the unknown alone, Python expressions
    domain               first and last number that were looked at
    holds                [{first, last}]: where it holds; last is null at the end of the domain. Real unknowns: floats
    crosses              of an equation: [{below, above, at, exact}]: whole numbers that it has its solution between,
                         the real number, and that in closed form where there is one
    undefined            [{first, last}]: where a side has no value
    answer, answer_is    the number asked for (null for none), and what it is: only, smallest, largest, one of several
                         (the smallest), any, or none
    allowed              of a size: the nearest that a model can have and it holds for, null where that is none
    solution             the unknown in closed form, in names, where the equation is simple; or null
    how                  piece by piece, roots isolated or bracketed; exact: whether nothing was rounded or sampled
    complete             whether all places were found; residual: (left - right) / |right| at the answer
    checks               [{at, left, right, holds}] at the answer and beside it
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.multiprecision import decimal, evaluator, relative
from symroof.algebra.rootfinding.signs import PIECES, ROOTS, Run
from symroof.cost.rule_names import RULEBOOK
from symroof.model.model import Model
from symroof.solving import unknowns
from symroof.solving.scope import Leaf, Scope
from symroof.solving.terms import Term
from symroof.units import Unit
from symroof.version import __version__

SCHEMA = "symroof.solution/1"
NEAR = 4096  # sizes beside an answer that are tried for one that a model can have
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


@dataclass(frozen=True, repr=False)
class Solution:
    """Where a comparison holds: runs of numbers, and crossings between them; see the module's schema."""

    scope: Scope
    question: str
    relation: str
    left: Term
    right: Term
    domain: tuple[Any, Any]
    holds: tuple[Run, ...]
    crosses: tuple[Crossing, ...]
    undefined: tuple[Run, ...]
    solution: Expr | None
    how: str
    complete: bool

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
        return bool(self.unknown.is_integer)

    @property
    def leaves(self) -> Mapping[str, Leaf]:
        """The quantities in it, by name."""
        return self.scope.leaves

    @property
    def unit(self) -> Unit | None:
        """What the sides are measured in."""
        return self.left.unit or self.right.unit

    @property
    def depends(self) -> bool:
        """Whether the unknown is in it."""
        return not (self.left.number and self.right.number)

    @property
    def answer_is(self) -> str:
        """What the answer is: only, smallest, largest, one of several, any or none."""
        if not self.holds:
            return ("only" if len(self.crosses) == 1 else "one of several") if self.crosses else "none"
        begins, ends = self.holds[0].first == self.domain[0], self.holds[-1].last == self.domain[1]
        if len(self.holds) == 1 and not self.crosses:
            run = self.holds[0]
            return (
                "only" if run.first == run.last else "any" if begins and ends else "largest" if begins else "smallest"
            )
        if self.relation == "=" or begins == ends:
            return "one of several"
        return "largest" if begins and self.complete else "smallest"

    @property
    def answer(self) -> Any:
        """The number asked for: an int, or a float or sympy number where it is real; None where there is none or any.

        Of several the smallest; of an equation that is solved between whole numbers the real one.
        """
        kind = self.answer_is
        if kind in ("none", "any"):
            return None
        if kind == "largest":
            return self.holds[-1].last
        found = [x.first for x in self.holds] + [x.above if x.at is None else x.at for x in self.crosses]
        return min(found)

    @property
    def allowed(self) -> int | None:
        """Of a size: the nearest to the answer that a model of this structure can have, such that it holds."""
        if s.group(self.unknown) != "size" or not isinstance(self.answer, int):
            return None
        step = -1 if self.answer_is == "largest" else 1
        run = next(x for x in self.holds if x.first <= self.answer <= x.last)
        for value in range(self.answer, self.answer + step * NEAR, step):
            if not run.first <= value <= run.last:
                break
            if unknowns.possible(self.scope, value):
                return value
        return None

    @property
    def exact(self) -> bool:
        """Whether the runs are exact: nothing was sampled."""
        return self.how in (PIECES, ROOTS)

    @property
    def residual(self) -> float | None:
        """(left - right) / |right| at the answer; None where there is none."""
        if self.answer is None or not (found := self.check(self.answer)).right or found.left is None:
            return None
        return relative(found.left, found.right)

    def check(self, at: Any) -> Check:
        """Both sides at a number."""
        left, right = (value(x, self.unknown, at) for x in (self.left, self.right))
        if left is None or right is None:
            return Check(at, left, right, None)
        return Check(at, left, right, HOLDS[self.relation](int(left > right) - int(left < right)))

    @property
    def checks(self) -> tuple[Check, ...]:
        """Both sides at the answer and beside it; at the ends of the domain where there is none."""
        return tuple(self.check(x) for x in beside(self))

    def to_dict(self) -> dict[str, Any]:
        """The solution in the schema that this module documents."""
        return as_dict(self)

    def __repr__(self) -> str:
        return f"<symroof solution of {self.question!r} for {self.unknown}: {self.answer_is} {self.answer}>"

    def __str__(self) -> str:
        from symroof.render.results.solution import render

        return render(self)


def value(x: Term, unknown: Symbol, at: Any) -> Any:
    """A term's number at one of the unknown: exact where it is rational; None where it has none."""
    return evaluator(x.above, unknown, x.below)(at)


def beside(found: Solution) -> tuple[Any, ...]:
    """Where both sides are shown: at the answer and beside it; at the ends of the domain where there is none."""
    first, last = found.domain
    if found.answer is None or not found.depends:
        return (first, last) if found.whole else ()
    if not found.whole:
        return (found.answer,)
    if found.crosses and not isinstance(found.answer, int):
        x = next(x for x in found.crosses if found.answer in (x.at, x.above))
        return (x.below, x.above)
    places = (found.answer - 1, found.answer, found.answer + 1)
    return tuple(x for x in places if first <= x <= last)


def as_dict(found: Solution) -> dict[str, Any]:
    """A solution in the module's schema."""
    model, scope = found.model, found.scope
    formats, origin = scope.precision.formats.items(), scope.precision.origin
    shown = [(x.name, x.told or scope.form(x)) for x in found.leaves.values()]
    return {
        "schema": SCHEMA,
        "symroof": __version__,
        "model": {
            "name": model.name,
            "family": model.family,
            "source": model.config.source,
            "sizes": dict(model.architecture.sizes),
        },
        "rules": {name: RULEBOOK[name].meaning for name in scope.rules},
        "precision": {role: {"format": x.name, "bytes": float(x.bytes), "origin": origin[role]} for role, x in formats},
        "question": found.question,
        "unknown": str(found.unknown),
        "meaning": s.entry(str(found.unknown)).meaning,
        "relation": found.relation,
        "left": str(found.left.shown),
        "right": str(found.right.shown),
        "batch": {str(x): value for x, value in scope.batch.items()},
        "held": {str(x): str(form) for x, form in scope.held.items()},
        "quantities": {name: str(form) for name, form in shown},
        "left_form": str(found.left.expr),
        "right_form": str(found.right.expr),
        "domain": [number(x) for x in found.domain],
        "holds": [ends(run, found.domain) for run in found.holds],
        "crosses": [
            {"below": x.below, "above": x.above, "at": x.at, "exact": x.exact and str(x.exact)} for x in found.crosses
        ],
        "undefined": [ends(run, found.domain) for run in found.undefined],
        "answer": number(found.answer),
        "answer_is": found.answer_is,
        "allowed": found.allowed,
        "solution": None if found.solution is None else str(found.solution),
        "how": found.how,
        "exact": found.exact,
        "complete": found.complete,
        "residual": number(found.residual),
        "checks": [
            {"at": number(x.at), "left": number(x.left), "right": number(x.right), "holds": x.holds}
            for x in found.checks
        ],
    }


def ends(run: Run, domain: tuple[Any, Any]) -> dict[str, Any]:
    """A run as JSON has it."""
    return {"first": number(run.first), "last": None if run.last == domain[1] else number(run.last)}


def number(x: Any) -> int | float | None:
    """A number as JSON has it."""
    if x is None or isinstance(x, int | Integer):
        return None if x is None else int(x)
    found = x if isinstance(x, float) else float(decimal(x))
    return found if isfinite(found) else None
