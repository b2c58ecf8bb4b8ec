"""Solutions as text: the equation in names and in numbers, where it holds, both sides there, how it was solved."""

import re
from collections.abc import Iterable, Iterator

from symroof import symbols as s
from symroof.algebra.rootfinding.signs import BRACKETED, PIECES, ROOTS
from symroof.cost.notation import formula_text
from symroof.hardware.platform import Platform
from symroof.render.long_sums import wrap_formulas
from symroof.render.machine_notes import machine_notes
from symroof.render.phrases import rules_note, warning_notes
from symroof.render.report.lines import precision_notes, precision_text
from symroof.render.solution.checks import checks_table
from symroof.render.solution.equations import quantity_rows, solution_equations
from symroof.render.solution.words import answer_lines
from symroof.render.text_columns import join_paragraphs, wrap_line, wrap_lines
from symroof.solving.solution import Solution

HOW = {
    PIECES: "inverted piece by piece, exactly",
    ROOTS: "roots of polynomials isolated, exactly",
    BRACKETED: "not polynomial: signs compared on a grid in steps of a tenth, each change bracketed",
}


def solution_text(solution: Solution, width: int = 0, full: bool = False) -> str:
    """Question, formulas, answer, checks and notes, wrapped at `width`; 0 never wraps notes.

    `full`: no sum in a formula is named.
    """
    quantities = [*quantity_rows(solution, full)]
    formulas = wrap_formulas([*quantities, *solution_equations(solution, full)], width)
    notes = wrap_lines(solution_notes(solution, " ".join(x.text for x in quantities)), width)
    title, answer = wrap_line(solution_title(solution), width), wrap_lines(answer_lines(solution), width)
    return join_paragraphs([title, formulas, answer, checks_table(solution), notes])


def solution_title(solution: Solution) -> str:
    """The model, the question, the unknown, the batch, the constraints."""
    return title_of(solution.question, solution)


def title_of(question: str, solution: Solution) -> str:
    """The same for another question with that unknown."""
    x, scope, model = solution.unknown, solution.scope, solution.model
    unknown = f"{x} ({s.entry(str(x)).meaning})"
    batch = ", ".join(f"{y} = {value:,}" for y, value in scope.batch.items())
    ties = ", ".join(f"{y} = {formula_text(form)}" for y, form in scope.held.items() if str(y) != "k_hf")
    title = f"{model.name} ({model.family}): {question}, for {unknown} at {batch}"
    return title + (f", with {ties}" if ties else "")


def solution_notes(solution: Solution, formulas: str) -> Iterator[str]:
    """How it was solved; batch sums in the printed formulas; machines, rules, formats and config."""
    scope = solution.scope
    yield f"How: {HOW[solution.how]}{residual_text(solution)}."
    if sums := "; ".join(f"{x} {s.entry(x).meaning}" for x in batch_sums_in(formulas)):
        yield f"Sums over the queries: {sums}."
    for platform in scope.platforms.values():
        yield from machine_notes(platform, matmul_formats(solution, platform), fastest_formats(solution, platform))
    yield from (f"Note: {x}." for x in solution.notes)
    yield rules_note(scope.rules)
    routed = any(op.role == "routed_experts" for _, _, op in scope.rows)
    yield f"Precision: {precision_text(scope.precision, routed)}."
    yield from precision_notes(scope.precision)
    yield f"Config: {solution.model.config.source}."
    yield from warning_notes(solution.model.warnings)


def residual_text(solution: Solution) -> str:
    """The relative difference of the sides at a rounded answer; empty for an exact one."""
    residual = 0 if solution.exact else solution.residual
    return f"; the sides differ by {abs(residual):.1e} of the right one at the answer" if residual else ""


def batch_sums_in(formulas: str) -> Iterable[str]:
    """The sums over the batch that occur in formulas."""
    sums = (name for name, entry in s.VOCABULARY.items() if entry.group == "batch" and name != "B")
    return (name for name in sums if re.search(rf"\b{name}\b", formulas))


def matmul_formats(solution: Solution, platform: Platform) -> list[str]:
    """The formats that operators multiply in, where the question contains a time or an energy."""
    if not any(leaf.name.startswith(("time(", "energy(")) for leaf in solution.leaves.values()):
        return []
    widths = {op.width for _, _, op in solution.scope.rows if op.cost.matmul != 0}
    return sorted({name for x in widths for name in platform.formats(x, solution.scope.precision)})


def fastest_formats(solution: Solution, platform: Platform) -> set[str]:
    """The formats of matmuls in the lower bound, where the question contains it or its part of matmuls."""
    if not any(leaf.name.endswith((").compute", ").lower")) for leaf in solution.leaves.values()):
        return set()
    widths = {op.operands for _, _, op in solution.scope.rows if op.cost.matmul != 0}
    return {name for x in widths for name in platform.fastest_formats(x, solution.scope.precision)}
