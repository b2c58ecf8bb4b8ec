"""The equation of a solution: its quantities in closed form, both sides in numbers, the unknown in closed form."""

from collections.abc import Iterator
from fractions import Fraction

from sympy import Expr, Max, Min, Symbol, ceiling, floor

from symroof.algebra.named_sums import NamedForm
from symroof.algebra.points import Point, multiplied_out
from symroof.cost.notation import formula_text
from symroof.render.long_sums import FormulaRow, form_rows, readable_blocks, readable_root
from symroof.render.results.roofline import rounded_formula
from symroof.render.solution.words import unknown_number
from symroof.solving.scope import Leaf, SolveScope
from symroof.solving.solution import Solution
from symroof.solving.terms import ComparisonTerm

LONGEST = 600  # characters of the longest equation in numbers that is printed
MOST_OPERATIONS = 300  # of such an equation


def quantity_rows(solution: Solution, full: bool = False) -> Iterator[FormulaRow]:
    """Each name in the question and its closed form; `full` names no sums in it."""
    for leaf in solution.leaves.values():
        name = f"{leaf.name} ="
        if leaf.description:
            yield FormulaRow(name, leaf.description)
        else:
            yield from form_rows(name, quantity_form(leaf, solution.scope, full))


def quantity_form(leaf: Leaf, scope: SolveScope, full: bool) -> NamedForm:
    """A quantity in B, n and c, or where that has Min, Max or floors and is long in sums over the batch."""
    if leaf.made is not None:
        return NamedForm(leaf.made)
    form = readable_blocks(parts := scope.parts(leaf), full=full)
    has_branches = any(x.has(Min, Max, floor) for x in parts.values())
    return readable_blocks(scope.parts_in_sums(leaf), full=full) if form.where and has_branches else form


def solution_equations(solution: Solution, full: bool = False) -> Iterator[FormulaRow]:
    """The comparison in numbers, and the unknown in closed form."""
    terms, relation = (solution.left, solution.right), f" {solution.relation} "
    if all(sides := [side_in_numbers(x, solution) for x in terms]):
        yield FormulaRow("in numbers", relation.join(sides))
    elif all(sides := [side_on_branch(x, solution) for x in terms]):
        at = f"at {solution.unknown} = {unknown_number(solution.answer, solution)}"
        yield FormulaRow(at, relation.join(sides))
    if solution.solution is not None:
        yield from form_rows(f"{solution.unknown} =", readable_root(solution.solution, full))


def side_in_numbers(x: ComparisonTerm, solution: Solution) -> str:
    """A side in the unknown and numbers, a number as the question has it; empty where it is too long."""
    if x.number and not x.shown.free_symbols & {Symbol(name) for name in solution.leaves}:
        return formula_text(x.shown)
    parts = [formula_in_numbers(part) for part in (x.above, x.below) if part != 1]
    return " / ".join(parts if len(parts) == 1 else (f"({part})" for part in parts)) if all(parts) else ""


def formula_in_numbers(expr: Expr) -> str:
    """A formula with its long numbers rounded; empty where it is too long."""
    if expr.count_ops() > MOST_OPERATIONS:
        return ""
    text = rounded_formula(expr if expr.has(Max, Min, floor, ceiling) else multiplied_out(expr), digits=6)
    return text if len(text) <= LONGEST else ""


def side_on_branch(x: ComparisonTerm, solution: Solution) -> str:
    """A side on the branches of Min and Max that it is on at the answer; empty where that is too long as well."""
    answer = solution.answer
    if answer is None or x.above.has(floor, ceiling) or x.below != 1:
        return ""
    if x.number:
        return side_in_numbers(x, solution)
    at = answer if isinstance(answer, int) else Fraction(float(answer))
    return formula_in_numbers(Point({solution.unknown: at}).branch(x.above))
