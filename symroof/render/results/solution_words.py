"""Where a comparison holds, in words: the number asked for, all runs of numbers, crossings between whole ones."""

from collections.abc import Iterator
from typing import Any

from sympy import Expr

from symroof import symbols as s
from symroof.algebra.rootfinding.signs import Run
from symroof.cost.notation import text
from symroof.solving.solution import Solution
from symroof.units import si

MOST_RUNS = 8  # places that are still listed
SHORT = 30  # characters of a number in closed form that is still printed


def answer(found: Solution) -> Iterator[str]:
    """Where it holds."""
    x, kind = found.unknown, found.answer_is
    first, last = (plain(y, found) for y in found.domain)
    looked = f"from {first} to {last}" if found.whole else f"between {first} and {last}"
    if not found.depends:
        yield f"{x} is not in it: it holds for {'every' if found.holds else 'no'} {x}"
    elif kind == "none":
        yield f"no {x} {looked}: it never holds"
    elif kind == "any":
        yield f"every {x} {looked}: it always holds"
    elif kind == "one of several":
        yield f"several: {places(found)}"
    elif found.crosses:
        yield crossed(found)
    else:
        yield held(found)
    if not found.complete:
        yield "There are more: only the first ones were looked for."
    if found.undefined:
        yield f"It has no value for {x} = {', '.join(span(run, found) for run in found.undefined[:MOST_RUNS])}."
    if s.group(x) == "size" and isinstance(found.answer, int) and found.allowed != found.answer:
        near = "none near it" if found.allowed is None else f"the nearest is {found.allowed:,}"
        yield f"No model of this structure has {x} = {found.answer:,}: {near}."


def crossed(found: Solution) -> str:
    """An equation that is solved between two whole numbers."""
    (x,) = found.crosses
    if x.at is None:
        return f"no {found.unknown}: one side jumps past the other between {x.below:,} and {x.above:,}"
    exact = f"{surd(x.exact)} = " if surd(x.exact) else ""
    return f"{found.unknown} = {exact}{x.at:,.10g}, between {x.below:,} and {x.above:,}: no whole number"


def held(found: Solution) -> str:
    """The one number asked for."""
    x, kind, run = found.unknown, found.answer_is, found.holds[0]
    number = plain(found.answer, found)
    if kind == "only":
        exact = "" if found.whole or not surd(found.answer) else f"{surd(found.answer)} = "
        return f"{x} = {exact}{number}" + (", exactly" if found.exact and found.whole else "")
    several = len(found.holds) > 1
    where = f"it holds for {places(found)}" if several else f"it holds from {span(run, found)}"
    return f"{x} = {number}, the {kind}: {where}"


def surd(x: Any) -> str:
    """A real solution in closed form, where it is short."""
    told = text(x) if isinstance(x, Expr) and not x.is_Integer else ""
    return told if len(told) <= SHORT and "rootof" not in told.lower() else ""


def places(found: Solution) -> str:
    """Where it holds, by runs and crossings."""
    told = [span(run, found) for run in found.holds[:MOST_RUNS]]
    told += [f"{x.at:,.10g}" if x.at is not None else f"a jump at {x.above:,}" for x in found.crosses[:MOST_RUNS]]
    more = len(found.holds) + len(found.crosses) - len(told)
    return "; ".join(told) + (f"; {more} more" if more > 0 else "")


def span(run: Run, found: Solution) -> str:
    """A run of numbers."""
    first, last = (plain(x, found) for x in (run.first, run.last))
    if run.first == run.last:
        return first
    return f"{first} on" if run.last == found.domain[1] and found.whole else f"{first} to {last}"


def plain(x: Any, found: Solution) -> str:
    """A number of the unknown."""
    if found.whole:
        return f"{x:,}" if abs(x) < 10**15 else f"{float(x):.0e}".replace("+", "")
    entry = s.entry(str(found.unknown))
    if not entry.unit or not 1 <= abs(float(x)) < 10**20:
        return f"{float(x):.6g}" + (f" {entry.unit}" if entry.unit and float(x) else "")
    return f"{si(x)}{entry.unit}".replace("byte", "B")
