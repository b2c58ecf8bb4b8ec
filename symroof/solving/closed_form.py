"""Comparisons solved for their unknown in closed form, in names."""

import re

from sympy import Expr, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.rootfinding.closed_forms import polynomial_root, power_root, without_divisors
from symroof.cost import batch_sums
from symroof.solving.scope import SolveScope
from symroof.solving.terms import ComparisonTerm

MOST_OPERATIONS = 5000  # of an equation that is solved


def root_in_names(left: ComparisonTerm, right: ComparisonTerm, scope: SolveScope) -> Expr | None:
    """The unknown where both sides are equal, in names; None where it has no simple closed form.

    Quantities that do not depend on the unknown stay names. A quadratic equation is solved for its positive root.
    """
    x, gap = scope.unknown, named_difference(left, right, scope)
    if gap is None or gap.count_ops() > MOST_OPERATIONS:
        return None
    gap = without_divisors(gap, lambda y: y.has(x) or (y.is_Symbol and s.group(y) == "machine"))
    in_numbers = left.above * right.below - right.above * left.below
    root = polynomial_root(gap, x, in_numbers)
    return power_root(gap.xreplace(decimals_in(gap)), x) if root is None else root


def decimals_in(expr: Expr) -> dict[Symbol, Expr]:
    """The numbers of a question that stand in a formula as they are written: 0.9."""
    return {x: Rational(str(x)) for x in expr.free_symbols if re.fullmatch(r"\d+\.\d+", str(x))}


def named_difference(left: ComparisonTerm, right: ComparisonTerm, scope: SolveScope) -> Expr | None:
    """left - right in names, with closed forms for what depends on the unknown; None where one has no closed form."""
    gap = left.shown - right.shown
    for leaf in (*scope.leaves.values(),) * 2:  # sums and ratios first, then the quantities in them
        name = Symbol(leaf.name)
        if gap.has(name) and (leaf.depends or leaf.made is not None):
            if (form := scope.form(leaf)) is None:
                return None
            gap = gap.xreplace({name: form})
    return defined_by_rules(gap, scope).xreplace(dict(scope.held))


def defined_by_rules(gap: Expr, scope: SolveScope) -> Expr:
    """A formula with the definitions of its counting rules' symbols that depend on the unknown."""
    used = [x for x in gap.free_symbols if s.group(x) in ("batch", "step", "rule") and x != s.B]
    rules = batch_sums.uniform_binding(scope.model.definitions(scope.rules), used)
    definitions = {x: rules(x) for x in used}
    return gap.xreplace({x: form for x, form in definitions.items() if form.has(scope.unknown)})
