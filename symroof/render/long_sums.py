"""Formulas in lines that can be read: factored, long sums named and defined below; numbers with their units."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, count
from textwrap import wrap
from typing import NamedTuple

from sympy import Add, Expr, Integer, Mul, Pow, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.factoring import Factoring
from symroof.algebra.named_sums import LINE, SHORT, NamedForm, Names, name_long_sums, term_count
from symroof.algebra.points import Number
from symroof.algebra.rootfinding.closed_forms import root_of_square
from symroof.cost.notation import formula_text, is_inverse, symbol_order
from symroof.render.text_columns import NARROWEST, WIDEST
from symroof.units import duration, iec, si

ONE = Integer(1)
TINY = 1e-8  # seconds below it are written as powers of ten
LETTERS = tuple("xyzuvpqsteg")  # names of sums that are in no block
UNBROKEN = re.compile(r"(?:max|min|floor)\([^()]*\)|\([^()]{1,24}\)")  # calls, and short sums
HANGING = 4  # columns that a further line is indented by
NO_BREAK = "\u00a0"  # a space at which no line is broken


@cache
def symbol_group(x: Expr) -> str:
    """The group of a symbol in the vocabulary, `layers` for a number of layers; empty for anything else."""
    try:
        entry = s.entry(str(x).rstrip("'")) if x.is_Symbol else None
    except KeyError:
        return ""
    return "" if entry is None else "layers" if entry.base == "L" else entry.group


@cache
def factor_rank(x: Expr) -> tuple[bool, int]:
    """The order in which terms are grouped by factors: batch and layers first, of sizes the last one declared."""
    place = symbol_order(str(x).rstrip("'"))[2] if x.is_Symbol else 0
    return not x.is_Symbol, -place if symbol_group(x) == "size" else place


def of_groups(*groups: str) -> Callable[[Expr], bool]:
    """Whether a factor is a symbol of some groups."""
    return lambda x: symbol_group(x) in groups


# Terms of a step are grouped by rates, by kinds of layers, by formats, and by what the batch adds.
GROUPS = (("machine",), ("layers",), ("width",), ("batch", "query", "step"))
FACTORED = Factoring(factor_rank, tuple(of_groups(*x) for x in GROUPS))


def readable(expr: Expr, full: bool = False, names: Names | None = None) -> NamedForm:
    """A formula in few terms, long sums in it named; `full` names none."""
    above, below = quotient_parts(expr)
    return readable_blocks({"": above}, below, full, names)


def readable_blocks(
    parts: Mapping[str, Expr], below: Expr = ONE, full: bool = False, names: Names | None = None
) -> NamedForm:
    """The sum of the parts of some blocks, over `below`.

    Where it is long, the sum within each block is named after the block; `full` names none.
    """
    shared = FACTORED.shared(Add(*parts.values()), below)
    above, divisor = {block: part / shared for block, part in parts.items()}, FACTORED(below / shared)
    form = FACTORED(Add(*above.values()))
    if full or term_count(form) + term_count(divisor) <= LINE + 1:
        return NamedForm(over(form, divisor))
    sums: dict[Expr, Symbol] = {}
    if len(parts) > 1:
        form = FACTORED(Add(*(name_sum_of_block(block, FACTORED(part), sums) for block, part in above.items())))
    names = names or sum_names(sums.values())
    whole, *inner = (name_long_sums(x, names) for x in (over(form, divisor), *sums))
    definitions = ({name: form.expr, **form.where} for name, form in zip(sums.values(), inner, strict=True))
    return NamedForm(whole.expr, {**whole.where, **{x: y for forms in definitions for x, y in forms.items()}})


def readable_root(expr: Expr, full: bool) -> NamedForm:
    """The unknown in closed form; a root sqrt(p^2 + q) - p with names for p and q."""
    roots = [x for x in expr.atoms(Pow) if x.exp == Rational(1, 2)]
    if len(roots) != 1:
        return readable(expr, full)
    names, half = sum_names(), roots[0] - expr
    p, q = names(()), names(())
    forms = [readable(x, full, names) for x in (half, roots[0].base - half**2)]
    if full:
        return NamedForm(root_of_square(*(x.expr for x in forms)))
    return NamedForm(root_of_square(p, q), {p: forms[0].expr, **forms[0].where, q: forms[1].expr, **forms[1].where})


def quotient_parts(expr: Expr) -> tuple[Expr, Expr]:
    """What is above and below the line of a product; of anything else all is above."""
    number, factors = expr.as_coeff_Mul()[0], Mul.make_args(expr)
    if not number.is_Rational:
        return expr, ONE
    above = Mul(number.p, *(x for x in factors if not x.is_Rational and not is_inverse(x)))
    return above, Mul(number.q, *(1 / x for x in factors if is_inverse(x)))


def over(above: Expr, below: Expr) -> Expr:
    """A quotient in which nothing is evaluated."""
    divided = [y for x in Mul.make_args(below) if x != 1 for y in [Pow(x, -1, evaluate=False)]]
    return Mul(*Mul.make_args(above), *divided, evaluate=False) if divided else above


def name_sum_of_block(block: str, part: Expr, sums: dict[Expr, Symbol]) -> Expr:
    """A block's part with a name for the sum in it, which is added to `sums`; a short one as it is."""
    factors = Mul.make_args(part)
    inner = [x for x in factors if x.is_Add]
    if sum(map(term_count, inner)) <= SHORT:
        return part
    name = sums.setdefault(inner[0] if len(inner) == 1 else Mul(*inner, evaluate=False), Symbol(f"a_{block}"))
    return Mul(name, *(x for x in factors if not x.is_Add))


