"""Rooflines as text: operators with their times, the bounds on all of them, memory, crossovers, notes."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from sympy import Expr

from symroof.cost.notation import text
from symroof.hardware.machines import Machine
from symroof.hardware.platform import Platform, Reach
from symroof.performance.capacity import Need
from symroof.performance.crossovers import Crossover
from symroof.performance.roofline import Roofline, Timed
from symroof.render.report import lines
from symroof.render.text_columns import aligned, fitting
from symroof.units import duration_cell, iec, iec_cell, percent, ratio, si

HEADS = ("Operator", "Layers", "FLOP/B", "of ridge", "Compute", "Memory", "Time", "Share", "", "Bound")
SPARED = ("FLOP/B", "Compute", "Memory", "Layers", "")  # columns that a narrow table does without, the first one first
BAR = 10  # characters of a bar that is the whole time
LONGEST = 200  # characters of a crossover's equation that is still printed


def render(found: Roofline, width: int = 0, crossings: Sequence[Crossover] = ()) -> str:
    """All of it, with as many columns as fit `width`; 0 is as wide as it takes."""
    title = lines.title(found.report).replace("):", f") on {found.platform.machine.label}:", 1)
    parts = [folded([title], width), operators(found, width), hung(totals(found), width)]
    parts += [crossed(crossings, width)] if crossings else []
    return "\n\n".join(part.rstrip("\n") for part in [*parts, folded(notes(found), width)]) + "\n"


def operators(found: Roofline, width: int) -> str:
    """The operators, each in all its layers."""
    rows = [HEADS, *(cells(row, found.time) for row in found.rows)]
    return fitting(rows, SPARED, set(HEADS) - {"Operator", "", "Bound"}, width)[0]


def cells(row: Timed, total: Any) -> tuple[str, ...]:
    """A row's cells, below HEADS."""
    took, n = row.seconds, row.row.layers
    share = row.time / total if total else 0
    return (
        row.row.path,
        str(n),
        ratio(row.row.cost.intensity),
        ratio(took.compute / took.memory if took.memory else None),
        duration_cell(took.compute * n),
        duration_cell(took.memory * n),
        duration_cell(row.time),
        percent(share),
        bar(share),
        row.bound,
    )


