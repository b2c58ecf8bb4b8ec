"""A comparison solved for one symbol: `solve` takes it as text or of sympy's and returns a Solution."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any

from sympy import ComplexRootOf, Eq, Expr, Ge, Gt, Integer, Le, Lt, Symbol, ceiling, floor, sympify
from sympy.core.relational import Relational

from symroof.algebra.rootfinding import roots
from symroof.algebra.rootfinding.signs import Run
from symroof.errors import UsageError, shorten
from symroof.hardware.machines import Machine
from symroof.model.coupled_sizes import held
from symroof.model.model import Model, Rules, chosen
from symroof.model.uniform import uniform
from symroof.solving import parser, resolver, terms, unknowns
from symroof.solving.closed_form import in_closed_form
from symroof.solving.scope import Scope
from symroof.solving.solution import HOLDS, Crossing, Solution
from symroof.solving.terms import Term

RELATIONS: dict[type[Any], str] = {Eq: "=", Lt: "<", Le: "<=", Gt: ">", Ge: ">="}


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
    asked = parser.comparison(question) if isinstance(question, str) else None
    x = unknowns.asked_for(str(unknown), model)
    unknowns.alone(x, tuple(hold), model)
    batch = {y: value for y, value in uniform(new, cached, batch_size).items() if y != x}
    own = {y.name: y for y in machines}
    scope = Scope(model, x, batch, held(x, tuple(hold), model), chosen(rules, logits), formats, own, use or {})
    sides = resolver.sides(asked, scope) if asked else relational(question, scope)
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
        scope,
        question,
        relation,
        left,
        right,
        (first, last),
        tuple(holding(signs.runs, relation)),
        tuple(crosses),
        tuple(undefined),
        in_closed_form(left, right, scope),
        signs.how,
        signs.complete,
    )


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
    return relation, *(by_sympy(sympify(x, strict=True), scope) for x in both)  # type: ignore[return-value]


def by_sympy(expr: Expr, scope: Scope) -> Term:
    """An expression in the vocabulary as a term; symbols are taken by their names."""
    names = {x: resolver.symbol(str(x), scope.model) for x in expr.free_symbols}
    shown = expr.xreplace(names)
    found = scope.binding([shown])(shown)
    for x in found.free_symbols - {scope.unknown}:
        raise UsageError(resolver.unbound(x, scope))
    return Term(found, Integer(1), shown, None)


def crossing(gap: Term, x: Symbol, below: int, above: int) -> Crossing:
    """Where between two whole numbers the sides are equal; in closed form where the gap is made of polynomials."""
    if gap.above.has(floor, ceiling) or gap.below.has(floor, ceiling):
        return Crossing(below, above, None, None)
    found = roots.real(gap.above, x, below, above)
    at = next((run.first for run in found.runs if run.sign == 0 and run.first == run.last), None)
    plain_root = isinstance(at, Expr) and not at.has(ComplexRootOf)
    return Crossing(below, above, None if at is None else float(at), at if plain_root else None)
