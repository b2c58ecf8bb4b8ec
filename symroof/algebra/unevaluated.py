"""Min, Max and floor as they are written: comparing all their arguments, as sympy does, takes most of a start."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import lcm

import sympy
from sympy import Basic, Expr, Symbol

from symroof.algebra.arithmetic import EXACT_POWER, exact_power
from symroof.algebra.binding import exact_number
from symroof.algebra.fold import REBUILD, Table, fold, rebuilt
from symroof.errors import SymroofError, shorten

Min = partial(sympy.Min, evaluate=False)
Max = partial(sympy.Max, evaluate=False)
floor = partial(sympy.floor, evaluate=False)


def rename_symbols(expr: Expr, names: Mapping[Symbol, Symbol]) -> Expr:
    """A formula in other symbols, nothing evaluated for it."""
    return fold(expr, REBUILD, dict(names))


def without_pieces(expr: Expr) -> Expr:
    """A formula with Min and Max in place of Piecewise, equal to it where its symbols are whole numbers.

    Each Piecewise has two pieces, the first under one comparison, as `Model.formula` gives it. Raises SymroofError for
    any other.
    """
    return expr.xreplace({x: _with_step(x) for x in expr.atoms(sympy.Piecewise)})


def _with_step(x: sympy.Piecewise) -> Expr:
    """b + (a - b) [condition] for a under a condition, else b."""
    (a, condition), (b, otherwise) = x.args if len(x.args) == 2 else (x.args[0], x.args[0])
    if otherwise != sympy.true or not isinstance(condition, sympy.Rel):
        raise SymroofError(f"{shorten(x)}: give pieces of the kind that formulas of models have, one under a condition")
    margin = _whole_margin(condition)
    step = Min(1, Max(0, margin))
    return step * a + (1 - step) * b


def _whole_margin(condition: sympy.Rel) -> Expr:
    """A polynomial that is above 0 where a comparison of whole numbers holds, and whole."""
    gap = sympy.expand(condition.gts - condition.lts)
    whole = gap * lcm(*(int(y.as_coeff_Mul()[0].q) for y in sympy.Add.make_args(gap)))
    return whole if condition.rel_op in ("<", ">") else whole + 1


def with_numbers(expr: Expr, values: Mapping[Symbol, Expr]) -> Expr:
    """A formula with numbers for some symbols; a Min or Max is evaluated where all of its arguments are numbers."""
    return fold(expr, _BIND, dict(values))


def _extreme_of_numbers(x: Expr, args: Sequence[Expr]) -> Expr:
    return x.func(*args, evaluate=all(y.is_number for y in args))


def _power_of_numbers(x: Expr, args: Sequence[Expr]) -> Expr:
    """A power; of numbers a float where the exact one would have too many digits."""
    base, exponent = args
    large = exponent.is_Rational and abs(exponent) > EXACT_POWER
    if large and base.is_number:
        return sympy.sympify(exact_power(exact_number(base), exact_number(exponent)))
    return rebuilt(x, args)


_BIND = Table(
    {Basic: rebuilt, sympy.Pow: _power_of_numbers, sympy.Min: _extreme_of_numbers, sympy.Max: _extreme_of_numbers}
)
