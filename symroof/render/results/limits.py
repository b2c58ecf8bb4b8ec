"""Limits as text: leading terms, formula and number, and where attention passes the feed-forward networks."""

from collections.abc import Iterable, Iterator

from symroof import symbols as s
from symroof.algebra.series import Leading
from symroof.analysis.limits import Limit, LimitRow, Limits, Passing
from symroof.render.long_sums import NOT_PRINTED, formula_by_factors, with_unit, wrap_formulas
from symroof.render.phrases import rules_note, warning_notes
from symroof.render.text_columns import wrap_line, wrap_lines

RATIOS = {"intensity": "FLOP / bytes", "cache share": "cache read and written / bytes"}
LONGEST = 400  # characters of the longest formula that is printed


def limits_text(limits: Limits, width: int = 0) -> str:
    """Limits, crossovers and notes, wrapped at `width`; 0 never wraps."""
    on = f" on {limits.platform.machine.label}" if limits.platform else ""
    title = wrap_line(f"{limits.model.name} ({limits.model.family}){on}: limits of a step", width)
    parts = [f"{title}\n", *(limit_text(x, width) for x in limits.limits)]
    if limits.passings:
        rows = wrap_formulas([*passing_rows(limits.passings)], width)
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


def limit_text(limit: Limit, width: int) -> str:
    """A limit: each quantity's leading term and its number."""
    rows = [x for row in limit.rows for x in limit_rows(row)]
    return f"{limit.title} ({limit.symbol} -> oo)\n{wrap_formulas(rows, width)}"


def limit_rows(row: LimitRow) -> Iterator[tuple[str, str]]:
    """A quantity's leading term as formula and as number; a dash where there is none."""
    if row.leading is None:
        yield row.name, "-"
        return
    formula = formula_by_factors(row.leading.expr, LONGEST)
    yield row.name, RATIOS.get(row.name, formula) if formula == NOT_PRINTED else formula
    yield "", f"= {leading_number(row.leading, row.unit)}"


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


def passing_rows(passings: Iterable[Passing]) -> Iterator[tuple[str, str]]:
    """Where attention costs more than the feed-forward networks: closed form and number."""
    for x in passings:
        first, *more = passing_texts(x)
        yield f"in {x.name.rpartition(' ')[2]}, {x.condition}", first
        yield from (("", text) for text in more)


def passing_texts(x: Passing) -> list[str]:
    """The number; after its closed form where there is one."""
    if x.value is None:
        return ["never"]
    if x.value == (0 if x.symbol == s.c else 1):
        return [f"always: from {x.symbol} = {x.value}"]
    if x.solution is None:
        return [f"{x.symbol} = {x.value:,} (smallest whole number{'' if x.solved else ', bracketed'})"]
    return [f"{x.symbol} = {formula_by_factors(x.solution, LONGEST)}", f"= {x.value:,} (smallest whole number)"]
