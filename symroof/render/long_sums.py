"""Long sums as text: terms with a factor in common together, lines broken between terms; numbers in their units."""

import re
from collections.abc import Sequence
from textwrap import wrap

from sympy import Add, Expr, Mul

from symroof import symbols as s
from symroof.algebra.points import Number, multiplied_out
from symroof.cost.notation import rank, text
from symroof.cost.quantities import merged
from symroof.render.formula import summed
from symroof.render.text_columns import hanging
from symroof.units import duration, iec, si

TOO_LONG = "too long to print: see --json"
LONGEST = 1000  # characters of a formula that is still printed
SHORT = 60  # characters of a formula that is left in the form it has
TINY = 1e-8  # seconds below it are written as powers of ten
CALL = re.compile(r"(?:max|min|floor)\([^()]*\)")
TIE = "\u00a0"  # a space that no line is broken at


def formula(expr: Expr, longest: int = LONGEST) -> str:
    """A sum, terms with the same count of layers and the same rate together; of a longer one that it is."""
    below = divisor(expr)
    if len(told := text(expr)) <= SHORT or (below != 1 and len(told) <= longest):
        return told
    if below != 1 or expr.count_ops() > longest:
        return TOO_LONG
    groups: dict[Expr, list[Expr]] = {}
    for term in Add.make_args(multiplied_out(expr)):
        outer = [x for x in Mul.make_args(term) if x.free_symbols and all(map(is_outer, x.free_symbols))]
        key = Mul(*outer)
        groups.setdefault(key, []).append(term / key)
    told = summed(grouped(key, terms) for key, terms in groups.items())
    return told if len(told) <= longest else TOO_LONG


def divisor(expr: Expr) -> Expr:
    """The sums that a product is divided by."""
    below = (x for x in Mul.make_args(expr) if x.is_Pow and x.base.is_Add and x.exp.is_number and x.exp < 0)
    return 1 / Mul(*below)


def is_outer(x: Expr) -> bool:
    """Whether a symbol is a count of layers or a machine's."""
    entry = s.entry(str(x))
    return entry.base == "L" or entry.group == "machine"


def grouped(key: Expr, terms: list[Expr]) -> str:
    """Terms with a factor in common."""
    parts = [part for term in terms for part in Add.make_args(multiplied_out(term))]
    inner = sorted(merged(parts), key=rank)
    if key == 1 or len(inner) == 1:
        return summed(text(key * x) for x in inner)
    above, below = key.as_numer_denom()
    told = f"{'' if above == 1 else text(above) + ' '}({summed(map(text, inner))})"
    return told if below == 1 else f"{told}/{text(below) if below.is_Symbol else f'({text(below)})'}"


def measure(x: Number, unit: str) -> str:
    """A number in a quantity's unit."""
    if unit == "s":
        return duration(x) if not x or abs(x) >= TINY else f"{float(x):.3g} s"
    return iec(x) if unit == "byte" else f"{si(x)}{' ' if ' ' not in si(x) and unit else ''}{unit}"


def paragraph(told: str, width: int) -> str:
    """A text folded to `width`; 0 never folds."""
    return "\n".join(wrap(told, width, break_long_words=False)) if width else told


def folded(rows: Sequence[tuple[str, str]], width: int, indent: str = "  ") -> str:
    """Names and formulas in two columns; a formula longer than `width` allows is broken between terms."""
    tied = [(name, re.sub(r" (?![+-] )", TIE, CALL.sub(lambda x: x[0].replace(" ", TIE), told))) for name, told in rows]
    return hanging(tied, width, indent).replace(TIE, " ")
