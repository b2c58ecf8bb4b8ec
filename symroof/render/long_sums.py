"""Long sums as text: terms with a common factor together, lines wrapped between terms; numbers with their units."""

import re
from collections.abc import Sequence

from sympy import Add, Expr, Mul

from symroof import symbols as s
from symroof.algebra.points import Number, multiplied_out
from symroof.cost.notation import formula_text, term_order
from symroof.cost.quantities import collect_terms
from symroof.render.formula import join_terms
from symroof.render.text_columns import hanging_columns
from symroof.units import duration, iec, si

NOT_PRINTED = "too long to print: see --json"
LONGEST_FORMULA = 1000  # characters of the longest formula that is printed
SHORT_FORMULA = 60  # characters of the longest formula that is printed in the form it has
TINY = 1e-8  # seconds below it are written as powers of ten
FUNCTION_CALL = re.compile(r"(?:max|min|floor)\([^()]*\)")
NO_BREAK = "\u00a0"  # a space at which no line is broken


def formula_by_factors(expr: Expr, longest: int = LONGEST_FORMULA) -> str:
    """A sum, its terms grouped by the count of layers and the machine rate they share; NOT_PRINTED where too long."""
    divisor, text = sum_divisor(expr), formula_text(expr)
    if len(text) <= SHORT_FORMULA or (divisor != 1 and len(text) <= longest):
        return text
    if divisor != 1 or expr.count_ops() > longest:
        return NOT_PRINTED
    text = join_terms(factored_text(factor, terms) for factor, terms in terms_by_factor(expr).items())
    return text if len(text) <= longest else NOT_PRINTED


def sum_divisor(expr: Expr) -> Expr:
    """The product of the sums that an expression is divided by; 1 where there is none."""
    inverses = (x for x in Mul.make_args(expr) if x.is_Pow and x.base.is_Add and x.exp.is_number and x.exp < 0)
    return 1 / Mul(*inverses)


def terms_by_factor(expr: Expr) -> dict[Expr, list[Expr]]:
    """Factor of layer counts and machine rates -> the terms that it multiplies."""
    groups: dict[Expr, list[Expr]] = {}
    for term in Add.make_args(multiplied_out(expr)):
        factor = Mul(*(x for x in Mul.make_args(term) if x.free_symbols and all(map(is_outer_symbol, x.free_symbols))))
        groups.setdefault(factor, []).append(term / factor)
    return groups


def is_outer_symbol(x: Expr) -> bool:
    """Whether a symbol is a count of layers or a machine's rate."""
    entry = s.entry(str(x))
    return entry.base == "L" or entry.group == "machine"


def factored_text(factor: Expr, terms: list[Expr]) -> str:
    """`factor (terms)`, or `(terms)/divisor`."""
    parts = [part for term in terms for part in Add.make_args(multiplied_out(term))]
    inner = sorted(collect_terms(parts), key=term_order)
    if factor == 1 or len(inner) == 1:
        return join_terms(formula_text(factor * x) for x in inner)
    above, below = factor.as_numer_denom()
    text = f"{'' if above == 1 else formula_text(above) + ' '}({join_terms(map(formula_text, inner))})"
    return text if below == 1 else f"{text}/{formula_text(below) if below.is_Symbol else f'({formula_text(below)})'}"


def with_unit(x: Number, unit: str) -> str:
    """A number in a quantity's unit."""
    if unit == "s":
        return duration(x) if not x or abs(x) >= TINY else f"{float(x):.3g} s"
    return iec(x) if unit == "byte" else f"{si(x)}{' ' if ' ' not in si(x) and unit else ''}{unit}"


def wrap_formulas(rows: Sequence[tuple[str, str]], width: int, indent: str = "  ") -> str:
    """Names and formulas in two columns; a formula too long for `width` is broken between terms."""
    return hanging_columns([(name, _unbroken_terms(text)) for name, text in rows], width, indent).replace(NO_BREAK, " ")


def _unbroken_terms(formula: str) -> str:
    calls = FUNCTION_CALL.sub(lambda x: x[0].replace(" ", NO_BREAK), formula)
    return re.sub(r" (?![+-] )", NO_BREAK, calls)
