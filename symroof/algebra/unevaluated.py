"""Min, Max and floor as they are written: comparing all their arguments, as sympy does, takes most of a start."""

from collections.abc import Mapping, Sequence
from functools import partial

import sympy
from sympy import Basic, Expr, Symbol

from symroof.algebra.arithmetic import EXACT_POWER, exact_power
from symroof.algebra.binding import exact_number
from symroof.algebra.fold import REBUILD, Table, fold, rebuilt

Min = partial(sympy.Min, evaluate=False)
Max = partial(sympy.Max, evaluate=False)
floor = partial(sympy.floor, evaluate=False)


def rename_symbols(expr: Expr, names: Mapping[Symbol, Symbol]) -> Expr:
    """A formula in other symbols, nothing evaluated for it."""
    return fold(expr, REBUILD, dict(names))


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
