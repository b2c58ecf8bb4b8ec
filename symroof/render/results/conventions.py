"""Conventions as text: the formulas, the numbers, the symbols, and where each convention is from."""

from collections.abc import Iterator
from typing import Any

from sympy import Expr

from symroof import symbols as s
from symroof.algebra.arithmetic import exact_quotient
from symroof.analysis.conventions import OURS, ConventionCount, Conventions
from symroof.cost.notation import formula_text
from symroof.render.text_columns import align_columns, hanging_columns, join_paragraphs, wrap_lines
from symroof.results import int_or_float
from symroof.units import si_cell

HEADS = ("convention", "training", "to exact", "inference", "to exact", "")
BROKEN = "*"
INFERENCE = (
    "FLOP per token. Inference: the forward pass with logits at all positions, which is what a prompt token costs,"
    " and on average a decoded one. The update of the weights is not counted."
)


def conventions_text(conventions: Conventions, width: int = 0) -> str:
    """Formulas, the table of numbers, symbols, sources; lines wrapped at `width`, 0 never wraps."""
    model, length = f"{conventions.model} ({conventions.family})", f"{conventions.sequence:,}"
    sections = {"Formulas": formula_rows, "Symbols": symbol_value_rows, "Sources": source_rows}
    formulas, symbols, sources = (
        f"{title}\n" + hanging_columns([*rows(conventions)], width) for title, rows in sections.items()
    )
    table = align_columns([HEADS, *map(convention_cells, conventions.rows)], right={1, 2, 3, 4})
    notes = wrap_lines(conventions_notes(conventions), width)
    title = f"{model}: FLOP per token in sequences of n = {length} tokens"
    return join_paragraphs([title, formulas, table, symbols, sources, notes])


def formula_rows(conventions: Conventions) -> Iterator[tuple[str, str]]:
    """Name and formula of each pass of each convention."""
    return (row for x in conventions.rows for row in pass_formulas(x))


def pass_formulas(x: ConventionCount) -> Iterator[tuple[str, str]]:
    """The formula of each pass; of ours the forward pass by unit, and how training follows from it."""
    name, training, inference = x.convention.name, x.convention.training, x.convention.inference
    if name == OURS:
        yield f"{name}, inference", formula_text(inference)
        yield f"{name}, training", multiple_of_inference(x)
        return
    passes = (("training", training), ("inference", inference))
    yield from ((f"{name}, {which}", formula_text(expr)) for which, expr in passes if expr is not None)


def multiple_of_inference(x: ConventionCount) -> str:
    """Training as a multiple of the forward pass where it is one; else its formula."""
    times = exact_quotient(x.training, x.inference)
    return f"{times} inference" if isinstance(times, int) else formula_text(x.convention.training)


def convention_cells(x: ConventionCount) -> tuple[str, ...]:
    """A convention's cells, below HEADS."""
    passes = (number_cells(x.training, x.training_ratio), number_cells(x.inference, x.inference_ratio))
    return (x.convention.name, *passes[0], *passes[1], BROKEN if x.broken else "")


def number_cells(number: Any, ratio: Any) -> tuple[str, str]:
    """A number and its ratio to the exact one; dashes where there is none."""
    return ("-  ", "-") if number is None else (si_cell(number), ratio_cell(ratio))


def ratio_cell(ratio: Any) -> str:
    """A ratio to four decimals; `1` only where it is exactly 1."""
    return "1" if ratio == 1 else f"{float(ratio):.4f}"


def symbol_value_rows(conventions: Conventions) -> Iterator[tuple[str, str]]:
    """The model's counts as formula and number, and the sizes that occur in any formula."""
    for x, expr in conventions.definitions.items():
        yield str(x), f"= {formula_text(expr)} = {int_or_float(conventions.values[x]):,}: {s.entry(str(x)).meaning}"
    counts = (y for x in conventions.rows for y in (x.convention.training, x.convention.inference) if y is not None)
    formulas: list[Expr] = [*conventions.definitions.values(), *counts]
    used = sorted(set().union(*(x.free_symbols for x in formulas)), key=str)
    yield "sizes", ", ".join(f"{x} {conventions.sizes[x]:,}" for x in used if x in conventions.sizes)


def source_rows(conventions: Conventions) -> Iterator[tuple[str, str]]:
    """Where each convention is from, what it counts, and which of its assumptions do not hold."""
    for x in conventions.rows:
        wrong = f". Assumes what does not hold here: {'; '.join(x.broken)}" if x.broken else ""
        name = x.convention.name + (f" {BROKEN}" if x.broken else "")
        yield name, f"{x.convention.source}; {x.convention.note}{wrong}"


def conventions_notes(conventions: Conventions) -> Iterator[str]:
    """What the columns are."""
    yield INFERENCE
    if any(x.broken for x in conventions.rows):
        yield f"{BROKEN}: the source assumes what does not hold for this model; the number is that of its formula."
    yield f"Rules: {', '.join(conventions.rules)}."
