"""A comparison solved for one symbol: `solve` takes it as text or as a sympy relation and returns a Solution."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any, overload

from sympy import And, ComplexRootOf, Eq, Expr, Ge, Gt, Integer, Le, Lt, Set, Symbol, ceiling, floor, sympify
from sympy.core.relational import Relational

from symroof import symbols as s
from symroof.algebra.rootfinding import roots
from symroof.algebra.rootfinding.signs import Run
from symroof.algebra.unevaluated import without_pieces
from symroof.architecture.layer_counts import kinds_of_layers
from symroof.errors import UsageError, shorten
from symroof.hardware.machines import Machine
from symroof.model.coupled_sizes import coupled_sizes
from symroof.model.keywords import check_keywords
from symroof.model.model import Model, Rules, Source, as_model, rules_with_logits
from symroof.model.operator_formulas import batch_values
from symroof.solving import parser, resolver, terms, unknowns
from symroof.solving.closed_form import root_in_names
from symroof.solving.conjunction import Conjunction
from symroof.solving.free_formulas import solve_formula
from symroof.solving.scope import SolveScope
from symroof.solving.solution import HOLDS, Crossing, Solution
from symroof.solving.terms import ComparisonTerm

RELATIONS: dict[type[Any], str] = {Eq: "=", Lt: "<", Le: "<=", Gt: ">", Ge: ">="}


@overload
def solve(model: Relational | Expr, question: str | Symbol) -> Set: ...
@overload
def solve(
    model: Model | Source, question: str | Relational | Expr | And, unknown: str | Symbol, **options: Any
) -> Solution | Conjunction: ...
def solve(
    model: Model | Source | Relational | Expr,
    question: str | Relational | Expr | And,
    unknown: str | Symbol = "",
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
) -> Solution | Conjunction | Set:
    """Where a comparison holds for a model: `solve(model, "cache_bytes = weight_bytes", "c")`.

    Without a model, `solve(Eq(left, right), s.c)` gives a sympy set of exact real numbers: see `solve_formula`.

    `question`: in the language of `symroof solve`, comparisons joined by `and`, or a sympy relation in symbols of the
    vocabulary, or And of several; an expression is solved for 0. `unknown`: a symbol, or a key of the config. `hold`:
    ratios of sizes such as "f/d" held constant when the unknown d changes, or "L" for the unknown L_full. `machines`:
    custom machines that the question names; `use`: further arguments of `platform`, such as mfu. Raises UsageError.
    """
    if isinstance(model, Relational | Expr):
        return solve_formula(model, question, **formats)
    check_keywords(solve, formats)
    model = as_model(model)
    parsed = parser.parse_question(question) if isinstance(question, str) else None
    x = unknowns.unknown_symbol(str(unknown), model)
    held, named = coupled_sizes(x, tuple(hold), model), {y.name: y for y in machines}
    unknowns.require_variable(x, held, model)
    batch = {y: value for y, value in batch_values(new, cached, batch_size).items() if y != x}
    scope = SolveScope(model, x, batch, held, rules_with_logits(rules, logits), formats, named, use or {})
    solutions = tuple(solve_terms(scope, *sides) for sides in condition_sides(parsed or question, scope))
    if len(solutions) == 1:
        return replace(solutions[0], question=str(question))
    return Conjunction(str(question), solutions)


def condition_sides(question: Any, scope: SolveScope) -> Iterable[tuple[str, str, ComparisonTerm, ComparisonTerm]]:
    """Of each comparison that is read, or relation: its text, how its sides are compared, and both."""
    if isinstance(question, tuple):
        return [(x.words, *resolver.resolve_sides(x, scope)) for x in question]
    relations = question.args if isinstance(question, And) else (question,)
    return [(str(x), *relation_terms(x, scope)) for x in relations]


def solve_terms(
    scope: SolveScope, question: str, relation: str, left: ComparisonTerm, right: ComparisonTerm
) -> Solution:
    """The solution of two terms compared."""
    x = scope.unknown
    first, last = unknowns.unknown_domain(x)
    first, last = unknowns.where_sizes_are_positive(scope, first, last)
    gap = terms.add_terms(terms.ComparisonTerm(left.above, left.below, left.shown, None), right, -1)
    signs = roots.quotient_signs_over(gap.above, gap.below, x, first, last)
    holds = tuple(holding_runs(signs.runs, relation))
    pairs = opposite_neighbours(signs.runs) if relation == "=" and s.takes_whole_numbers(x) else ()
    undefined = [run for run in signs.runs if run.sign is None and (s.takes_whole_numbers(x) or run.first != run.last)]
    return Solution(
        scope,
        question,
        relation,
        left,
        right,
        (first, last),
        holds,
        tuple(find_crossing(gap, x, below, above) for below, above in pairs),
        tuple(undefined),
        root_in_names(left, right, scope),
        signs.how,
        signs.complete,
        layer_boundaries(gap, scope, holds, (first, last)) if relation != "=" else (),
    )


def layer_boundaries(
    gap: ComparisonTerm, scope: SolveScope, holds: Iterable[Run], domain: tuple[Any, Any]
) -> tuple[Crossing, ...]:
    """Of a kind's number of layers: where the sides are equal, at the ends of the ranges where a comparison holds."""
    x = scope.unknown
    if not kinds_of_layers(scope.model.architecture, str(x)) or s.L in scope.held:
        return ()
    ends = [(y.first - 1, y.first) for y in holds if y.first > domain[0]]
    ends += [(y.last, y.last + 1) for y in holds if y.last < domain[1]]
    return tuple(find_crossing(gap, x, below, above) for below, above in ends)


