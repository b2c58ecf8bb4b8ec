"""Several comparisons solved at once, as text: where all hold, and where each of them does."""

from collections.abc import Iterator

from symroof import symbols as s
from symroof.render.long_sums import wrap_formulas
from symroof.render.solution.equations import quantity_rows, solution_equations
from symroof.render.solution.text import HOW, residual_text, solution_notes, title_of
from symroof.render.solution.words import answer_text, range_text
from symroof.render.text_columns import join_paragraphs, wrap_line, wrap_lines
from symroof.solving.conjunction import Conjunction


def conjunction_text(x: Conjunction, width: int = 0, full: bool = False) -> str:
    """Question, formulas, answer, and each condition with its equation and range; 0 never wraps notes.

    `full`: no sum in a formula is named.
    """
    first = x.conditions[0]
    quantities = [*quantity_rows(first, full)]
    formulas = wrap_formulas(quantities, width)
    title = wrap_line(title_of(x.question, first), width)
    conditions = [condition_text(x, i, width, full) for i in range(len(x.conditions))]
    notes = wrap_lines(solution_notes(first, " ".join(row.text for row in quantities)), width)
    return join_paragraphs([title, formulas, wrap_lines(all_hold_lines(x), width), *conditions, notes])


def all_hold_lines(x: Conjunction) -> Iterator[str]:
    """Where all conditions hold."""
    name, first = x.unknown, x.conditions[0]
    ranges = "; ".join(range_text(run, first) for run in x.holds)
    yield f"{name} = {ranges}: all conditions hold" if x.holds else f"no {name}: the conditions never hold at once"
    yield from (f"{share}." for share in x.shares)
    if not x.complete:
        yield "There are more: only the first ones were searched for."
    if s.group(name) == "size" and isinstance(x.answer, int) and x.allowed != x.answer:
        near = "none near it" if x.allowed is None else f"the nearest is {x.allowed:,}"
        yield f"No model of this structure has {name} = {x.answer:,}: {near}."


def condition_text(x: Conjunction, i: int, width: int, full: bool) -> str:
    """One condition: its range, how it was solved where that is another way than the first one's, its equation."""
    condition = x.conditions[i]
    lines = [f"{i + 1}. {condition.question}: {answer_text(condition)}"]
    if condition.how != x.conditions[0].how or residual_text(condition):
        lines.append(f"{HOW[condition.how]}{residual_text(condition)}")
    equations = wrap_formulas([*solution_equations(condition, full)], width)
    return wrap_lines(lines, width).rstrip("\n") + "\n" + equations