def sum_names(taken: Iterable[Symbol] = ()) -> Names:
    """Names of sums: `a_moe` for one that a number of layers multiplies, a letter for any other; none is `taken`."""
    used, letters = set(taken), (f"{x}{i or ''}" for i in count() for x in LETTERS)

    def name(factors: Sequence[Expr]) -> Symbol:
        layers = [x for x in factors if symbol_group(x) == "layers"]
        wanted = [Symbol("a" + str(layers[0])[1:])] if len(layers) == 1 else []
        chosen = next(x for x in chain(wanted, map(Symbol, letters)) if x not in used)
        used.add(chosen)
        return chosen

    return name


class FormulaRow(NamedTuple):
    """A name and a formula beside it; or the definition of a name that a formula above has."""

    name: str
    text: str
    where: bool = False


def form_rows(name: str, form: NamedForm, *results: str) -> Iterator[FormulaRow]:
    """A formula, what it comes to, and the definitions of the names in it."""
    yield FormulaRow(name, formula_text(form.expr))
    yield from (FormulaRow("", result) for result in results)
    for i, (x, expr) in enumerate(form.where.items()):
        yield FormulaRow("     " if i else "where", f"{x} = {formula_text(expr)}", where=True)


def wrap_formulas(rows: Iterable[FormulaRow], width: int, indent: str = "  ") -> str:
    """Names and formulas in two columns, definitions below; broken between terms at `width`, at WIDEST at most."""
    some = list(rows)
    longest = max((len(x.name) for x in some if not x.where), default=0)
    margin = len(indent) + (longest + 3 if longest else 0)
    return "".join(wrap_row(x, margin, min(width or WIDEST, WIDEST), indent) for x in some)


def wrap_row(row: FormulaRow, margin: int, width: int, indent: str) -> str:
    """A row in lines of a width, its formula at a margin; further lines of one without a name are indented."""
    start = f"{indent}  {row.name} " if row.where else (indent + row.name).ljust(margin)
    return wrap_formula(start, row.text, width, 0 if row.name and not row.where else HANGING)


def wrap_formula(start: str, text: str, width: int, hanging: int = 0) -> str:
    """`start` and a formula in lines of a width, the further ones `hanging` columns to the right of the first.

    It is broken between terms, or at any space where a term is too long for a line.
    """
    room, indent = max(width - len(start), NARROWEST), " " * hanging
    for breakable in (_unbroken_terms(text), text):
        lines = wrap(breakable, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        if max(map(len, lines)) <= room:
            break
    return (start + ("\n" + " " * len(start)).join(lines)).replace(NO_BREAK, " ") + "\n"


def _unbroken_terms(formula: str) -> str:
    """A formula whose products, calls and short sums in brackets are not broken."""
    calls = UNBROKEN.sub(lambda x: x[0].replace(" ", NO_BREAK), formula)
    return re.sub(r" (?![+-] )", NO_BREAK, calls)


def with_unit(x: Number, unit: str) -> str:
    """A number in a quantity's unit."""
    if unit == "s":
        return duration(x) if not x or abs(x) >= TINY else f"{float(x):.3g} s"
    return iec(x) if unit == "byte" else f"{si(x)}{' ' if ' ' not in si(x) and unit else ''}{unit}"
