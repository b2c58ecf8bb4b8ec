"""Solutions as text: the equation in names and in numbers, where it holds, both sides there, how it was found."""

import re
from collections.abc import Iterator
from fractions import Fraction
from math import isfinite
from textwrap import wrap
from typing import Any

from sympy import Expr, Max, Min, Symbol, ceiling, floor

from symroof import symbols as s
from symroof.algebra.multiprecision import decimal
from symroof.algebra.points import Point, multiplied_out
from symroof.algebra.rootfinding.signs import BRACKETED, PIECES, ROOTS
from symroof.cost.notation import text
from symroof.cost.rule_names import RULEBOOK
from symroof.hardware.platform import Platform
from symroof.render.long_sums import folded, formula
from symroof.render.report import lines
from symroof.render.results.roofline import machine_notes
from symroof.render.results.solution_words import answer, plain
from symroof.render.text_columns import aligned
from symroof.solving.scope import Leaf
from symroof.solving.solution import Solution
from symroof.solving.terms import Term
from symroof.units import BYTE, JOULE, SECOND

LONGEST = 600  # characters of a formula in B, n and c, or of an equation, that is still printed
MOST_OPERATIONS = 300  # of such a formula
HOW = {
    PIECES: "inverted piece by piece, exactly",
    ROOTS: "roots of polynomials isolated, exactly",
    BRACKETED: "no polynomials: signs compared on a grid in steps of a tenth, each change bracketed",
}


