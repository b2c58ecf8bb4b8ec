"""Conventions as text: the formulas, the numbers, how they were obtained; and the ways of counting a quoted number."""

from collections.abc import Mapping
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.arithmetic import over
from symroof.analysis.conventions import OURS, Conventions, Counted
from symroof.analysis.match import Guess, Match
from symroof.cost.notation import text
from symroof.render.results.roofline import folded
from symroof.render.text_columns import aligned, hanging
from symroof.units import si, si_cell

HEADS = ("convention", "training", "to exact", "inference", "to exact", "")
BROKEN = "*"
INFERENCE = (
    "FLOP a token. Inference: the forward pass with logits at all positions, which is what a token of a prompt takes,"
    " and on average one that is decoded. The update of the weights is not counted."
)


def render(found: Conventions, width: int = 0) -> str:
    """Formulas, the table of numbers, symbols, sources; lines folded to `width`, 0 never folds."""
    title = f"{found.model} ({found.family}): FLOP a token in sequences of n = {found.sequence:,} tokens"
    rows = [HEADS, *(cells(x) for x in found.rows)]
    table = aligned(rows, right={1, 2, 3, 4})
    parts = (
        title,
        "Formulas\n" + formulas(found, width),
        table,
        "Symbols\n" + legend(found, width),
        "Sources\n" + sources(found, width),
        folded(notes(found), width),
    )
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def formulas(found: Conventions, width: int) -> str:
    """A line for each pass of each convention; ours as the forward pass by unit, and how training follows."""
    rows = []
    for x in found.rows:
        name = x.convention.name
        if name == OURS:
            rows += [(f"{name}, inference", text(x.convention.inference)), (f"{name}, training", training(x))]
        else:
            passes = (("training", x.convention.training), ("inference", x.convention.inference))
            rows += [(f"{name}, {which}", text(expr)) for which, expr in passes if expr is not None]
    return hanging(rows, width)


def training(x: Counted) -> str:
    """Training by the forward pass where it is a multiple of it."""
    times = over(x.training, x.inference)
    return f"{times} inference" if isinstance(times, int) else text(x.convention.training)


def cells(x: Counted) -> tuple[str, ...]:
    """The line of a convention; a dash where there is no number."""
    numbers = ((x.training, x.training_ratio), (x.inference, x.inference_ratio))
    shown = [y for value, ratio in numbers for y in (("-  ", "-") if value is None else (si_cell(value), close(ratio)))]
    return (x.convention.name, *shown, BROKEN if x.broken else "")


def close(ratio: Any) -> str:
    """A ratio with as many digits as tell it from 1."""
    return "1" if ratio == 1 else f"{float(ratio):.4f}"


def legend(found: Conventions, width: int) -> str:
    """What the counts of the model are, in formula and number, and its sizes."""
    rows = [
        (str(x), f"= {text(y)} = {found.values[x]:,}: {s.entry(str(x)).meaning}") for x, y in found.definitions.items()
    ]
    used = set().union(*(y.free_symbols for y in found.definitions.values()))
    for x in found.rows:
        used |= set().union(*(y.free_symbols for y in (x.convention.training, x.convention.inference) if y is not None))
    sizes = [f"{x} {found.sizes[x]:,}" for x in sorted(used, key=str) if x in found.sizes]
    return hanging([*rows, ("sizes", ", ".join(sizes))], width)


def sources(found: Conventions, width: int) -> str:
    """Where each convention is from, what it counts, and what of its assumptions does not hold."""
    rows = []
    for x in found.rows:
        told = f"{x.convention.source}; {x.convention.note}"
        wrong = f". Takes for granted what is not so here: {'; '.join(x.broken)}" if x.broken else ""
        rows.append((x.convention.name + (f" {BROKEN}" if x.broken else ""), told + wrong))
    return hanging(rows, width)


def notes(found: Conventions) -> list[str]:
    """What the columns are."""
    marked = f"{BROKEN}: the source takes for granted what is not so for this model; the number is its formula's."
    return [
        INFERENCE,
        *([marked] if any(x.broken for x in found.rows) else []),
        "Rules: " + ", ".join(found.rules) + ".",
    ]


def render_match(found: Match, width: int = 0) -> str:
    """The nearest way of counting with its formula and parts, then the others."""
    quoted, best = found.quoted, found.guesses[0]
    what = f"{quoted.written} {quoted.counts}"
    title = f"{found.model} ({found.family}): what counts {what}? n = {found.sequence:,} tokens a sequence"
    equal = [
        f"{quoted.quantity} = {text(best.formula)}",
        f"  = {exactly(best.value)}",
        f"  = {quoted.ratio(best.value):.6f} of {quoted.written}",
    ]
    parts = "where\n" + parts_of(best, found.parts, found.values, width)
    blocks = (
        folded([title], width),
        folded(equal, width),
        parts,
        verdict(found, width),
        table(found, width),
        folded(tried(found), width),
    )
    return "\n\n".join(x.rstrip("\n") for x in blocks) + "\n"


def tried(found: Match) -> list[str]:
    """What was tried, and what a line does not say."""
    usual = "; ".join(f"{title} {name}" for title, name in found.usual.items())
    silent = f" What a line does not name is as usual: {usual}." if usual else ""
    return [f"Different numbers of all combinations: {found.tried:,}.{silent}"]


def exactly(value: Any) -> str:
    """A number in full where it is whole."""
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,.2f}"


def parts_of(x: Guess, parts: Mapping[Symbol, Expr], values: Mapping[Symbol, Any], width: int) -> str:
    """The parts of a way of counting: formulas and numbers."""
    rows = [(str(y), f"= {text(parts[y])} = {exactly(values[y])}") for y in parts if y in x.formula.free_symbols]
    return hanging(rows, width)


def verdict(found: Match, width: int) -> str:
    """How many ways agree with the digits that were quoted."""
    n = found.agreeing
    told = {
        0: "No way of counting gives the digits quoted; the nearest are listed.",
        1: "One way of counting gives the digits quoted, the first; the others are the nearest.",
    }
    many = f"{n} ways of counting give the digits quoted, and stand first, the usual ones ahead; then the nearest."
    return folded([told.get(n, many)], width)


def table(found: Match, width: int) -> str:
    """The ways of counting, a line each: its ratio to the number quoted, its own, and its choices."""
    rows = [(f"{found.quoted.ratio(x.value):.4f}  {si(x.value):>9}", told(x, found.usual)) for x in found.guesses]
    return hanging([("ratio      number", "counted"), *rows], width)


def told(x: Guess, usual: Mapping[str, str]) -> str:
    """A convention by name; else whatever was chosen that is not the first on its axis."""
    if "convention" in x.choices:
        return f"{x.choices['convention']}, {x.choices['pass']}"
    named = [f"{title} {name}" for title, name in x.choices.items() if usual.get(title, name) != name]
    return "; ".join(named) or "all as usual"
