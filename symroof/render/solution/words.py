"""Where a comparison holds, in words: the answer, all ranges of numbers, crossings between whole numbers."""

from collections.abc import Iterator
from typing import Any

from sympy import Expr

from symroof import symbols as s
from symroof.algebra.rootfinding.signs import Run
from symroof.cost.notation import formula_text
from symroof.solving.solution import Solution
from symroof.units import si

MOST_RANGES = 8  # ranges and crossings that are listed
LONGEST = 30  # characters of the longest closed form of a number that is printed


def answer_lines(solution: Solution) -> Iterator[str]:
    """The answer, and what is left out or has no value."""
    x, answer, ranges = solution.unknown, solution.answer, solution.undefined[:MOST_RANGES]
    yield answer_text(solution)
    yield from (f"{x}." for x in solution.shares)
    if not solution.complete:
        yield "There are more: only the first ones were searched for."
    if ranges:
        yield f"It has no value for {x} = {', '.join(range_text(y, solution) for y in ranges)}."
    if s.group(x) == "size" and solution.answer_run and isinstance(answer, int) and solution.allowed != answer:
        near = "none near it" if solution.allowed is None else f"the nearest is {solution.allowed:,}"
        yield f"No model of this structure has {x} = {answer:,}: {near}."


def answer_text(solution: Solution) -> str:
    """Where the comparison holds."""
    x, kind = solution.unknown, solution.answer_is
    if not solution.depends:
        return f"{x} is not in it: it holds for {'every' if solution.holds else 'no'} {x}"
    if kind == "none":
        return f"no {x} {domain_text(solution)}: it never holds"
    if kind == "any":
        return f"every {x} {domain_text(solution)}: it always holds"
    if kind == "one of several":
        return f"several: {ranges_text(solution)}"
    return crossing_text(solution) if solution.crosses else single_answer(solution)


def domain_text(solution: Solution) -> str:
    """The numbers that were considered: `from 1 to 1,000,000`."""
    first, last = (unknown_number(x, solution) for x in solution.domain)
    return f"from {first} to {last}" if solution.whole else f"between {first} and {last}"


def crossing_text(solution: Solution) -> str:
    """An equation that is solved between two whole numbers."""
    x, (crossing,) = solution.unknown, solution.crosses
    between = f"between {crossing.below:,} and {crossing.above:,}"
    if crossing.at is None:
        return f"no {x}: one side jumps past the other {between}"
    exact = closed_form(crossing.exact)
    return f"{x} = {f'{exact} = ' if exact else ''}{crossing.at:,.10g}, {between}: not a whole number"


def single_answer(solution: Solution) -> str:
    """The number solved for, and where the comparison holds."""
    x, kind, ranges = solution.unknown, solution.answer_is, solution.holds
    number = unknown_number(solution.exact_answer, solution)
    if kind == "only":
        exact = "" if solution.whole else closed_form(solution.exact_answer)
        suffix = ", exactly" if solution.exact and solution.whole else ""
        return f"{x} = {f'{exact} = ' if exact else ''}{number}{suffix}"
    where = f"for {ranges_text(solution)}" if len(ranges) > 1 else f"from {range_text(ranges[0], solution)}"
    return f"{x} = {number}, the {kind}: it holds {where}"


def closed_form(x: Any) -> str:
    """A real solution in closed form; empty where it is long or has none."""
    text = formula_text(x) if isinstance(x, Expr) and not x.is_Integer else ""
    return text if len(text) <= LONGEST and "rootof" not in text.lower() else ""


def ranges_text(solution: Solution) -> str:
    """Where it holds: ranges and crossings."""
    holds, crosses = solution.holds, solution.crosses
    texts = [range_text(x, solution) for x in holds[:MOST_RANGES]]
    texts += [f"{x.at:,.10g}" if x.at is not None else f"a jump at {x.above:,}" for x in crosses[:MOST_RANGES]]
    more = len(holds) + len(crosses) - len(texts)
    return "; ".join(texts) + (f"; {more} more" if more > 0 else "")


def range_text(run: Run, solution: Solution) -> str:
    """A range of numbers: `5`, `5 to 9`, `5 on`."""
    first, last = (unknown_number(x, solution) for x in (run.first, run.last))
    if run.first == run.last:
        return first
    return f"{first} on" if run.last == solution.domain[1] and solution.whole else f"{first} to {last}"


def unknown_number(x: Any, solution: Solution) -> str:
    """A value of the unknown, with its unit where it has one."""
    if solution.whole:
        return f"{x:,}" if abs(x) < 10**15 else f"{float(x):.0e}".replace("+", "")
    entry = s.entry(str(solution.unknown))
    if not entry.unit or not 1 <= abs(float(x)) < 10**20:
        return f"{float(x):.6g}" + (f" {entry.unit}" if entry.unit and float(x) else "")
    return f"{si(x)}{entry.unit}".replace("byte", "B")
