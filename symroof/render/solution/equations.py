"""The equation of a solution: its quantities in closed form, both sides in numbers, the unknown in closed form."""

from collections.abc import Iterator
from fractions import Fraction

from sympy import Expr, Max, Min, Symbol, ceiling, floor

from symroof.algebra.points import Point, multiplied_out
from symroof.cost.notation import formula_text
from symroof.render.long_sums import formula_by_factors
from symroof.render.results.roofline import rounded_formula
from symroof.render.solution.words import unknown_number
from symroof.solving.scope import Leaf
from symroof.solving.solution import Solution
from symroof.solving.terms import ComparisonTerm

LONGEST = 600  # characters of the longest formula in B, n and c, and of the longest equation, that is printed
MOST_OPERATIONS = 300  # of such a formula


def quantity_rows(solution: Solution) -> Iterator[tuple[str, str]]:
    """Each name in the question and its closed form."""
    return ((f"{leaf.name} =", quantity_formula(leaf, solution)) for leaf in solution.leaves.values())


def quantity_formula(leaf: Leaf, solution: Solution) -> str:
    """A quantity in B, n and c, or where that is long in sums over the batch; or described in words."""
    if leaf.description:
        return leaf.description
    form = solution.scope.form(leaf)
    if form is not None and form.count_ops() <= MOST_OPERATIONS and len(text := formula_by_factors(form)) <= LONGEST:
        return text
    return formula_by_factors(solution.scope.in_sums(leaf))


def solution_equations(solution: Solution) -> Iterator[tuple[str, str]]:
    """The comparison in numbers, and the unknown in closed form."""
    terms, relation = (solution.left, solution.right), f" {solution.relation} "
    if all(sides := [side_in_numbers(x, solution) for x in terms]):
        yield "in numbers", relation.join(sides)
    elif all(sides := [side_on_branch(x, solution) for x in terms]):
        yield f"at {solution.unknown} = {unknown_number(solution.answer, solution)}", relation.join(sides)
    if solution.solution is not None and len(text := formula_text(solution.solution)) <= LONGEST:
        yield f"{solution.unknown} =", text


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
