"""Equations with a left-hand side and labelled summands, as rows that fit the width of a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symroof.render.latex.lines import split_lines
from symroof.render.latex.text import upright_latex
from symroof.render.latex.widths import TEXT_WIDTH, printed_width

GAP = 12.0  # points between equations and their labels
NEXT_ROW = r" \\ "
CASES = 20.0  # points of a brace and of the gap between formulas and their cases


@dataclass(frozen=True)
class Item:
    """A summand: a formula, or one for each of `cases`; and its label."""

    formulas: tuple[str, ...]
    label: str = ""
    cases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Equation:
    """A left-hand side, a relation, and items that are added up between `opening` and `closing`."""

    left: str
    items: tuple[Item, ...]
    relation: str = "="
    opening: str = ""
    closing: str = ""

    @classmethod
    def of(cls, left: str, formula: str, relation: str = "=", label: str = "") -> "Equation":
        """An equation of one formula."""
        return cls(left, (Item((formula,), label),), relation)


def equations_latex(equations: Sequence[Equation], width: float = TEXT_WIDTH) -> str:
    """The rows of an environment that aligns them, at most `width` points wide: left-hand sides, formulas, labels."""
    left = max(printed_width(x.left) for x in equations)
    labels = max(printed_width(upright_latex(y.label)) if y.label else 0.0 for x in equations for y in x.items)
    room = width - left - (labels + GAP if labels else 0.0)
    return " \\\\\n".join(row for x in equations for row in aligned_rows(x, room))


def aligned_rows(equation: Equation, room: float) -> Iterator[str]:
    """An equation's rows, their formulas at most `room` points wide."""
    left, opening, last = equation.left, f"{equation.relation} {equation.opening}", equation.items[-1]
    for i, item in enumerate(equation.items):
        start, sign = (r"\quad ", "+ ") if i else (opening, "")
        *lines, end = item_lines(item, sign, room - printed_width(start + equation.closing))
        lines = [*lines, end + equation.closing * (item is last)]
        label = f" && {upright_latex(item.label)}" if item.label else ""
        for j, line in enumerate(lines):
            ends = label if j == len(lines) - 1 else ""
            yield f"  {left} & {start if j == 0 or i else ''}{line}{ends}"
            left = ""


def item_lines(item: Item, sign: str, room: float) -> list[str]:
    """An item behind its sign, in lines; cases in one line, each of several rows where it is wide."""
    if len(item.formulas) == 1:
        text = f"{sign}{item.formulas[0]}".replace("+ -", "- ")
        return split_lines(text, room, room)
    space = room - CASES - max(printed_width(rf"\text{{{x}}}") for x in item.cases)
    rows = NEXT_ROW.join(rows_of_case(x, name, space) for x, name in zip(item.formulas, item.cases, strict=True))
    return [rf"{sign}\begin{{cases}} {rows} \end{{cases}}"]


def rows_of_case(formula: str, case: str, room: float) -> str:
    """The rows of a case, its name in the first."""
    first, *others = split_lines(formula, room, room)
    return NEXT_ROW.join([rf"{first} & \text{{{case}}}", *others])
