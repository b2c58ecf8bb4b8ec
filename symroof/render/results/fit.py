"""What fits as text: the numbers with the formulas they solve, what of memory is kept for what, notes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sympy import Symbol

from symroof.cost.notation import text
from symroof.hardware.machines import Machine
from symroof.performance.fit import EACH, Answer, Fit
from symroof.render.report import lines
from symroof.render.results.roofline import folded
from symroof.render.text_columns import aligned, fitting
from symroof.units import iec, iec_cell, percent

COLUMNS = ("Machine", "Batch", "Context", "Weights", "Cache", "Activations", "Left", "of")
SPARED = ("Activations", "Weights")  # where a line is too long, in this order
STEPS = (
    "Steps: decode, one new token a query, which its context counts. What fits does so on the whole way to that"
    " context. A prompt computed at once has more activations; chunks keep them small."
)
SHARED = "Several machines hold all parts evenly, and none twice (ideal tensor parallelism)."
MEMORY = "Memory: all of it; what a driver, a runtime and fragmentation take is not taken off."


def render(found: Fit, width: int = 0) -> str:
    """All of it, lines folded to `width`; 0 never folds."""
    title = f"{found.report.model} ({found.report.family}) on {found.machine.label}"
    cache = f"A query of c cached tokens keeps after the step: cache = {text(found.kept.cache_formula)}"
    return joined([title, *(block(x, width) for x in found.answers), folded([cache], width), notes([found], width)])


def joined(parts: Sequence[str]) -> str:
    """Parts with an empty line between them."""
    return "\n\n".join(part.rstrip("\n") for part in parts if part) + "\n"


def block(x: Answer, width: int) -> str:
    """An answer, its formula with names and with numbers, and the parts of memory."""
    return f"{question(x)}: {solution(x)}\n{folded(equations(x), width)}\n\n{parts(x)}"


def question(x: Answer) -> str:
    """What was solved for."""
    return {
        "batch_size": f"Largest batch with a context of {tokens(x.context)}",
        "context": f"Longest context of {'each of ' * (x.batch_size > 1)}{queries(x.batch_size)}",
        "machines": f"Machines for {queries(x.batch_size)} with a context of {tokens(x.context)}",
    }[x.solved]


def solution(x: Answer) -> str:
    """The number that was solved for."""
    machines = f"{x.machine.count:,} x {x.machine.name}"
    return {"batch_size": queries(x.batch_size), "context": tokens(x.context), "machines": machines}[x.solved]


def queries(n: int) -> str:
    """So many queries."""
    return "1 query" if n == 1 else f"{n:,} queries"


def tokens(n: int | None) -> str:
    """So many tokens, or any number."""
    return "any" if n is None else "1 token" if n == 1 else f"{n:,} tokens"


def equations(x: Answer) -> list[str]:
    """The formula that was solved, in names and in numbers; or what holds up to the answer."""
    formula = text(x.formula)
    if x.number is None:
        kept = x.need.cache + x.need.activations
        return [
            f"  {formula} at every context"
            + (
                f": what queries keep stops growing at {iec(kept)}"
                if x.context is None
                else " up to it, and not beyond"
            )
        ]
    sets = x.machine.count // x.number if x.solved == "machines" else 1
    left = {"batch_size": "B", "context": "c + 1"}.get(x.solved, "machines" + f"/{sets}" * (sets > 1))
    line = ["  where a query's cache + activations = fixed + each c"] if EACH in x.values else []
    return [f"  {left} = {formula}", f"  {' ' * len(left)} = {filled(formula, x.values)} = {x.number:,}", *line]


def filled(formula: str, values: Mapping[Symbol, Any]) -> str:
    """A formula's text with numbers for its names: bytes, but for the batch."""
    shown = {str(x): f"{value:,}" if str(x) == "B" else iec(value) for x, value in values.items()}
    return re.sub(r"[A-Za-z]+", lambda word: shown.get(word[0], word[0]), formula)


def parts(x: Answer) -> str:
    """What memory is kept for, and what is left of it."""
    need, all_of_it = x.need, x.machine.memory
    when = f"most at {tokens(x.at)}" if x.at and x.at != x.context else ""
    rows = [
        ("weights", need.weights, ""),
        ("cache", need.cache, when),
        ("activations", need.activations, x.operator),
        ("left", x.left, ""),
        ("memory", all_of_it, ""),
    ]
    cells = [(name, iec_cell(y), percent(y / all_of_it), more) for name, y, more in rows]
    return aligned(cells, right={1, 2}, indent="  ")


def side_by_side(found: Sequence[Fit], refused: Sequence[str] = (), width: int = 0) -> str:
    """Machines with what fits each, a table for each question; then those that nothing fits."""
    report = found[0].report
    tables = [table(same, width) for same in zip(*(x.answers for x in found), strict=True)]
    told = [folded([line], width) for line in refused]
    return joined([f"{report.model} ({report.family})", *tables, *told, notes(found, width)])


def table(answers: Sequence[Answer], width: int) -> str:
    """The answers to one question, a line a machine."""
    rows = [COLUMNS, *map(cells, answers)]
    columns, _ = fitting(rows, SPARED, frozenset(COLUMNS[1:]), width)
    return f"{question(answers[0])}\n\n{columns}"


def cells(x: Answer) -> tuple[str, ...]:
    """The line of a machine."""
    context = "any" if x.context is None else f"{x.context:,}"
    sizes = (x.need.weights, x.need.cache, x.need.activations, x.left, x.machine.memory)
    return (x.machine.label, f"{x.batch_size:,}", context, *map(iec_cell, sizes))


def notes(found: Sequence[Fit], width: int) -> str:
    """What a step is, what the machines are, and what the report of one notes: parameters, rules, formats, config."""
    report = found[0].report
    warnings = dict.fromkeys(y for x in found for y in x.warnings if y not in report.warnings)
    shared = [SHARED] if any(y.machine.count > 1 for x in found for y in x.answers) else []
    told = [
        STEPS,
        MEMORY,
        machines([x.machine for x in found]),
        *shared,
        *lines.notes(report)[1:],
        *(f"Warning: {x}." for x in warnings),
    ]
    return folded([*filter(None, told)], width)


def machines(found: Sequence[Machine]) -> str:
    """How well built-in machines are known; empty where there are none."""
    named = ", ".join(f"{x.label} (confidence {x.confidence})" for x in found if x.confidence)
    return named and f"Machines: {named}; sources: symroof machines --json."
