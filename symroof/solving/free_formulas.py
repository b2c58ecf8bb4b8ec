"""Comparisons of formulas solved for a symbol, without a model: exact sets of real numbers.

An equation without Min, Max and floor is solved by sympy, other symbols left open. Everything else is solved in one
unknown, exactly between the points at which branches meet; with a floor over whole numbers, of a whole unknown alone.
"""

from collections.abc import Iterable
from typing import Any

from sympy import (
    Eq,
    Expr,
    FiniteSet,
    Float,
    Integer,
    Interval,
    Max,
    Min,
    Piecewise,
    Range,
    Set,
    Symbol,
    Union,
    ceiling,
    floor,
    fraction,
    nsimplify,
    oo,
    together,
)
from sympy import solve as sympy_solve
from sympy.core.relational import Relational

from symroof import symbols as s
from symroof.algebra.rootfinding import roots
from symroof.algebra.rootfinding.signs import BRACKETED, Run, Signs, join_runs, quotient_signs, sign
from symroof.algebra.unevaluated import without_pieces
from symroof.cost.batch import LARGEST
from symroof.errors import UsageError, shorten
from symroof.solving.solution import HOLDS

FARTHEST = 10**30  # where the branches of a formula for all larger numbers are chosen
RELATIONS = {"==": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def solve_formula(question: Relational | Expr, unknown: str | Symbol) -> Set:
    """The real numbers of a symbol's domain at which a relation of formulas holds, or a formula is 0; as a sympy set.

    Raises UsageError where there is no exact answer, or where it depends on symbols that are left open.
    """
    relation, gap = relation_and_gap(question)
    x = unknown_of(gap, unknown)
    others = gap.free_symbols - {x}
    if relation == "=" and not gap.has(Min, Max, floor, ceiling):
        return roots_by_sympy(gap, x)
    if others:
        raise UsageError(f"where it holds depends on {', '.join(sorted(map(str, others)))}: put numbers for them")
    if not x.is_nonnegative:
        raise UsageError(f"{x} may be negative: declare it Symbol({str(x)!r}, nonnegative=True), or in the vocabulary")
    return Union(*sets_where(relation, gap, x))


def relation_and_gap(question: Any) -> tuple[str, Expr]:
    """What a relation says of its left side less its right one, in exact numbers. Raises UsageError."""
    if isinstance(question, Expr):
        question = Eq(question, 0, evaluate=False)
    operation = getattr(question, "rel_op", "")
    if operation not in RELATIONS:
        raise UsageError(f"{shorten(question)}: give a formula, or a sympy relation: Eq, <, <=, > or >=")
    gap = question.lhs - question.rhs
    return RELATIONS[operation], gap.xreplace({y: nsimplify(y, rational=True) for y in gap.atoms(Float)})


def unknown_of(gap: Expr, unknown: str | Symbol) -> Symbol:
    """The symbol of a formula with the unknown's name. Raises UsageError where it has none."""
    named = {str(y): y for y in gap.free_symbols}
    if str(unknown) not in named:
        raise UsageError(f"{unknown} is not in it: solve for one of {', '.join(sorted(named)) or 'its symbols'}")
    return named[str(unknown)]


def roots_by_sympy(gap: Expr, x: Symbol) -> Set:
    """The roots of a formula without branches. Raises UsageError where sympy finds no closed form."""
    try:
        return FiniteSet(*(y for y in sympy_solve(gap, x) if y.is_real is not False))
    except NotImplementedError:
        raise UsageError(f"no closed form for {x} in {shorten(gap)} = 0") from None


def sets_where(relation: str, gap: Expr, x: Symbol) -> Iterable[Set]:
    """The sets of numbers at which a formula in one unknown has a sign that is asked for."""
    stepped, gap = gap.has(floor, ceiling, Piecewise), without_pieces(gap)
    if stepped and not s.takes_whole_numbers(x):
        raise UsageError(f"a floor or a Piecewise of {x}, which is no whole number: it has no exact solution here")
    signs = signs_over_domain(gap, x, stepped)
    if not signs.solved or not signs.complete:
        raise UsageError(f"no exact solution for {x} in {shorten(gap)}: too many changes of sign, or no polynomial")
    held = [Run(run.first, run.last, int(run.sign is not None and HOLDS[relation](run.sign))) for run in signs.runs]
    if stepped:
        return (whole_set(run) for run in join_runs(held) if run.sign)
    return (real_set(run, relation, gap, x) for run in held if run.sign)


def signs_over_domain(gap: Expr, x: Symbol, stepped: bool) -> Signs:
    """The signs of a formula from the least number of its unknown's domain."""
    above, below = fraction(together(gap))
    if stepped:
        find, first, last = roots.whole_signs, int(bool(x.is_positive)), LARGEST
    else:
        find, first, last = roots.real_signs, 0, FARTHEST
    signs = [find(y, x, first, last) for y in (above, below)]
    how = BRACKETED if not all(y.solved for y in signs) else signs[0].how
    runs = tuple(join_runs(quotient_signs(signs[0].runs, signs[1].runs)))
    if not stepped and not x.is_positive:
        at_zero = below.xreplace({x: Integer(0)}) and gap.xreplace({x: Integer(0)})
        runs = (Run(Integer(0), Integer(0), sign(at_zero)), *runs)
    return Signs(runs, how, all(y.complete for y in signs))


def whole_set(run: Run) -> Set:
    """The whole numbers of a run."""
    if run.first == run.last:
        return FiniteSet(run.first)
    return Range(run.first, oo if run.last == LARGEST else run.last + 1)


def real_set(run: Run, relation: str, gap: Expr, x: Symbol) -> Set:
    """The real numbers of a run: a point, or an interval, with an end where branches meet and the relation holds."""
    if run.first == run.last:
        return FiniteSet(run.first)
    open_ends = [not (y.is_Rational and holds_at(relation, gap, x, y)) for y in (run.first, run.last)]
    return Interval(run.first, oo if run.last == FARTHEST else run.last, *open_ends)


def holds_at(relation: str, gap: Expr, x: Symbol, y: Expr) -> bool:
    """Whether a relation holds at a number of its unknown's domain, exactly."""
    value = gap.xreplace({x: y})
    return bool(value.is_finite and not (y == 0 and x.is_positive) and HOLDS[relation](sign(value)))
