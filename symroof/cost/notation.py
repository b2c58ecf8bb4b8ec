"""Expressions as written by hand: `2 T d h (H_q + 2 H_kv)`; and in LaTeX."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import sympy
from sympy import Add, Expr, Integer, Mul, Rational, Symbol, sympify
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from symroof import symbols as s

GROUP_ORDER = ("batch", "training", "query", "step", "rule", "size", "width", "machine", "parallel", "memory")


@cache
def symbol_order(name: str) -> tuple[bool, int, int, str]:
    """Sort key of symbols: numbers of layers first, then by group and in the order of declaration."""
    try:
        entry = s.entry(name)
    except KeyError:
        return True, len(GROUP_ORDER), 0, name
    return entry.base != "L", GROUP_ORDER.index(entry.group), list(s.VOCABULARY).index(entry.base), name


def term_order(expr: Expr) -> tuple[bool, bool, list[tuple[bool, int, int, str]]]:
    """Sort key: terms with a minus last, numbers after symbols, the rest by the vocabulary's order."""
    return (
        expr.could_extract_minus_sign(),
        bool(expr.is_number),
        sorted(symbol_order(str(x)) for x in expr.free_symbols),
    )


class TextPrinter(StrPrinter):  # type: ignore[misc]
    """Juxtaposed factors in the vocabulary's order, `^` for powers."""

    def _print_Add(self, expr: Expr, order: Any = None) -> str:
        text = ""
        for term in sorted(Add.make_args(expr), key=term_order):
            part = self._print(term)
            text += (f" - {part[1:]}" if part.startswith("-") else f" + {part}") if text else part
        return text

    def _print_Mul(self, expr: Expr) -> str:
        number, rest = expr.as_coeff_Mul()
        whole, parts = (number.p, number.q) if number.is_Rational else (number, 1)
        below = [x for x in Mul.make_args(rest) if x.is_Pow and x.exp.is_number and x.exp < 0]
        above = [x for x in Mul.make_args(rest) if x not in below]
        divisor = [Integer(parts), *(1 / x for x in below)]
        text = self._factors([sympify(abs(whole)), *above]) + self._divisor([x for x in divisor if x != 1])
        return f"-{text}" if number < 0 else text

    def _divisor(self, factors: Sequence[Expr]) -> str:
        if len(factors) > 1:
            return f"/({self._factors(factors)})"
        return "".join(f"/{self._tight(x)}" for x in factors)

    def _factors(self, factors: Sequence[Expr]) -> str:
        """Factors beside each other: a number, then symbols, then sums."""
        several = [x for x in factors if x != 1] or [Integer(1)]
        parts = sorted(several, key=lambda x: (not x.is_number, bool(x.is_Add), term_order(x)[2]))
        return " ".join(f"({self._print(x)})" if x.is_Add else self._print(x) for x in parts)

    def _tight(self, expr: Expr) -> str:
        text = self._print(expr)
        plain = expr.is_Symbol or expr.is_Function or (expr.is_Integer and expr >= 0)
        return text if plain else f"({text})"

    def _print_Pow(self, expr: Expr, rational: bool = False) -> str:
        if expr.exp.is_number and expr.exp < 0:
            return f"1/{self._tight(expr.base**-expr.exp)}"
        if expr.exp == Rational(1, 2):
            return f"sqrt({self._print(expr.base)})"
        return f"{self._tight(expr.base)}^{self._tight(expr.exp)}"

    def _print_Float(self, expr: Expr) -> str:
        return f"{float(expr):.4g}"

    def _print_Function(self, expr: Expr) -> str:
        return f"{expr.func.__name__.lower()}({', '.join(map(self._print, expr.args))})"

    _print_Min = _print_Max = _print_floor = _print_Function


def formula_text(expr: Expr) -> str:
    """An expression as plain text."""
    return str(TextPrinter().doprint(expr))


class LatexNames(Mapping[Symbol, str]):
    """LaTeX names of the vocabulary's symbols, also of those with a kind's name behind: sympy's `symbol_names`."""

    def __getitem__(self, x: Symbol) -> str:
        entry = s.entry(str(x))
        if entry.symbol != x:
            raise KeyError(x)
        return entry.latex

    def __iter__(self) -> Iterator[Symbol]:
        return (entry.symbol for entry in s.VOCABULARY.values())

    def __len__(self) -> int:
        return len(s.VOCABULARY)


LATEX_NAMES = LatexNames()


def expr_latex(expr: Expr) -> str:
    """An expression as LaTeX, its symbols as the vocabulary writes them."""
    return str(sympy.latex(expr, symbol_names=LATEX_NAMES))


def init_printing(**settings: Any) -> None:
    """sympy's `init_printing`, after which sympy knows the vocabulary's LaTeX names: `H_{\\mathrm{kv}}`, `\\rho`.

    One line at the top of a notebook: expressions, also those within tuples and lists, are displayed by MathJax, and
    `sympy.latex` uses these names too. Other symbols look as before. `settings`: those of sympy's function.
    """
    LatexPrinter.set_global_settings(symbol_names=LATEX_NAMES)
    sympy.init_printing(**{"use_latex": "mathjax", **settings})
