"""Formulas that a choice between 0 and 1 runs through, as one formula for each."""

from typing import NamedTuple

from sympy import Add, Expr, Integer, Max, Min

from symroof.algebra.fold import REBUILD, fold


class Cases(NamedTuple):
    """A formula where `gap`, a whole number, is above 0, and where it is not."""

    gap: Expr
    above: Expr
    below: Expr


def choices(expr: Expr) -> dict[Expr, Expr]:
    """The parts min(1, max(0, gap)) of a formula, and their gaps."""
    extremes = {x: [y for y in x.args if y != 1] for x in expr.atoms(Min) if Integer(1) in x.args}
    single = {x: args[0] for x, args in extremes.items() if len(args) == 1 and isinstance(args[0], Max)}
    gaps = {x: [z for z in y.args if z != 0] for x, y in single.items() if Integer(0) in y.args}
    return {x: args[0] for x, args in gaps.items() if len(args) == 1}


def by_case(expr: Expr) -> Cases | None:
    """A formula's two cases; None where it has no choice, or several."""
    gaps = choices(expr)
    if len(gaps) != 1:
        return None
    ((choice, gap),) = gaps.items()
    return Cases(gap, *(fold(expr, REBUILD, {choice: Integer(i)}) for i in (1, 0)))


def sides(gap: Expr) -> tuple[Expr, Expr]:
    """What is added and what is subtracted in a sum: their comparison is that of the sum with 0."""
    terms = Add.make_args(gap)
    added = [x for x in terms if not x.could_extract_minus_sign()]
    return Add(*added), Add(*(-x for x in terms if x not in added))
