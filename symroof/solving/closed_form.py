"""Equations that are straight lines in their unknown, solved for it in closed form, in names."""

from sympy import Expr, Pow, Symbol, factor_terms

from symroof.algebra.points import multiplied_out
from symroof.solving.scope import Scope
from symroof.solving.terms import Term

MOST_OPERATIONS = 500  # of an equation that is still solved


def in_closed_form(left: Term, right: Term, scope: Scope) -> Expr | None:
    """The unknown where both sides are equal, in names, for sides that are straight lines in it; else None.

    Quantities that the unknown is not in stay names.
    """
    x, gap = scope.unknown, left.shown - right.shown
    for leaf in (*scope.leaves.values(),) * 2:  # what is made of others, then these
        name = Symbol(leaf.name)
        if gap.has(name) and (leaf.depends or leaf.made is not None):
            if (form := scope.form(leaf)) is None:
                return None
            gap = gap.xreplace({name: form})
    gap = gap.xreplace(dict(scope.held))
    if gap.count_ops() > MOST_OPERATIONS or any(within_power(y, x) for y in gap.atoms(Pow)):
        return None
    gap = multiplied_out(gap)
    if not gap.is_polynomial(x):
        return None
    slope, offset = gap.coeff(x, 1), gap.coeff(x, 0)
    if slope == 0 or (gap - slope * x - offset).expand() != 0:
        return None
    return factor_terms(-offset) / factor_terms(slope)


def within_power(expr: Expr, x: Symbol) -> bool:
    """Whether a power's exponent has the unknown, or it is divided by."""
    return bool(expr.exp.has(x) or (expr.exp.could_extract_minus_sign() and expr.base.has(x)))
