"""Limits as text: leading terms, formula and number, and where attention passes the feed-forward networks."""

from symroof import symbols as s
from symroof.analysis.limits import Limit, Limits, Passing, Row
from symroof.cost.rule_names import RULEBOOK
from symroof.render.long_sums import TOO_LONG, folded, formula, measure, paragraph

QUOTIENTS = {"intensity": "FLOP / bytes", "cache share": "cache read and written / bytes"}
LONGEST = 400  # characters of a formula that is still printed


def render(found: Limits, width: int = 0) -> str:
    """All of it, folded to `width`; 0 never folds."""
    on = f" on {found.platform.machine.label}" if found.platform else ""
    B, n, c = (found.point.values[x] for x in (s.B, s.n, s.c))
    head = paragraph(f"{found.model.name} ({found.model.family}){on}: limits of a step", width) + "\n"
    parts = [head, *(section(x, width) for x in found.limits)]
    if found.passings:
        parts.append("where attention passes the feed-forward networks\n" + folded(passed(found.passings), width))
    told = [
        f"Numbers: the coefficient of the leading term at B = {B:,}, n = {n:,}, c = {c:,} where they are held; what "
        "is left out is smaller by a factor of what grows. A floor of it is followed by its trend.",
        "Rules: " + "; ".join(f"{name}: {RULEBOOK[name].meaning}" for name in found.rules) + ".",
    ]
    return "\n".join([*parts, *(paragraph(x, width) for x in told)]) + "\n"


def section(found: Limit, width: int) -> str:
    """A limit: each quantity's leading term and its number."""
    rows = []
    for row in found.rows:
        rows += [(row.name, form(row)), ("", f"= {number(row)}")] if row.leading else [(row.name, "-")]
    return f"{found.title} ({found.symbol} -> oo)\n{folded(rows, width)}"


def form(row: Row) -> str:
    """The leading term."""
    assert row.leading is not None
    told = formula(row.leading.expr, LONGEST)
    return QUOTIENTS[row.name] if told == TOO_LONG and row.name in QUOTIENTS else told


def number(row: Row) -> str:
    """The leading term with its coefficient as a number."""
    found = row.leading
    assert found is not None
    told = (
        measure(found.number, row.unit)
        if row.unit in ("FLOP", "byte", "s")
        else f"{float(found.number):.4g} {row.unit}"
    )
    return told.rstrip() + grows(found.symbol, found.power)


def grows(x: object, power: int) -> str:
    """The power of what grows."""
    if power == 0:
        return ""
    return (
        f" · {x}" if power == 1 else f" · {x}^{power}" if power > 0 else f" / {x}{'' if power == -1 else f'^{-power}'}"
    )


def passed(found: tuple[Passing, ...]) -> list[tuple[str, str]]:
    """Each passing: the closed form of where it is, and the number."""
    rows = []
    for x in found:
        name = f"in {x.name.rpartition(' ')[2]}, {x.told}"
        if x.value is None:
            rows.append((name, "never"))
        elif x.value == (0 if x.symbol == s.c else 1):
            rows.append((name, f"always: from {x.symbol} = {x.value}"))
        elif x.solution is None:
            rows.append((name, f"{x.symbol} = {x.value:,} (the first that does{'' if x.solved else ', bracketed'})"))
        else:
            told = f"{x.symbol} = {formula(x.solution, LONGEST)}"
            rows += [(name, told), ("", f"= {x.value:,} (the first that does)")]
    return rows
