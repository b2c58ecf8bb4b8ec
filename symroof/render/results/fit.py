"""What fits as text: the numbers with the formulas they solve, the parts of memory, notes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sympy import Symbol

from symroof.cost.notation import formula_text
from symroof.performance.fit import EACH, Answer, Fit
from symroof.render.machine_notes import sources_note
from symroof.render.phrases import query_count, token_count
from symroof.render.report.lines import report_notes
from symroof.render.text_columns import align_columns, fit_columns, join_paragraphs, wrap_line, wrap_lines
from symroof.units import iec, iec_cell, percent

HEADS = ("Machine", "Batch", "Context", "Weights", "Cache", "Activations", "Left", "of")
OPTIONAL = ("Activations", "Weights")  # columns left out of a narrow table, in this order
STEPS = (
    "Steps: decode, one new token per query, counted in its context. What fits a context also fits every shorter one."
    " A prompt prefilled in one step has more activations; chunked prefill reduces them."
)
SPLIT = "Several machines split weights, cache and activations evenly, none replicated (ideal tensor parallelism)."
MEMORY = "Memory: the whole capacity; what the driver, the runtime and fragmentation take is not subtracted."


def fit_text(fit: Fit, width: int = 0) -> str:
    """All answers and notes, lines wrapped at `width`; 0 never wraps."""
    title = f"{fit.report.model} ({fit.report.family}) on {fit.machine.label}"
    cache = (
        f"A query's cache after a step with c cached tokens: cache = {formula_text(fit.decode_memory.cache_formula)}"
    )
    answers = (answer_paragraphs(x, width) for x in fit.answers)
    return join_paragraphs([title, *answers, wrap_line(cache, width), wrap_lines(fit_notes([fit]), width)])


def answer_paragraphs(x: Answer, width: int) -> str:
    """An answer, its formula with names and with numbers, and the parts of memory."""
    return f"{question_text(x)}: {solved_number(x)}\n{wrap_lines(answer_equations(x), width)}\n\n{memory_parts(x)}"


def question_text(x: Answer) -> str:
    """What was solved for."""
    return {
        "batch_size": f"Largest batch with a context of {token_count(x.context)}",
        "context": f"Longest context of {'each of ' * (x.batch_size > 1)}{query_count(x.batch_size)}",
        "machines": f"Machines for {query_count(x.batch_size)} with a context of {token_count(x.context)}",
    }[x.solved]


def solved_number(x: Answer) -> str:
    """The number that was solved for."""
    machines = f"{x.machine.count:,} x {x.machine.name}"
    return {"batch_size": query_count(x.batch_size), "context": token_count(x.context), "machines": machines}[x.solved]


def answer_equations(x: Answer) -> Iterator[str]:
    """The formula that was solved, in names and in numbers; or the inequality that holds up to the answer."""
    formula = formula_text(x.formula)
    if x.number is None:
        yield f"  {formula} {inequality_range(x)}"
        return
    unknown = unknown_text(x)
    yield f"  {unknown} = {formula}"
    yield f"  {' ' * len(unknown)} = {substitute_numbers(formula, x.values)} = {x.number:,}"
    if EACH in x.values:
        yield "  where a query's cache + activations = fixed + each c"


def inequality_range(x: Answer) -> str:
    """The contexts at which a fit without a closed form holds."""
    if x.context is None:
        return f"at every context: cache + activations stop growing at {iec(x.need.cache + x.need.activations)}"
    return "at every context up to it, and not beyond"


def unknown_text(x: Answer) -> str:
    """The left side of the equation."""
    sets = x.machine.count // x.number if x.solved == "machines" and x.number else 1
    return {"batch_size": "B", "context": "c + 1"}.get(x.solved, "machines" + f"/{sets}" * (sets > 1))


def substitute_numbers(formula: str, values: Mapping[Symbol, Any]) -> str:
    """A formula's text with numbers for its names: a count for B, bytes for all others."""
    numbers = {str(x): f"{value:,}" if str(x) == "B" else iec(value) for x, value in values.items()}
    return re.sub(r"[A-Za-z]+", lambda word: numbers.get(word[0], word[0]), formula)


def memory_parts(x: Answer) -> str:
    """The parts of the machine's memory, with their shares of it."""
    need, memory = x.need, x.machine.memory
    rows = [
        ("weights", need.weights, ""),
        ("cache", need.cache, f"most at {token_count(x.at)}" if x.at and x.at != x.context else ""),
        ("activations", need.activations, x.operator),
        ("left", x.left, ""),
        ("memory", memory, ""),
    ]
    cells = [(name, iec_cell(size), percent(size / memory), remark) for name, size, remark in rows]
    return align_columns(cells, right={1, 2}, indent="  ")


def fits_text(fits: Sequence[Fit], failures: Sequence[str] = (), width: int = 0) -> str:
    """Several machines, one table per question; then those on which nothing fits."""
    report = fits[0].report
    tables = [answers_table(answers, width) for answers in zip(*(x.answers for x in fits), strict=True)]
    title, notes = f"{report.model} ({report.family})", wrap_lines(fit_notes(fits), width)
    return join_paragraphs([title, *tables, *(wrap_line(x, width) for x in failures), notes])


def answers_table(answers: Sequence[Answer], width: int) -> str:
    """The answers to one question, one row per machine."""
    table, _ = fit_columns([HEADS, *map(answer_cells, answers)], OPTIONAL, frozenset(HEADS[1:]), width)
    return f"{question_text(answers[0])}\n\n{table}"


def answer_cells(x: Answer) -> tuple[str, ...]:
    """A machine's cells, below HEADS."""
    context = "any" if x.context is None else f"{x.context:,}"
    sizes = (x.need.weights, x.need.cache, x.need.activations, x.left, x.machine.memory)
    return (x.machine.label, f"{x.batch_size:,}", context, *map(iec_cell, sizes))


def fit_notes(fits: Sequence[Fit]) -> Iterator[str]:
    """Assumptions, machines, the notes of the report, warnings."""
    report = fits[0].report
    warnings = dict.fromkeys(x for fit in fits for x in fit.warnings if x not in report.warnings)
    yield from (STEPS, MEMORY)
    if machines := sources_note([x.machine for x in fits]):
        yield machines
    if any(answer.machine.count > 1 for x in fits for answer in x.answers):
        yield SPLIT
    yield from report_notes(report)[1:]
    yield from (f"Warning: {x}." for x in warnings)
