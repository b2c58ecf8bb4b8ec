"""Elasticities as text: the closed form, its value, and the symbols it depends on, the largest elasticity first."""

from collections.abc import Iterator, Sequence

from symroof import symbols as s
from symroof.analysis.sensitivity import Knob, Knobs
from symroof.render.long_sums import FormulaRow, form_rows, readable, with_unit, wrap_formulas
from symroof.render.phrases import rules_note, uniform_batch, warning_notes
from symroof.render.text_columns import align_columns, hanging_text, wrap_line, wrap_lines
from symroof.units import duration, si

SMALL = 0.0005  # elasticities below it would be printed as 0.000
HEADS = ("Symbol", "Value", "Elasticity", "+1 %")
MOST_PATHS = 6  # operators that are named


def knobs_text(knobs: Knobs, width: int = 0, full: bool = False) -> str:
    """Formula, table and notes, wrapped at `width`; 0 never wraps notes. `full`: no sum in a formula is named."""
    title = wrap_line(knobs_title(knobs), width) + "\n"
    formulas = (row for name, expr in knobs.parts.items() for row in form_rows(name, readable(expr, full)))
    quantity = f"{knobs.title}\n{wrap_formulas([*formulas, *value_rows(knobs)], width)}"
    table = knobs_table([x for x in knobs.knobs if abs(x.elasticity) >= SMALL], knobs.unit, width)
    return "\n".join([title, quantity, table, wrap_lines(knobs_notes(knobs), width)]) + "\n"


def knobs_title(knobs: Knobs) -> str:
    """The model, the machine, the batch."""
    batch = uniform_batch(*(knobs.point.values[x] for x in (s.B, s.n, s.c)))
    on = f" on {knobs.platform.machine.label}" if knobs.platform else ""
    return f"{knobs.model.name} ({knobs.model.family}){on}: {batch}"


def value_rows(knobs: Knobs) -> Iterator[FormulaRow]:
    """The quantity's value, and that of the formula where it is another."""
    value, on_branch = (with_unit(x, knobs.unit) for x in (knobs.value, knobs.on_branch))
    yield FormulaRow("=", value)
    if on_branch != value:
        yield FormulaRow("", f"{on_branch} by the formula, where floors follow their trend")


def knobs_table(knobs: Sequence[Knob], unit: str, width: int) -> str:
    """One row per symbol; meanings are wrapped where they do not fit."""
    lines = align_columns([HEADS, *(knob_cells(x, unit) for x in knobs)], right={1, 2, 3}).splitlines()
    column = max(map(len, lines)) + 2
    meanings = ["Meaning", *(x.meaning for x in knobs)]
    rows = zip(lines, meanings, strict=True)
    return "".join(hanging_text(line.ljust(column), meaning, width) for line, meaning in rows)


def knob_cells(x: Knob, unit: str) -> tuple[str, str, str, str]:
    """A symbol, its value, elasticity, and the effect of one percent more."""
    sign = "-" if x.effect < 0 else "+"
    return str(x.symbol), knob_value(x), f"{float(x.elasticity):+.3f}", f"{sign}{with_unit(abs(x.effect), unit)}"


def knob_value(x: Knob) -> str:
    """A symbol's number, with its unit where it has one."""
    entry = s.entry(str(x.symbol))
    if entry.group == "width":
        return f"{float(x.value):g} B"
    if entry.unit == "s":
        return duration(x.value)
    return f"{si(x.value)}{entry.unit.replace('byte', 'B')}" if entry.unit else f"{x.value:,}"


def knobs_notes(knobs: Knobs) -> Iterator[str]:
    """What an elasticity is, the branches of min, max and floor, symbols left out, counting rules."""
    y = "time" if knobs.platform else "y"
    yield (
        f"Elasticity: d log {y} / d log x, from exact derivatives of the closed form at this point, each symbol varied "
        "by itself; +1 %: what one percent more adds, to first order."
    )
    yield from branch_notes(knobs)
    if small := [str(x.symbol) for x in knobs.knobs if abs(x.elasticity) < SMALL]:
        yield f"Below {SMALL}: {', '.join(small)}."
    yield rules_note(knobs.rules)
    yield from warning_notes(knobs.model.warnings)


def branch_notes(knobs: Knobs) -> Iterator[str]:
    """The branch that each min, max and floor is on."""
    if knobs.bounds:
        compute, memory = knobs.bounds["compute"], knobs.bounds["memory"]
        yield (
            "Each operator's max(compute, memory) is on its branch here: "
            f"{len(memory)} bound by memory, {len(compute)} by compute{paths_in_brackets(compute)}."
        )
    if knobs.has_branches:
        yield "Other min, max and floor are on their branches here, a floor by its trend."


def paths_in_brackets(paths: Sequence[str]) -> str:
    """` (attention/qkv, mlp/down, 3 more)`; empty for none."""
    more = [f"{len(paths) - MOST_PATHS} more"] if len(paths) > MOST_PATHS else []
    return f" ({', '.join([*paths[:MOST_PATHS], *more])})" if paths else ""
