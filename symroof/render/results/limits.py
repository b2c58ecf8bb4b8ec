"""Limits as text: leading terms, formula and number, and where attention passes the feed-forward networks."""

from collections.abc import Iterator

from sympy import Symbol

from symroof import symbols as s
from symroof.algebra.named_sums import NamedForm
from symroof.algebra.series import Leading
from symroof.analysis.limits import Limit, LimitRow, Limits, Passing
from symroof.render.long_sums import (
    FormulaRow,
    form_rows,
    readable,
    readable_blocks,
    with_unit,
    wrap_formulas,
)
from symroof.render.phrases import rules_note, warning_notes
from symroof.render.text_columns import wrap_line, wrap_lines

QUOTIENTS = ("intensity", "cache share")  # of the rows above them


def limits_text(limits: Limits, width: int = 0, full: bool = False) -> str:
    """Limits, crossovers and notes, wrapped at `width`; 0 never wraps notes. `full`: no sum in a formula is named."""
    on = f" on {limits.platform.machine.label}" if limits.platform else ""
    title = wrap_line(f"{limits.model.name} ({limits.model.family}){on}: limits of a step", width)
    parts = [f"{title}\n", *(limit_text(x, width, full) for x in limits.limits)]
    if limits.passings:
        rows = wrap_formulas((row for x in limits.passings for row in passing_rows(x, full)), width)
        parts.append(f"where attention passes the feed-forward networks\n{rows}")
    return "\n".join([*parts, wrap_lines(limits_notes(limits), width)]) + "\n"


def limits_notes(limits: Limits) -> Iterator[str]:
    """What the numbers are, and the counting rules."""
    B, n, c = (limits.point.values[x] for x in (s.B, s.n, s.c))
    yield (
        f"Numbers: coefficients of the leading terms, with B = {B:,}, n = {n:,}, c = {c:,} but for the one that grows. "
        "What is left out grows more slowly, by at least one factor of it. A floor of it is replaced by its trend."
    )
    yield rules_note(limits.rules)
    yield from warning_notes(limits.model.warnings)


def limit_text(limit: Limit, width: int, full: bool) -> str:
    """A limit: each quantity's leading term and its number."""
    rows = [x for row in limit.rows for x in limit_rows(row, full)]
    return f"{limit.title} ({limit.symbol} -> oo)\n{wrap_formulas(rows, width)}"


def limit_rows(row: LimitRow, full: bool) -> Iterator[FormulaRow]:
    """A quantity's leading term as formula and as number; a dash where there is none."""
    if row.leading is None:
        yield FormulaRow(row.name, "-")
    else:
        number = leading_number(row.leading, row.unit)
        yield from form_rows(row.name, leading_form(row, row.leading, full), f"= {number}")


def leading_form(row: LimitRow, leading: Leading, full: bool) -> NamedForm:
    """A leading term; a quotient that is long in the names of the rows above it."""
    if row.name not in QUOTIENTS:
        return readable_blocks(row.parts, full=full)
    form = readable(leading.expr, full)
    if not form.where:
        return form
    if row.name == "intensity":
        return NamedForm(Symbol("FLOP") / Symbol("bytes"))
    above = readable_blocks(row.parts)
    return NamedForm(above.expr / Symbol("bytes"), above.where)


def leading_number(leading: Leading, unit: str) -> str:
    """The coefficient of a leading term with its unit, and the power of the symbol that grows."""
    has_prefix = unit in ("FLOP", "byte", "s")
    number = with_unit(leading.number, unit) if has_prefix else f"{float(leading.number):.4g} {unit}"
    return number.rstrip() + power_text(leading.symbol, leading.power)


def power_text(symbol: object, power: int) -> str:
    """` · c^2`, ` / c`; empty for a power of 0."""
    if power == 0:
        return ""
    if power > 0:
        return f" · {symbol}" if power == 1 else f" · {symbol}^{power}"
    return f" / {symbol}{'' if power == -1 else f'^{-power}'}"


def passing_rows(x: Passing, full: bool) -> Iterator[FormulaRow]:
    """Where attention costs more than the feed-forward networks: closed form and number."""
    name = f"in {x.name.rpartition(' ')[2]}, {x.condition}"
    if x.value is None:
        yield FormulaRow(name, "never")
    elif x.value == (0 if x.symbol == s.c else 1):
        yield FormulaRow(name, f"always: from {x.symbol} = {x.value}")
    elif x.root is None:
        yield FormulaRow(name, f"{x.symbol} = {x.value:,} (smallest whole number{'' if x.solved else ', bracketed'})")
    else:
        form = readable_blocks(x.root.parts, x.root.slope, full)
        formula, *rows = form_rows(name, form, f"= {x.value:,} (smallest whole number)")
        yield from [formula._replace(text=f"{x.symbol} = {formula.text}"), *rows]
