"""Expressions as written by hand: `2 T d h (H_q + 2 H_kv)`; and in LaTeX."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from math import lcm
from typing import Any

import sympy
from sympy import Add, Expr, Integer, Mul, Pow, Rational, Symbol
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


def ordered_terms(expr: Expr) -> list[Expr]:
    """The terms of a sum as they are written."""
    return sorted(Add.make_args(expr), key=term_order)


def ordered_factors(factors: Iterable[Expr]) -> list[Expr]:
    """Factors as they are written: numbers, then symbols, sums last; no ones."""
    return sorted((x for x in factors if x != 1), key=lambda x: (not x.is_number, bool(x.is_Add), term_order(x)[2]))


def product_parts(expr: Expr) -> tuple[bool, list[Expr], list[Expr]]:
    """Whether a product is negative, and its factors above and below the fraction bar, as they are written."""
    number, rest = expr.as_coeff_Mul()
    whole, parts = (Integer(number.p), Integer(number.q)) if number.is_Rational else (number, Integer(1))
    factors = Mul.make_args(rest)
    below = [Pow(x.base, -x.exp) for x in factors if is_inverse(x)]
    above = [x for x in factors if not is_inverse(x)]
    return bool(number < 0), ordered_factors([abs(whole), *above]), ordered_factors([parts, *below])


def is_inverse(x: Expr) -> bool:
    """Whether a factor is below the fraction bar."""
    return bool(x.is_Pow and x.exp.is_number and x.exp < 0)


def over_one_divisor(expr: Expr) -> Expr:
    """A sum over one divisor, not evaluated: (c + n)/3 and not c/3 + n/3."""
    terms = Add.make_args(expr)
    numbers = (x.as_coeff_Mul()[0] for x in terms)
    divisor = lcm(*(int(x.q) for x in numbers if x.is_Rational))
    return expr if divisor == 1 else Mul(Rational(1, divisor), Add(*(x * divisor for x in terms)), evaluate=False)


class WrittenOrder:
    """Sums and products in the vocabulary's order, however a printer writes products and fractions."""

    _print: Callable[[Expr], str]
    _factors: Callable[[Sequence[Expr]], str]
    _ratio: Callable[[Sequence[Expr], Sequence[Expr]], str]

    def _print_Add(self, expr: Expr, order: Any = None) -> str:
        text = ""
        for part in map(self._print, ordered_terms(expr)):
            text += (f" - {part[1:]}" if part.startswith("-") else f" + {part}") if text else part
        return text

    def _print_Mul(self, expr: Expr) -> str:
        negative, above, below = product_parts(expr)
        text = self._ratio(above, below) if below else self._factors(above)
        return f"-{text}" if negative else text


class TextPrinter(WrittenOrder, StrPrinter):  # type: ignore[misc]
    """Juxtaposed factors in the vocabulary's order, `^` for powers."""

    def _ratio(self, above: Sequence[Expr], below: Sequence[Expr]) -> str:
        divisor = self._tight(below[0]) if len(below) == 1 else f"({self._factors(below)})"
        return f"{self._factors(above)}/{divisor}"

    def _factors(self, factors: Sequence[Expr]) -> str:
        return " ".join(f"({self._print(x)})" if x.is_Add else self._print(x) for x in factors) or "1"

    def _tight(self, expr: Expr) -> str:
        text = self._print(expr)
        plain = expr.is_Symbol or expr.is_Function or (expr.is_Integer and expr >= 0)
        return text if plain else f"({text})"

    def _print_Pow(self, expr: Expr, rational: bool = False) -> str:
        if is_inverse(expr):
            return f"1/{self._tight(expr.base**-expr.exp)}"
        if expr.exp == Rational(1, 2):
            return f"sqrt({self._print(expr.base)})"
        return f"{self._tight(expr.base)}^{self._tight(expr.exp)}"

    def _print_Float(self, expr: Expr) -> str:
        return f"{float(expr):.4g}"

    def _print_Function(self, expr: Expr) -> str:
        return f"{expr.func.__name__.lower()}({', '.join(map(self._print, expr.args))})"

    def _print_AppliedUndef(self, expr: Expr) -> str:
        return f"{expr.func.__name__}({', '.join(map(self._print, expr.args))})"

    def _print_Piecewise(self, expr: Expr) -> str:
        *pieces, (last, _) = expr.args
        return (
            "".join(f"if({self._print(y)}, {self._print(x)}, " for x, y in pieces)
            + self._print(last)
            + ")" * len(pieces)
        )

    def _print_floor(self, expr: Expr) -> str:
        return f"floor({self._print(over_one_divisor(expr.args[0]))})"

    _print_Min = _print_Max = _print_Function


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


