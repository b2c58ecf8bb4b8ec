"""Rooflines of several machines side by side, as text."""

from collections.abc import Sequence

from symroof.performance.roofline import Roofline
from symroof.render.report.lines import report_title
from symroof.render.results.roofline import new_tokens, roofline_notes
from symroof.render.text_columns import align_columns, fit_columns, join_paragraphs, wrap_line, wrap_lines
from symroof.units import duration_cell, iec_cell

HEADS = ("Machine", "Time", "Fused", "Lower bound", "Tokens/s", "Bound", "Memory", "of")
OPTIONAL = ("Fused", "of", "Memory", "Bound")  # columns left out of a narrow table, in this order
BOUNDS = "c bound by compute, m by memory, l by launch"


def rooflines_text(rooflines: Sequence[Roofline], failures: Sequence[str] = (), width: int = 0) -> str:
    """Machines on one step: the totals of each, then each operator's time and what bounds it."""
    totals, _ = fit_columns([HEADS, *map(total_cells, rooflines)], OPTIONAL, set(HEADS) - {"Machine", "Bound"}, width)
    title = wrap_line(report_title(rooflines[0].report), width)
    notes = wrap_lines(roofline_notes(rooflines), width)
    return join_paragraphs(
        [title, totals, *(wrap_line(x, width) for x in failures), operator_times(rooflines, width) + BOUNDS, notes]
    )


def total_cells(x: Roofline) -> tuple[str, ...]:
    """A machine's cells, below HEADS."""
    machine = x.platform.machine
    times = map(duration_cell, (x.time, x.fused, x.lower))
    rate = f"{float(new_tokens(x) / x.time):,.1f}"
    return (machine.label, *times, rate, x.bound, iec_cell(x.need.total), iec_cell(machine.memory))


def operator_times(rooflines: Sequence[Roofline], width: int) -> str:
    """One row per operator and one column per machine: the time and what bounds it."""
    heads = ("Operator", *(x.platform.machine.label for x in rooflines))
    times = [
        (timed[0].row.path, *(f"{duration_cell(x.time)} {x.bound[0]}" for x in timed))
        for timed in zip(*(x.rows for x in rooflines), strict=True)
    ]
    return split_columns([heads, *times], width)


def split_columns(rows: Sequence[Sequence[str]], width: int) -> str:
    """The first column with the others beside it, in the fewest tables whose lines fit `width`."""
    others = len(rows[0]) - 1
    for count in range(others, 0, -1):
        tables = [
            align_columns([(row[0], *row[i : i + count]) for row in rows], set(range(1, count + 1)))
            for i in range(1, others + 1, count)
        ]
        if not width or all(len(line) <= width for table in tables for line in table.splitlines()):
            break
    return "\n".join(tables)
