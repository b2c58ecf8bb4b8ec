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

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import isfinite
from typing import Any

from sympy import ComplexRootOf, Eq, Expr, Ge, Gt, Integer, Le, Lt, Symbol, ceiling, floor, sympify
from sympy.core.relational import Relational

from symroof import language, questions, roots, terms, unknowns
from symroof import symbols as s
from symroof.closed_forms import uniform
from symroof.decimals import decimal, evaluator, relative
from symroof.errors import UsageError, shorten
from symroof.isolating import in_closed_form
from symroof.machines import Machine
from symroof.model import Model, Rules, chosen
from symroof.questions import Leaf, Scope
from symroof.roots import PIECES, ROOTS, Run
from symroof.rulebook import RULEBOOK
from symroof.terms import Term
from symroof.units import Unit

SCHEMA = "symroof.solution/1"
HOLDS: dict[str, Callable[[int], bool]] = {
    "=": lambda x: x == 0, "<": lambda x: x < 0, "<=": lambda x: x <= 0, ">": lambda x: x > 0, ">=": lambda x: x >= 0,
}  # fmt: skip
RELATIONS: dict[type[Any], str] = {Eq: "=", Lt: "<", Le: "<=", Gt: ">", Ge: ">="}
NEAR = 4096  # sizes beside an answer that are tried for one that a model can have


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
        from symroof.render.solving import render

        return render(self)


def solve(
    model: Model,
    question: "str | Relational | Expr",
    unknown: str | Symbol,
    *,
    new: int = 1,
    cached: int = 0,
    batch_size: int = 1,
    hold: Iterable[str] = (),
    rules: Rules = "standard",
    logits: str | None = None,
    machines: Iterable[Machine] = (),
    use: Mapping[str, Any] | None = None,
    **formats: Any,
) -> Solution:
    """Where a comparison holds for a model: `solve(model, "cache_bytes = weight_bytes", "c")`.

    `question`: in the language of `symroof solve`, or of sympy in symbols of the vocabulary, where an expression is to
    be 0. `hold`: ratios of sizes such as "f/d" that stay as they are when the unknown d changes. `machines`: of one's
    own, by name in the question; `use`: what `platforms.platform` takes besides. Raises UsageError.
    """
    asked = language.comparison(question) if isinstance(question, str) else None
    x = unknowns.asked_for(str(unknown), model)
    unknowns.alone(x, tuple(hold), model)
    batch = {y: value for y, value in uniform(new, cached, batch_size).items() if y != x}
    own = {y.name: y for y in machines}
    scope = Scope(model, x, batch, unknowns.held(x, tuple(hold), model), chosen(rules, logits), formats, own, use or {})
    sides = questions.sides(asked, scope) if asked else relational(question, scope)
    return found(scope, asked.text if asked else str(question), *sides)


def found(scope: Scope, question: str, relation: str, left: Term, right: Term) -> Solution:
    """The solution of two terms compared."""
    x = scope.unknown
    first, last = unknowns.domain(x)
    gap = terms.added(terms.Term(left.above, left.below, left.shown, None), right, -1)
    signs = roots.of_quotient(gap.above, gap.below, x, first, last)
    crosses = [crossing(gap, x, a, b) for a, b in changes(signs.runs)] if relation == "=" and x.is_integer else []
    undefined = [run for run in signs.runs if run.sign is None and (x.is_integer or run.first != run.last)]
    return Solution(
        scope, question, relation, left, right, (first, last), tuple(holding(signs.runs, relation)),
        tuple(crosses), tuple(undefined),
        in_closed_form(left, right, scope), signs.how, signs.complete,
    )  # fmt: skip


def holding(runs: Iterable[Run], relation: str) -> Iterable[Run]:
    """The runs where a comparison holds, those that follow one another made one."""
    for holds, same in groupby(runs, lambda run: run.sign is not None and HOLDS[relation](run.sign)):
        if holds:
            found = list(same)
            yield Run(found[0].first, found[-1].last, 0)


def changes(runs: Sequence[Run]) -> Iterable[tuple[int, int]]:
    """The neighbours between which a sign changes to its opposite."""
    for a, b in pairwise(runs):
        if a.sign and b.sign and a.sign == -b.sign:
            yield a.last, b.first


