"""The term of a formula that outgrows the others, other symbols left open."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from sympy import Expr, Integer, Max, Min, Rational, Symbol, expand, sympify
from sympy import floor as sympy_floor

from symroof.algebra.fold import REBUILD, Table, fold
from symroof.algebra.identities import steps as st
from symroof.algebra.identities.summation import without_constants
from symroof.algebra.points import Point
from symroof.algebra.series import factor_short_sum, series
from symroof.algebra.unevaluated import without_pieces
from symroof.errors import SymroofError


def asymptote(expr: Expr, x: Symbol, at: Mapping[Symbol, Any] | None = None) -> Expr:
    """The leading term of a formula as x grows without bound: `asymptote(Min(s.c, s.w) + 2 * s.c, s.c)` is 2 c.

    A Min or Max is on the branch that it ends on, a floor followed by its trend, a half below what it is of. `at`:
    numbers for other symbols, where the branch depends on them. Raises SymroofError where it does and they are absent.
    """
    body, constants = without_constants(without_pieces(sympify(expr, strict=True)), x)
    point = Point(at or {})
    known = point.moved({y: point.number(z) for y, z in constants.items() if z.free_symbols <= point.values.keys()})
    terms = series(final_branch(body, x, known), x, known)
    if not terms:
        return Integer(0)
    order = max(terms)
    return factor_short_sum(terms[order].xreplace(constants)) * x**order


def final_branch(expr: Expr, x: Symbol, known: Point) -> Expr:
    """A formula on the branches of its Min and Max that it is on far out, its floors by their trend."""

    def largest(sign: int, args: list[Expr]) -> Expr:
        return reduce(lambda a, b: a if sign * final_sign(a - b, x, known) >= 0 else b, args)

    table = {
        Max: lambda _, args: largest(1, args),
        Min: lambda _, args: largest(-1, args),
        sympy_floor: lambda _, args: args[0] - Rational(1, 2),
    }
    return fold(expr, Table({**REBUILD, **table}))


def final_sign(y: Expr, x: Symbol, known: Point) -> int:
    """The sign of a formula far out. Raises SymroofError where it depends on symbols without a number."""
    terms = series(expand(y), x, known)
    if not terms:
        return 0
    lead = expand(terms[max(terms)])
    if st.is_nonnegative(lead) or st.is_nonnegative(-lead):
        return 1 if st.is_nonnegative(lead) else -1
    if absent := lead.free_symbols - known.values.keys():
        names = ", ".join(sorted(map(str, absent)))
        raise SymroofError(f"which branch it ends on depends on {names}: give numbers for them, such as model.sizes")
    return -1 if known.number(lead) < 0 else 1
