"""Definitions substituted into formulas, in dependency order; formulas compiled to functions."""

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from sympy import Expr, Mul, Pow, Symbol, lambdify, sympify
from sympy.printing.pycode import PythonCodePrinter

from symroof.errors import SymroofError

Definitions = Mapping[Symbol, Any]
EXACT_POWER = 64  # powers above this are floats: an exact (15/16)^200000 takes seconds to reduce


class Binding:
    """Layers of definitions for symbols; a later layer wins.

    Definitions may refer to one another in any order. Bind some and read a formula; bind all and read a
    number; leave one open and sweep, solve or differentiate.
    """

    def __init__(self, *layers: Definitions) -> None:
        self.definitions: dict[Symbol, Any] = {symbol: x for layer in layers for symbol, x in layer.items()}
        self._values: dict[Symbol, Expr] = {}

    def __call__(self, expr: Any) -> Expr:
        """`expr` with every defined symbol replaced; exact where no power makes it a float."""
        expr = sympify(expr, strict=True)
        bound = {x: self.value(x) for x in expr.free_symbols if x in self.definitions}
        numbers = {x: exact_number(value) for x, value in bound.items() if value.is_number}
        if numbers and numbers.keys() == expr.free_symbols:
            return evaluated(expr, numbers)
        powers = (x for x in expr.atoms(Pow) if x.exp.free_symbols and x.free_symbols <= numbers.keys())
        return expr.xreplace({**bound, **{x: evaluated(x, numbers) for x in powers}})

    def value(self, symbol: Symbol, _path: tuple[Symbol, ...] = ()) -> Expr:
        """What `symbol` stands for once its definition's own symbols are replaced."""
        if symbol not in self._values:
            if symbol in _path:
                raise SymroofError("circular definitions: " + " -> ".join(map(str, (*_path, symbol))))
            definition = sympify(self.definitions[symbol], strict=True)
            for inner in definition.free_symbols & self.definitions.keys():
                self.value(inner, (*_path, symbol))
            self._values[symbol] = self(definition)
        return self._values[symbol]

    def compile(self, exprs: Iterable[Any], *free: Symbol) -> Callable[..., Any]:
        """A function of `free` that returns the values of `exprs`, in floats or numpy arrays of them.

        Raises SymroofError when a symbol stays that is neither bound nor free.
        """
        rest = Binding({symbol: x for symbol, x in self.definitions.items() if symbol not in free})
        bound = [rest(expr) for expr in exprs]
        left = set().union(*(x.free_symbols for x in bound)) - set(free)
        if left:
            raise SymroofError("neither bound nor free: " + ", ".join(sorted(map(str, left))))
        return lambdify(list(free), bound, cse=True)  # type: ignore[no-any-return]


def evaluated(expr: Expr, values: Mapping[Symbol, Any]) -> Expr:
    """The number that `expr` comes to; sympy itself would raise to any power exactly."""
    if not any(x.exp.free_symbols for x in expr.atoms(Pow)):
        return expr.xreplace({x: sympify(value, strict=True) for x, value in values.items()})
    symbols = sorted(expr.free_symbols, key=str)
    return sympify(compiled((expr,), symbols)(*(values[x] for x in symbols))[0], strict=True)


def compiled(exprs: Iterable[Expr], symbols: Iterable[Symbol]) -> Callable[..., list[Any]]:
    """A function that evaluates `exprs` in Python's exact numbers (int, Fraction), given those of `symbols`."""
    names = {"Fraction": Fraction, "power": power, "over": over, "floor": math.floor}
    run = lambdify(list(symbols), list(exprs), modules=[names], printer=_Exact, cse=True)
    return lambda *values: [whole(x) for x in run(*values)]


def power(base: Any, exponent: Any) -> Any:
    """base ** exponent: exact for whole exponents up to EXACT_POWER, a float beyond."""
    if isinstance(exponent, int) and abs(exponent) <= EXACT_POWER:
        return Fraction(base) ** exponent if exponent < 0 else base**exponent
    return float(base) ** float(exponent)


def over(above: Any, below: Any) -> Any:
    """above / below, exactly: an int where it divides, else a Fraction; a float where one is."""
    if isinstance(above, float) or isinstance(below, float):
        return above / below
    quotient, rest = divmod(above, below)
    return Fraction(above) / below if rest else quotient


def whole(x: Any) -> Any:
    """`x` as an int where it is a whole Fraction."""
    return x.numerator if isinstance(x, Fraction) and x.denominator == 1 else x


def exact_number(x: Any) -> Any:
    """A number of sympy's as an int or Fraction where it is rational, else as a float."""
    if isinstance(x, int | float | Fraction):
        return whole(x)
    return whole(Fraction(int(x.p), int(x.q))) if x.is_Rational else float(x)


class _Exact(PythonCodePrinter):  # type: ignore[misc]
    """Python source that stays within int and Fraction."""

    def __init__(self, settings: Any = None) -> None:
        super().__init__({**(settings or {}), "fully_qualified_modules": False})

    def _print_Rational(self, x: Any) -> str:
        return f"Fraction({x.p}, {x.q})"

    _print_Half = _print_Rational

    def _print_Pow(self, x: Any, rational: bool = False) -> str:
        return f"power({self._print(x.base)}, {self._print(x.exp)})"

    def _print_Mul(self, x: Any) -> str:
        above, below = self._sides(x)
        return f"over({above}, {below})" if below else above

    def _print_floor(self, x: Any) -> str:
        above, below = self._sides(x.args[0])
        return f"(({above})//({below}))" if below else f"floor({above})"

    def _sides(self, x: Any) -> tuple[str, str]:
        """Numerator and denominator as source; the latter is empty where it is 1."""
        number, rest = x.as_coeff_Mul()
        factors = Mul.make_args(rest)
        below = [a.base for a in factors if a.is_Pow and a.exp == -1] + [number.q] * (number.q != 1)
        above = [a for a in factors if not (a.is_Pow and a.exp == -1)] + [number.p] * (number.p != 1)
        return tuple("*".join(f"({self._print(a)})" for a in side) for side in (above or [1], below))  # type: ignore[return-value]
