"""Both sides of a comparison at the answer and next to it, to enough digits to compare."""

from math import isfinite
from typing import Any

from symroof.algebra.multiprecision import scientific, to_mpf
from symroof.cost.notation import formula_text
from symroof.render.solution.words import unknown_number
from symroof.render.text_columns import align_columns
from symroof.solving.solution import Check, Solution
from symroof.units import BYTE, JOULE, SECOND

LONGEST_HEAD = 30  # characters of a column's head


def checks_table(solution: Solution) -> str:
    """One row per number: the number, the left side, a sign, the right side; empty where no side has a value."""
    rows = [check_cells(x, solution) for x in solution.checks if x.left is not None and x.right is not None]
    left, right = (column_head(formula_text(x.shown)) for x in (solution.left, solution.right))
    heads = (str(solution.unknown), left, "", right)
    return align_columns([heads, *rows], right={0, 1, 3}, indent="  ") if rows else ""


def check_cells(x: Check, solution: Solution) -> tuple[str, ...]:
    """The cells of one number."""
    sign = "<=>"[x.order + 1]
    return (unknown_number(x.at, solution), amount_text(x.left, solution), sign, amount_text(x.right, solution))


def column_head(formula: str) -> str:
    """A side as the head of a column, cut where it is long."""
    return formula if len(formula) <= LONGEST_HEAD else formula[: LONGEST_HEAD - 3] + "..."


def amount_text(x: Any, solution: Solution) -> str:
    """A side's number with its unit, to enough digits to compare."""
    if solution.unit == SECOND:
        return seconds_text(x)
    number = f"{x:,}" if isinstance(x, int) and abs(x) < 10**20 else to_digits(x, 10)
    return f"{number} B" if solution.unit == BYTE else f"{number} J" if solution.unit == JOULE else number


def seconds_text(x: Any) -> str:
    """Seconds to seven digits."""
    for unit, scale in (("s", 1), ("ms", 10**3), ("us", 10**6)):
        if abs(x) * scale >= 1:
            return f"{to_digits(x * scale, 7)} {unit}"
    return f"{to_digits(x * 10**9, 7)} ns"


def to_digits(x: Any, most: int) -> str:
    """A number of any size to so many digits."""
    if isinstance(x, int) and abs(x) < 10**most:
        return f"{x:,}"
    size = float(to_mpf(x))
    return f"{size:,.{most}g}" if isfinite(size) else scientific(x, 4)