def render(found: Solution, width: int = 0) -> str:
    """All of it, folded to `width`; 0 never folds."""
    named = list(quantities(found))
    parts = [
        wrapped(title(found), width),
        folded([*named, *equations(found)], width),
        "\n".join(wrapped(x, width) for x in answer(found)),
        checks(found),
        "\n".join(wrapped(x, width) for x in notes(found, named)),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def wrapped(line: str, width: int) -> str:
    """A line folded to `width`, what is indented stays so; 0 never folds."""
    indent = line[: len(line) - len(line.lstrip())]
    return "\n".join(wrap(line, width, subsequent_indent=indent, break_long_words=False)) if width else line


def title(found: Solution) -> str:
    """The model, the question, the unknown."""
    x = found.unknown
    batch = ", ".join(f"{y} = {value:,}" for y, value in found.scope.batch.items())
    held = ", ".join(f"{y} = {text(form)}" for y, form in found.scope.held.items() if str(y) != "k_hf")
    told = (
        f"{found.model.name} ({found.model.family}): {found.question}, for {x} ({s.entry(str(x)).meaning}) at {batch}"
    )
    return told + (f", with {held}" if held else "")


def quantities(found: Solution) -> Iterator[tuple[str, str]]:
    """What each name in the question stands for."""
    for leaf in found.leaves.values():
        yield f"{leaf.name} =", meaning(leaf, found)


def meaning(leaf: Leaf, found: Solution) -> str:
    """What a quantity is, as text: in B, n and c, or where that is long in sums over the batch."""
    if leaf.told:
        return leaf.told
    form = found.scope.form(leaf)
    if form is not None and form.count_ops() <= MOST_OPERATIONS and len(told := formula(form)) <= LONGEST:
        return told
    return formula(found.scope.in_sums(leaf))


def equations(found: Solution) -> Iterator[tuple[str, str]]:
    """The comparison in numbers, and the unknown in closed form."""
    both = found.left, found.right
    if all(sides := [numbers(x, found) for x in both]):
        yield "in numbers", f" {found.relation} ".join(sides)
    elif all(sides := [branch(x, found) for x in both]):
        yield f"at {found.unknown} = {plain(found.answer, found)}", f" {found.relation} ".join(sides)
    if found.solution is not None and len(told := text(found.solution)) <= LONGEST:
        yield f"{found.unknown} =", told


def numbers(x: Term, found: Solution) -> str:
    """A side in the unknown and numbers, what is given as it is written; empty where it is too long."""
    if x.number and not x.shown.free_symbols & {Symbol(name) for name in found.leaves}:
        return text(x.shown)
    told = [side(y) for y in (x.above, x.below) if y != 1]
    return " / ".join(told if len(told) == 1 else (f"({y})" for y in told)) if all(told) else ""


def side(expr: Expr) -> str:
    """A formula in numbers; empty where it is too long."""
    if expr.count_ops() > MOST_OPERATIONS:
        return ""
    plain = expr if expr.has(Max, Min, floor, ceiling) else multiplied_out(expr)
    told = text(rounded(plain))
    return told if len(told) <= LONGEST else ""


def rounded(expr: Expr) -> Expr:
    """The formula with its long numbers to four digits."""
    return expr.xreplace({x: x.evalf(4) for x in expr.atoms() if x.is_Number and len(str(x)) > 6})


def branch(x: Term, found: Solution) -> str:
    """A side on the branches of Min and Max that it is on at the answer; empty where it is long all the same."""
    if found.answer is None or x.above.has(floor, ceiling) or x.below != 1:
        return ""
    if x.number:
        return numbers(x, found)
    at = found.answer if isinstance(found.answer, int) else Fraction(float(found.answer))
    return side(Point({found.unknown: at}).branch(x.above))


def checks(found: Solution) -> str:
    """Both sides at the answer and beside it."""
    rows = []
    for x in found.checks:
        if x.left is None or x.right is None:
            continue
        sign = "=" if x.left == x.right else "<" if x.left < x.right else ">"
        rows.append((plain(x.at, found), amount(x.left, found), sign, amount(x.right, found)))
    heads = (str(found.unknown), *(shortened(text(x.shown)) for x in (found.left, found.right)))
    return aligned([(heads[0], heads[1], "", heads[2]), *rows], right={0, 1, 3}, indent="  ") if rows else ""


def shortened(told: str) -> str:
    """A side as the head of a column."""
    return told if len(told) <= 30 else told[:27] + "..."


def amount(x: Any, found: Solution) -> str:
    """A side's number with its unit, to enough digits to compare."""
    if found.unit == SECOND:
        return seconds(x)
    told = f"{x:,}" if isinstance(x, int) and abs(x) < 10**20 else digits(x, 10)
    return f"{told} B" if found.unit == BYTE else f"{told} J" if found.unit == JOULE else told


def seconds(x: Any) -> str:
    """Seconds to seven digits."""
    for unit, part in (("s", 1), ("ms", 10**3), ("us", 10**6)):
        if abs(x) * part >= 1:
            return f"{digits(x * part, 7)} {unit}"
    return f"{digits(x * 10**9, 7)} ns"


def digits(x: Any, most: int) -> str:
    """A number to so many digits, of any size."""
    if isinstance(x, int) and abs(x) < 10**most:
        return f"{x:,}"
    size = float(decimal(x))
    return f"{size:,.{most}g}" if isfinite(size) else f"{decimal(x):.3e}"


def notes(found: Solution, named: list[tuple[str, str]]) -> Iterator[str]:
    """How it was obtained, and with what."""
    scope, off = found.scope, 0 if found.exact else found.residual
    told = f"; the sides differ by {abs(off):.1e} of the right one at the answer" if off else ""
    yield f"How: {HOW[found.how]}{told}."
    if sums := summed(named):
        yield f"Sums over the queries: {'; '.join(f'{x} {s.entry(x).meaning}' for x in sums)}."
    for used in scope.platforms.values():
        yield from machine_notes(used, formats(found, used))
    yield f"Rules: {'; '.join(f'{name}: {RULEBOOK[name].meaning}' for name in scope.rules)}."
    routed = any(op.role == "routed_experts" for _, _, op in scope.rows)
    yield f"Precision: {lines.formats(scope.precision, routed)}."
    yield f"Config: {found.model.config.source}."


def summed(named: list[tuple[str, str]]) -> list[str]:
    """Sums over the batch in formulas that are printed."""
    printed = " ".join(told for _, told in named)
    return [
        name
        for name, e in s.VOCABULARY.items()
        if e.group == "batch" and name != "B" and re.search(rf"\b{name}\b", printed)
    ]


def formats(found: Solution, used: Platform) -> list[str]:
    """The formats that operators multiply in, where any were asked for the time that takes."""
    widths = {op.width for _, _, op in found.scope.rows if op.cost.matmul != 0}
    timed = any(leaf.name.startswith(("time(", "energy(")) for leaf in found.leaves.values())
    return sorted({name for x in widths for name in used.formats(x, found.scope.precision)}) if timed else []
