"""A roofline as text: operators with their times, bounds on the sum, memory, crossovers, notes."""

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Any

from sympy import Expr

from symroof.algebra.fold import REBUILD, fold
from symroof.cost.notation import formula_text
from symroof.performance.crossovers import Crossover
from symroof.performance.roofline import Roofline, TimedOperator
from symroof.render.long_sums import FormulaRow, form_rows, readable_root, wrap_formulas
from symroof.render.machine_notes import EXPECTED_EXPERTS, machine_notes, memory_text
from symroof.render.report.lines import report_notes, report_title
from symroof.render.text_columns import align_columns, fit_columns, join_paragraphs, wrap_line, wrap_lines
from symroof.units import duration_cell, iec_cell, percent, ratio_text

HEADS = ("Operator", "Layers", "FLOP/B", "of ridge", "Compute", "Memory", "Time", "Share", "", "Bound")
OPTIONAL = ("FLOP/B", "Compute", "Memory", "Layers", "")  # columns left out of a narrow table, in this order
BAR_WIDTH = 10  # characters of a bar that is the whole time


def roofline_text(roofline: Roofline, width: int = 0, crossovers: Sequence[Crossover] = (), full: bool = False) -> str:
    """Operators, totals, crossovers and notes, with as many columns as fit `width`; 0 leaves none out.

    `full`: no sum in a formula is named.
    """
    title = report_title(roofline.report).replace("):", f") on {roofline.platform.machine.label}:", 1)
    table, totals = operator_table(roofline, width), hang_last_column(step_totals(roofline), width)
    notes = wrap_lines(roofline_notes([roofline]), width)
    return join_paragraphs([wrap_line(title, width), table, totals, crossovers_text(crossovers, width, full), notes])


def operator_table(roofline: Roofline, width: int) -> str:
    """The operators, each in all its layers."""
    rows = [HEADS, *(operator_cells(row, roofline.time) for row in roofline.rows)]
    return fit_columns(rows, OPTIONAL, set(HEADS) - {"Operator", "", "Bound"}, width)[0]


def operator_cells(timed: TimedOperator, total: Any) -> tuple[str, ...]:
    """An operator's cells, below HEADS."""
    row, seconds, share = timed.row, timed.seconds, timed.time / total if total else 0
    ratios = (row.cost.intensity, seconds.compute / seconds.memory if seconds.memory else None)
    times = (seconds.compute * row.layers, seconds.memory * row.layers, timed.time)
    cells = (*map(ratio_text, ratios), *map(duration_cell, times), percent(share), share_bar(share))
    return (row.path, str(row.layers), *cells, timed.bound)


def share_bar(share: Any) -> str:
    """A share as a bar of whole and half blocks."""
    halves = round(2 * BAR_WIDTH * float(share))
    return ("█" * (halves // 2) + "▌" * (halves % 2)).ljust(BAR_WIDTH)


def step_totals(roofline: Roofline) -> list[tuple[str, str, str]]:
    """Times of the step with tokens per second, and the memory it needs: name, number, remark."""
    new, need = new_tokens(roofline), roofline.need
    name = "time" if roofline.platform.ideal else "estimate"
    times = [
        (f"{name}, one operator after another", roofline.time, ""),
        (f"{name}, elementwise operators fused", roofline.fused, ""),
        ("lower bound, all at once", roofline.lower, f" ({roofline.bound})"),
    ]
    rows = [(name, duration_cell(x), f"{float(new / x):,.1f} new tokens/s{bound}") for name, x, bound in times if x]
    return [*rows, ("memory", iec_cell(need.total), memory_text(need, roofline.platform.machine))]


def new_tokens(roofline: Roofline) -> int:
    """Tokens that the step computes."""
    return sum(x.new * x.count for x in roofline.report.batch)


def crossovers_text(crossovers: Iterable[Crossover], width: int, full: bool) -> str:
    """Each crossover: the number, the equation that it solves, and where there is one the root of that in sizes."""
    return "".join(crossover_text(x, width, full) for x in crossovers)


def crossover_text(x: Crossover, width: int, full: bool) -> str:
    """The number of a crossover; its equation in numbers and the machine's rates; its root in sizes and rates."""
    number = "never" if x.value is None else f"{x.symbol} = {x.value:,} (smallest whole number)"
    title = wrap_line(f"{x.name} ({x.condition}): {number}", width)
    rows = [FormulaRow("", f"{rounded_formula(x.left)} = {rounded_formula(x.right)}")]
    if x.root is not None:
        formula, *more = form_rows("", readable_root(x.root, full))
        rows += [formula._replace(text=f"{x.symbol} = {formula.text}"), *more]
    return f"{title}\n{wrap_formulas(rows, width)}"


def rounded_formula(expr: Expr, digits: int = 5) -> str:
    """A formula in which numbers of more than so many digits are rounded to four."""
    long_numbers = (x for x in expr.atoms() if x.is_Number and len(str(x)) > digits)
    return formula_text(fold(expr, REBUILD, {x: x.evalf(4) for x in long_numbers}))


def roofline_notes(rooflines: Sequence[Roofline]) -> list[str]:
    """Machines, rules, formats and config of rooflines of one report."""
    machines = [note for x in rooflines for note in machine_notes(x.platform, formats_in_use(x), x.fastest_formats)]
    routed = [EXPECTED_EXPERTS] if any(row.row.role == "routed_experts" for row in rooflines[0].rows) else []
    return [*dict.fromkeys([*machines, *routed, *report_notes(rooflines[0].report, rooflines[0].platform.compute)[2:]])]


def formats_in_use(roofline: Roofline) -> list[str]:
    """The formats that matmuls run in."""
    return sorted({name for row in roofline.rows for name in row.formats})


def hang_last_column(rows: Sequence[tuple[str, str, str]], width: int) -> str:
    """Rows in columns, the last column wrapped below itself."""
    lines = align_columns(rows, right={1}).splitlines()
    indent = " " * (max(len(name) for name, *_ in rows) + max(len(number) for _, number, _ in rows) + 4)
    return "\n".join("\n".join(wrap(line, width, subsequent_indent=indent)) if width else line for line in lines)
