"""Differences of two models as text: by cause, in closed form and in numbers; and where signs change."""

from collections.abc import Iterator

from sympy import Add, Expr, Symbol

from symroof import symbols as s
from symroof.algebra.points import Number
from symroof.algebra.rootfinding.signs import Signs
from symroof.analysis.model_diff import Difference, Differences, Part, number
from symroof.cost.notation import rank, text
from symroof.cost.quantities import merged
from symroof.render.long_sums import TOO_LONG, folded, formula, measure, paragraph
from symroof.render.text_columns import hanging
from symroof.units import iec, si

SHORT = 120  # characters of a formula that is left in the form it has
LONGEST = 240  # characters of a formula that is still printed
MOST = 8  # changes of sign that are printed
GROUPS = {"structure": "structure", "sizes": "sizes", "formats": "formats (bytes an element)"}


def render(found: Differences, width: int = 0) -> str:
    """All of it, folded to `width`; 0 never folds."""
    B, n, c = (found.batch[x] for x in (s.B, s.n, s.c))
    noun = "query" if B == 1 else "queries"
    head = f"{found.other.name} less {found.one.name}: {B:,} {noun}: {B:,} x ({n:,} new, {c:,} cached)"
    told = (
        "Parts add up to the difference: the structure is changed first, flag by flag, then sizes, then formats, in "
        "this order; a part depends on those before it. Without numbers in them: closed forms in the vocabulary, at "
        f"the sizes of {found.one.name}."
    )
    sections = (section(x, found, width) for x in found.found.values())
    return "\n".join([paragraph(head, width), "", *sections, paragraph(told, width)]) + "\n"


def section(x: Difference, of: Differences, width: int) -> str:
    """A quantity: its difference, the parts of it, and where its sign changes."""
    rows = [("", polynomial(x.expr, x.named.unit))] if x.expr.free_symbols else []
    out = f"{x.named.title}: {signed(x.number, x.named.unit)}\n" + folded(rows, width, "")
    for group, title in GROUPS.items():
        if parts := [part for part in x.parts if part.group == group]:
            out += f"  {title}\n" + "".join(lines(parts, x, of, width))
    return out + hanging([(f"as {name} grows", told) for name, told in turning(x, of)], width)


def lines(parts: list[Part], x: Difference, of: Differences, width: int) -> Iterator[str]:
    """A part's name and number, and below it its closed form."""
    names = [f"{part.name}{change(part)}" for part in parts]
    numbers = [signed(number(part.expr, of.batch), x.named.unit) for part in parts]
    column, right = max(map(len, names)), max(map(len, numbers))
    for part, name, told in zip(parts, names, numbers, strict=True):
        yield f"    {name.ljust(column)}  {told.rjust(right)}\n"
        if part.formula is not None or part.expr.free_symbols:
            yield folded([("", form(part, x.named.unit))], width, "   ")


def change(part: Part) -> str:
    """What it was and is."""
    return f" {part.before} -> {part.after}" if part.before or part.after else ""


def form(part: Part, unit: str) -> str:
    """A structural part in the vocabulary where it is short; else in B, n and c."""
    if part.formula is not None:
        told = text(part.formula)
        if len(told) <= SHORT or (told := formula(part.formula, LONGEST)) != TOO_LONG:
            return told
    return polynomial(part.expr, unit)


def polynomial(expr: Expr, unit: str) -> str:
    """A sum over B, n and c with its coefficients as numbers."""
    terms = sorted(merged(Add.make_args(expr)), key=lambda x: rank(x.as_coeff_Mul()[1]))
    told = " ".join(coefficient(term, unit) for term in terms).removeprefix("+ ") or "0"
    return told if len(told) <= LONGEST else TOO_LONG


def coefficient(term: Expr, unit: str) -> str:
    """A term, its sign apart."""
    of, basis = term.as_coeff_Mul()
    told = iec(abs(of)) if unit == "byte" else si(abs(of))
    return f"{'-' if of < 0 else '+'} {told}{'' if basis == 1 else f' · {text(basis)}'}"


def signed(x: Number, unit: str) -> str:
    """A number with its sign."""
    return f"{'-' if x < 0 else '+'}{measure(abs(x), unit)}" if x else measure(x, unit)


def turning(x: Difference, of: Differences) -> Iterator[tuple[str, str]]:
    """Where the sign changes, in each of c, n and B that the difference has; the other two are as asked."""
    for symbol, found in x.flips.items():
        if x.expr.has(symbol):
            yield str(symbol), turns(symbol, found, of)


def turns(x: Symbol, found: Signs, of: Differences) -> str:
    """Which model takes more, and from where on the other."""
    told = f"{who(found.first, of)}{'' if found.flips else ' throughout'}"
    for at, sign in found.flips[:MOST]:
        told += f"; {who(sign, of)} from {x} = {at:,}"
    told += "; and so on" if len(found.flips) > MOST else ""
    return told if found.solved else f"{told} (bracketed)"


def who(sign: int, of: Differences) -> str:
    """The model that takes more."""
    return {1: f"{of.other.name} more", -1: f"{of.one.name} more", 0: "alike"}[sign]
