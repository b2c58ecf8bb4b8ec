"""Definitions substituted into formulas, in dependency order; formulas compiled to functions."""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from sympy import Expr, Pow, Symbol, lambdify, sympify

from symroof.algebra.arithmetic import int_if_whole
from symroof.algebra.codegen import exact_function
from symroof.errors import SymroofError

Definitions = Mapping[Symbol, Any]


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
            return number_of(expr, numbers)
        powers = (x for x in expr.atoms(Pow) if x.exp.free_symbols and x.free_symbols <= numbers.keys())
        return expr.xreplace({**bound, **{x: number_of(x, numbers) for x in powers}})

    def value(self, symbol: Symbol, _path: tuple[Symbol, ...] = ()) -> Expr:
        """The definition of `symbol` with all defined symbols in it replaced."""
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


def number_of(expr: Expr, values: Mapping[Symbol, Any]) -> Expr:
    """The number that `expr` comes to; sympy would raise to any power exactly."""
    if not any(x.exp.free_symbols for x in expr.atoms(Pow)):
        return expr.xreplace({x: sympify(value, strict=True) for x, value in values.items()})
    symbols = sorted(expr.free_symbols, key=str)
    return sympify(exact_function((expr,), symbols)(*(values[x] for x in symbols))[0], strict=True)


def symbols_of(exprs: Iterable[Any]) -> set[Symbol]:
    """All symbols that occur in some expressions."""
    return set().union(*(sympify(x, strict=True).free_symbols for x in exprs))


def reachable_symbols(exprs: Iterable[Expr], definitions: Mapping[Symbol, Expr]) -> set[Symbol]:
    """The symbols of formulas, and those of their definitions."""
    reachable: set[Symbol] = set()
    rest = list(exprs)
    while rest:
        new = rest.pop().free_symbols - reachable
        reachable |= new
        rest.extend(definitions[x] for x in new if x in definitions)
    return reachable


def exact_number(x: Any) -> Any:
    """A number of sympy's as an int or Fraction where it is rational, else as a float."""
    if isinstance(x, int | float | Fraction):
        return int_if_whole(x)
    return int_if_whole(Fraction(int(x.p), int(x.q))) if x.is_Rational else float(x)