def relational(question: Any, scope: Scope) -> tuple[str, Term, Term]:
    """The sides of a relation of sympy's, or of an expression that is to be 0."""
    relation = RELATIONS.get(type(question), "" if isinstance(question, Relational) else "=")
    if not relation or not isinstance(question, Relational | Expr):
        raise UsageError(f"{shorten(question)}: give a comparison as text, or one of sympy's: Eq, <, <=, > or >=")
    both = question.args if isinstance(question, Relational) else (question, Integer(0))
    return relation, *(by_sympy(sympify(x), scope) for x in both)  # type: ignore[return-value]


def by_sympy(expr: Expr, scope: Scope) -> Term:
    """An expression in the vocabulary as a term; symbols are taken by their names."""
    names = {x: questions.symbol(str(x), scope.model) for x in expr.free_symbols}
    shown = expr.xreplace(names)
    found = scope.binding([shown])(shown)
    for x in found.free_symbols - {scope.unknown}:
        raise UsageError(questions.unbound(x, scope))
    return Term(found, Integer(1), shown, None)


def value(x: Term, unknown: Symbol, at: Any) -> Any:
    """A term's number at one of the unknown: exact where it is rational; None where it has none."""
    return evaluator(x.above, unknown, x.below)(at)


def crossing(gap: Term, x: Symbol, below: int, above: int) -> Crossing:
    """Where between two whole numbers the sides are equal; in closed form where the gap is made of polynomials."""
    if gap.above.has(floor, ceiling) or gap.below.has(floor, ceiling):
        return Crossing(below, above, None, None)
    found = roots.real(gap.above, x, below, above)
    at = next((run.first for run in found.runs if run.sign == 0 and run.first == run.last), None)
    plain_root = isinstance(at, Expr) and not at.has(ComplexRootOf)
    return Crossing(below, above, None if at is None else float(at), at if plain_root else None)


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
    from symroof import __version__

    model, scope = found.model, found.scope
    formats, origin = scope.precision.formats.items(), scope.precision.origin
    shown = [(x.name, x.told or scope.form(x)) for x in found.leaves.values()]
    return {
        "schema": SCHEMA,
        "symroof": __version__,
        "model": {"name": model.name, "family": model.family, "source": model.config.source,
                  "sizes": dict(model.architecture.sizes)},
        "rules": {name: RULEBOOK[name].meaning for name in scope.rules},
        "precision": {role: {"format": x.name, "bytes": float(x.bytes), "origin": origin[role]} for role, x in formats},
        "question": found.question,
        "unknown": str(found.unknown), "meaning": s.entry(str(found.unknown)).meaning,
        "relation": found.relation, "left": str(found.left.shown), "right": str(found.right.shown),
        "batch": {str(x): value for x, value in scope.batch.items()},
        "held": {str(x): str(form) for x, form in scope.held.items()},
        "quantities": {name: str(form) for name, form in shown},
        "left_form": str(found.left.expr), "right_form": str(found.right.expr),
        "domain": [number(x) for x in found.domain],
        "holds": [ends(run, found.domain) for run in found.holds],
        "crosses": [{"below": x.below, "above": x.above, "at": x.at, "exact": x.exact and str(x.exact)}
                    for x in found.crosses],
        "undefined": [ends(run, found.domain) for run in found.undefined],
        "answer": number(found.answer), "answer_is": found.answer_is, "allowed": found.allowed,
        "solution": None if found.solution is None else str(found.solution),
        "how": found.how, "exact": found.exact, "complete": found.complete, "residual": number(found.residual),
        "checks": [{"at": number(x.at), "left": number(x.left), "right": number(x.right), "holds": x.holds}
                   for x in found.checks],
    }  # fmt: skip


def ends(run: Run, domain: tuple[Any, Any]) -> dict[str, Any]:
    """A run as JSON has it."""
    return {"first": number(run.first), "last": None if run.last == domain[1] else number(run.last)}


def number(x: Any) -> int | float | None:
    """A number as JSON has it."""
    if x is None or isinstance(x, int | Integer):
        return None if x is None else int(x)
    found = float(decimal(x))
    return found if isfinite(found) else None
