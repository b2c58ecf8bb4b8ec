"""Equations that are linear in their unknown, solved for it in closed form, in names."""

from sympy import Expr, Pow, Symbol, factor_terms

from symroof.algebra.points import multiplied_out
from symroof.solving.scope import SolveScope
from symroof.solving.terms import ComparisonTerm

MOST_OPERATIONS = 500  # of an equation that is solved


def linear_solution(left: ComparisonTerm, right: ComparisonTerm, scope: SolveScope) -> Expr | None:
    """The unknown where both sides are equal, in names, for sides that are linear in it; else None.

    Quantities that do not depend on the unknown stay names.
    """
    x, gap = scope.unknown, named_difference(left, right, scope)
    if gap is None or gap.count_ops() > MOST_OPERATIONS or any(in_exponent_or_divisor(y, x) for y in gap.atoms(Pow)):
        return None
    gap = multiplied_out(gap)
    if not gap.is_polynomial(x):
        return None
    slope, offset = gap.coeff(x, 1), gap.coeff(x, 0)
    if slope == 0 or (gap - slope * x - offset).expand() != 0:
        return None
    return factor_terms(-offset) / factor_terms(slope)


def named_difference(left: ComparisonTerm, right: ComparisonTerm, scope: SolveScope) -> Expr | None:
    """left - right in names, with closed forms for what depends on the unknown; None where one has no closed form."""
    gap = left.shown - right.shown
    for leaf in (*scope.leaves.values(),) * 2:  # sums and ratios first, then the quantities in them
        name = Symbol(leaf.name)
        if gap.has(name) and (leaf.depends or leaf.made is not None):
            if (form := scope.form(leaf)) is None:
                return None
            gap = gap.xreplace({name: form})
    return gap.xreplace(dict(scope.held))


def in_exponent_or_divisor(expr: Expr, x: Symbol) -> bool:
    """Whether the unknown is in a power's exponent, or in a divisor."""
    return bool(expr.exp.has(x) or (expr.exp.could_extract_minus_sign() and expr.base.has(x)))
