"""Elasticities as text: the closed form, what it comes to, and what it hangs on, the most first."""

from collections.abc import Iterator
from textwrap import wrap

from symroof import symbols as s
from symroof.analysis.sensitivity import Knob, Knobs
from symroof.cost.rule_names import RULEBOOK
from symroof.render.long_sums import folded, formula, measure, paragraph
from symroof.render.text_columns import aligned
from symroof.units import duration, si

SMALL = 0.0005  # elasticities below it are 0.000 in the table
HEAD = ("Symbol", "Value", "Elasticity", "+1 %", "Meaning")


def render(found: Knobs, width: int = 0) -> str:
    """All of it, folded to `width`; 0 never folds."""
    shown = [x for x in found.knobs if abs(x.elasticity) >= SMALL]
    rows = [(name, formula(expr)) for name, expr in found.parts.items()]
    told = f"{found.title}\n{folded([*rows, *values(found)], width)}"
    return (
        "\n".join([paragraph(title(found), width) + "\n", told, table(found, shown, width), notes(found, width)]) + "\n"
    )


def title(found: Knobs) -> str:
    """The model, the machine, the batch."""
    B, n, c = (found.point.values[x] for x in (s.B, s.n, s.c))
    on = f" on {found.platform.machine.label}" if found.platform else ""
    noun = "query" if B == 1 else "queries"
    return f"{found.model.name} ({found.model.family}){on}: {B:,} {noun}: {B:,} x ({n:,} new, {c:,} cached)"


def values(found: Knobs) -> Iterator[tuple[str, str]]:
    """What the quantity comes to, and what the formula does where that is another number."""
    value, other = (measure(x, found.unit) for x in (found.value, found.on_branch))
    yield "=", value
    if other != value:
        yield "", f"{other} by the formula, where floors follow their trend"


def table(found: Knobs, shown: list[Knob], width: int) -> str:
    """The knobs, one a line; meanings hang on where a line does not hold them."""
    rows = [HEAD[:-1], *(cells(x, found.unit) for x in shown)]
    lines = aligned(rows, right={1, 2, 3}).splitlines()
    column = max(map(len, lines), default=0) + 2
    meanings = [HEAD[-1], *(x.meaning for x in shown)]
    return "".join(map(hung, lines, meanings, [column] * len(lines), [width] * len(lines)))


def hung(line: str, meaning: str, column: int, width: int) -> str:
    """A line with a text behind it, folded."""
    room = width - column
    folded = wrap(meaning, room, break_long_words=False) if room > 15 else [meaning]
    return line.ljust(column) + ("\n" + " " * column).join(folded) + "\n"


def cells(x: Knob, unit: str) -> tuple[str, str, str, str]:
    """A knob's symbol, value, elasticity and effect."""
    sign = "-" if x.effect < 0 else "+"
    return str(x.symbol), value(x), f"{float(x.elasticity):+.3f}", f"{sign}{measure(abs(x.effect), unit)}"


def value(x: Knob) -> str:
    """A symbol's number, with its unit where it is a machine's."""
    entry = s.entry(str(x.symbol))
    if entry.group == "width":
        return f"{float(x.value):g} B"
    if entry.unit == "s":
        return duration(x.value)
    return f"{si(x.value)}{entry.unit.replace('byte', 'B')}" if entry.unit else f"{x.value:,}"


def notes(found: Knobs, width: int) -> str:
    """How it was obtained."""
    return "\n".join(paragraph(x, width) for x in remarks(found))


def remarks(found: Knobs) -> Iterator[str]:
    """The notes, one by one."""
    y = "time" if found.platform else "y"
    yield (
        f"Elasticity: d log {y} / d log x, from exact derivatives of the closed form at this point, each symbol varied "
        "by itself; +1 %: what one percent more adds, to first order."
    )
    if found.bounds:
        computing, moving = (len(found.bounds[x]) for x in ("compute", "memory"))
        yield (
            "Each operator's max(compute, memory) is on its branch here: "
            f"{moving} bound by memory, {computing} by compute{listed(found.bounds['compute'])}."
        )
    if found.bent:
        yield "Other min, max and floor are on their branches here, a floor by its trend."
    if without := [str(x.symbol) for x in found.knobs if abs(x.elasticity) < SMALL]:
        yield f"Below {SMALL}: {', '.join(without)}."
    yield "Rules: " + "; ".join(f"{name}: {RULEBOOK[name].meaning}" for name in found.rules) + "."


def listed(paths: tuple[str, ...], most: int = 6) -> str:
    """Some paths in brackets."""
    if not paths:
        return ""
    more = f", {len(paths) - most} more" if len(paths) > most else ""
    return f" ({', '.join(paths[:most])}{more})"