LONGEST_FRACTION = 24  # characters above and below a bar that are set as one; longer ones have a slash
TALL = ("\\frac", "\\sqrt", "\\Bigl", "\\begin")  # what plain brackets would be too small for


class PaperPrinter(WrittenOrder, LatexPrinter):  # type: ignore[misc]
    r"""LaTeX in the order of `TextPrinter`; brackets are \Bigl( and never \left(, so that a line may end within."""

    def _ratio(self, above: Sequence[Expr], below: Sequence[Expr]) -> str:
        over, under = self._factors(above), self._factors(below)
        if "\\frac" not in over + under and max(map(printed_length, (over, under))) <= LONGEST_FRACTION:
            return f"\\frac{{{self._without_brackets(above)}}}{{{self._without_brackets(below)}}}"
        one = len(below) == 1 and (below[0].is_Atom or below[0].is_Add)
        return f"{over} / {under if one else in_brackets(under)}"

    def _without_brackets(self, factors: Sequence[Expr]) -> str:
        return str(self._print(factors[0])) if len(factors) == 1 else self._factors(factors)

    def _factors(self, factors: Sequence[Expr]) -> str:
        parts = [in_brackets(self._print(x)) if x.is_Add or x.is_Piecewise else self._print(x) for x in factors]
        text = "".join(f"{between(x, y)}{y}" for x, y in pairwise(["", *parts]))
        return text or "1"

    def _print_Pow(self, expr: Expr) -> str:
        if is_inverse(expr):
            return self._ratio([], [Pow(expr.base, -expr.exp)])
        if expr.exp == Rational(1, 2):
            return f"\\sqrt{{{self._print(expr.base)}}}"
        base, power = self._print(expr.base), expr.exp
        plain = expr.base.is_Symbol or expr.base.is_Function or (expr.base.is_Integer and expr.base >= 0)
        exponent = f"{power.p}/{power.q}" if power.is_Rational and power.q > 1 else self._print(power)
        return f"{base if plain else in_brackets(base)}^{braced(exponent)}"

    def _print_Float(self, expr: Expr) -> str:
        digits, _, power = f"{float(expr):.4g}".partition("e")
        return f"{digits} \\cdot 10^{{{int(power)}}}" if power else digits

    def _print_Function(self, expr: Expr, exp: Any = None) -> str:
        name = expr.func.__name__.lower()
        if name not in ("min", "max", "log", "exp"):
            return str(super()._print_Function(expr, exp))
        return f"\\{name}{in_brackets(', '.join(map(self._print, expr.args)))}"

    def _print_AppliedUndef(self, expr: Expr) -> str:
        return f"{s.latex_name(expr.func.__name__)}{in_brackets(', '.join(map(self._print, expr.args)))}"

    def _print_floor(self, expr: Expr) -> str:
        return in_brackets(self._print(over_one_divisor(expr.args[0])), "\\lfloor ", "\\rfloor")

    _print_Min = _print_Max = _print_log = _print_Function


def printed_length(latex: str) -> int:
    """Characters that are printed, roughly."""
    return len(re.sub(r"\\[a-zA-Z]+|[\\{}_^ ]", "", latex))


def between(left: str, right: str) -> str:
    """What is between two factors: a thin space where a `d` would look like a differential, a dot before numbers."""
    if left == "d" and right[0].islower():
        return r"\, "
    number = right[0].isdigit() or right.startswith("\\frac")
    return r" \cdot " if left and number else " " if left else ""


def in_brackets(latex: str, left: str = "(", right: str = ")") -> str:
    """LaTeX in brackets that are as tall as it is."""
    return f"\\Bigl{left}{latex}\\Bigr{right}" if any(x in latex for x in TALL) else f"{left}{latex}{right}"


def braced(latex: str) -> str:
    """An exponent: in braces unless it is one character."""
    return latex if len(latex) == 1 else f"{{{latex}}}"


def expr_latex(expr: Expr, **settings: Any) -> str:
    """An expression as LaTeX: symbols as the vocabulary writes them, factors and terms as in text.

    `settings` are those of `sympy.latex`, which notebooks pass.
    """
    return str(PaperPrinter({"symbol_names": LATEX_NAMES, **settings}).doprint(expr))


def init_printing(**settings: Any) -> None:
    """sympy's `init_printing`, after which notebooks show expressions as a paper would: `2 T d h H_{\\mathrm{kv}}`.

    One line at the top of a notebook: expressions, also those within tuples and lists, are displayed by MathJax, and
    `sympy.latex` knows these names too, in sympy's order of factors. Other symbols look as before. `settings`: those
    of sympy's function.
    """
    LatexPrinter.set_global_settings(symbol_names=LATEX_NAMES)
    sympy.init_printing(**{"use_latex": "mathjax", "latex_printer": expr_latex, **settings})