def holding_runs(runs: Iterable[Run], relation: str) -> Iterable[Run]:
    """The runs where a comparison holds, adjacent ones merged."""
    for holds, same in groupby(runs, lambda run: run.sign is not None and HOLDS[relation](run.sign)):
        if holds:
            adjacent = list(same)
            yield Run(adjacent[0].first, adjacent[-1].last, 0)


def opposite_neighbours(runs: Sequence[Run]) -> Iterable[tuple[int, int]]:
    """Neighbouring numbers of opposite sign."""
    for a, b in pairwise(runs):
        if a.sign and b.sign and a.sign == -b.sign:
            yield a.last, b.first


def relation_terms(question: Any, scope: SolveScope) -> tuple[str, ComparisonTerm, ComparisonTerm]:
    """The sides of a sympy relation, or an expression and 0."""
    relation = RELATIONS.get(type(question), "" if isinstance(question, Relational) else "=")
    if not relation or not isinstance(question, Relational | Expr):
        raise UsageError(f"{shorten(question)}: give a comparison as text, or a sympy relation: Eq, <, <=, > or >=")
    both = question.args if isinstance(question, Relational) else (question, Integer(0))
    return relation, *(expression_term(sympify(x, strict=True), scope) for x in both)  # type: ignore[return-value]


def expression_term(expr: Expr, scope: SolveScope) -> ComparisonTerm:
    """The term of an expression in the vocabulary; symbols are matched by name."""
    names = {x: resolver.symbol_of_name(str(x), scope.model) for x in expr.free_symbols}
    shown = expr.xreplace(names)
    value = without_pieces(scope.binding([shown])(shown))
    for x in value.free_symbols - {scope.unknown}:
        raise UsageError(resolver.unbound_message(x, scope))
    return ComparisonTerm(value, Integer(1), shown, None)


def find_crossing(gap: ComparisonTerm, x: Symbol, below: int, above: int) -> Crossing:
    """Where between two whole numbers the sides are equal; in closed form where the gap is made of polynomials."""
    if gap.above.has(floor, ceiling) or gap.below.has(floor, ceiling):
        return Crossing(below, above, None, None)
    signs = roots.real_signs(gap.above, x, below, above)
    at = next((run.first for run in signs.runs if run.sign == 0 and run.first == run.last), None)
    plain_root = isinstance(at, Expr) and not at.has(ComplexRootOf)
    return Crossing(below, above, None if at is None else float(at), at if plain_root else None)