def bar(share: Any) -> str:
    """A share as a bar of whole and half blocks."""
    halves = round(2 * BAR * float(share))
    return ("█" * (halves // 2) + "▌" * (halves % 2)).ljust(BAR)


def totals(found: Roofline) -> list[tuple[str, str, str]]:
    """The bounds on the step's time, what they come to in tokens, and the memory it needs."""
    new = sum(x.new * x.count for x in found.report.batch)
    what = "time" if found.platform.ideal else "estimate"
    rows = [
        (f"{what}, one operator after another", found.time, ""),
        (f"{what}, elementwise operators fused", found.fused, ""),
        ("lower bound, all at once", found.lower, f" ({found.bound})"),
    ]
    told = [(name, duration_cell(x), f"{float(new / x):,.1f} new tokens/s{more}") for name, x, more in rows if x]
    return [*told, ("memory", iec_cell(found.need.total), room(found.need, found.platform.machine))]


def room(need: Need, machine: Machine) -> str:
    """The memory there is, and what needs it."""
    over = need.total - machine.memory
    parts = ", ".join(f"{name} {iec(x)}" for name, x in need.__dict__.items())
    return f"of {iec(machine.memory)}{f', {iec(over)} too much' if over > 0 else ''}: {parts}"


def crossed(crossings: Sequence[Crossover], width: int) -> str:
    """Each crossover: the number, and the equation that it solves."""
    found = []
    for x in crossings:
        number = "never" if x.value is None else f"{x.symbol} = {x.value:,}"
        how = "" if x.value is None else " (the first that does)"
        found.append(f"{x.name} ({x.told}): {number}{how}")
        found += [f"  {line}" for line in equations(x)]
    return folded(found, width)


def equations(x: Crossover) -> list[str]:
    """The equation of a crossover, and its solution where that has the machine's rates in it."""
    told = [f"{text(rounded(x.left))} = {text(rounded(x.right))}"]
    if x.value is not None and x.solution is not None and x.solution.free_symbols:
        told.append(f"{x.symbol} = {text(rounded(x.solution))}")
    return [line for line in told if len(line) <= LONGEST]


def rounded(expr: Expr) -> Expr:
    """The expression with its long numbers to four digits."""
    return expr.xreplace({x: x.evalf(4) for x in expr.atoms() if x.is_Number and len(str(x)) > 5})


def notes(found: Roofline) -> list[str]:
    """The machine, how it is used, rules, formats and the config."""
    used = sorted({name for row in found.rows for name in row.formats})
    return [*machine_notes(found.platform, used), *lines.notes(found.report)[2:]]


def machine_notes(platform: Platform, formats: Sequence[str]) -> list[str]:
    """The machine's peaks and how near to them it is taken to come."""
    machine = platform.machine
    peaks = [f"{si(machine.peak(name))}FLOP/s in {name}" for name in formats]
    vector = f"{si(machine.vector)}FLOP/s elementwise" if machine.vector else "no elementwise rate published: no time"
    known = f" (confidence {machine.confidence}; sources: symroof machines --json)" if machine.confidence else ""
    rates = ", ".join([*peaks, vector, f"{si(machine.bandwidth)}B/s", iec(machine.memory)])
    told = [f"Machine: {machine.label}: {rates}{known}."]
    if machine.count > 1:
        told.append(f"The {machine.count} share every operator evenly and for nothing (ideal tensor parallelism).")
    reach = {name: x for name, x in platform.reach.items() if x != Reach()}
    if len(set(reach.values())) == 1 and len(reach) == len(platform.reach):
        told.append("Estimate: {} of the peak FLOP/s, {} of the bandwidth.".format(*parts(next(iter(reach.values())))))
    elif reach:
        told.append(
            "Estimate: "
            + "; ".join(
                "{}: {} of the peak FLOP/s, {} of the bandwidth".format(name, *parts(x)) for name, x in reach.items()
            )
            + "."
        )
    if platform.overhead:
        told.append(f"Estimate: launching an operator takes {duration_cell(platform.overhead).strip()}.")
    return told


def parts(reach: Reach) -> tuple[str, str]:
    """Mfu and mbu as percentages."""
    return percent(reach.mfu), percent(reach.mbu)


def hung(rows: Sequence[tuple[str, str, str]], width: int) -> str:
    """Rows in columns, the last one folded below itself."""
    texts = aligned(rows, right={1}).splitlines()
    indent = " " * (max(len(name) for name, *_ in rows) + max(len(number) for _, number, _ in rows) + 4)
    found = (wrap(line, width, subsequent_indent=indent) if width else [line] for line in texts)
    return "\n".join(line for some in found for line in some)


def folded(told: Sequence[str], width: int) -> str:
    """Lines folded to `width`, what is indented stays so; 0 never folds."""
    out = []
    for line in told:
        indent = line[: len(line) - len(line.lstrip())]
        out += wrap(line, width, subsequent_indent=indent, break_long_words=False) if width else [line]
    return "\n".join(out)


SIDE = ("Machine", "Time", "Fused", "Lower bound", "Tokens/s", "Bound", "Memory", "of")
SIDE_SPARED = ("Fused", "of", "Memory", "Bound")


def side_by_side(found: Sequence[Roofline], refused: Sequence[str] = (), width: int = 0) -> str:
    """Machines on one step: the totals of each, then each operator's time and what bounds it."""
    new = sum(x.new * x.count for x in found[0].report.batch)
    rows = [
        (
            x.platform.machine.label,
            duration_cell(x.time),
            duration_cell(x.fused),
            duration_cell(x.lower),
            f"{float(new / x.time):,.1f}",
            x.bound,
            iec_cell(x.need.total),
            iec_cell(x.platform.machine.memory),
        )
        for x in found
    ]
    heads = ("Operator", *(x.platform.machine.label for x in found))
    times = [
        (same[0].row.path, *(f"{duration_cell(x.time)} {x.bound[0]}" for x in same))
        for same in zip(*(x.rows for x in found), strict=True)
    ]
    told = [
        note for x in found for note in machine_notes(x.platform, sorted({y for row in x.rows for y in row.formats}))
    ]
    parts = [
        folded([lines.title(found[0].report)], width),
        fitting([SIDE, *rows], SIDE_SPARED, set(SIDE) - {"Machine", "Bound"}, width)[0],
        *(folded([line], width) for line in refused),
        beside([heads, *times], width) + "c bound by compute, m by memory, l by launch",
        folded(list(dict.fromkeys([*told, *lines.notes(found[0].report)[2:]])), width),
    ]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def beside(rows: Sequence[Sequence[str]], width: int) -> str:
    """The first column with the others beside it, in as many tables as it takes for lines to fit `width`."""
    every = len(rows[0]) - 1
    for count in range(every, 0, -1):
        starts = range(1, every + 1, count)
        tables = [aligned([(row[0], *row[i : i + count]) for row in rows], set(range(1, count + 1))) for i in starts]
        if not width or all(len(line) <= width for table in tables for line in table.splitlines()):
            break
    return "\n".join(tables)
