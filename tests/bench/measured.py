"""What has been measured beside the lower bound and the time of our operators one after another.

python tests/bench/measured.py
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from measured import ACHIEVED, LEFT_OUT, MEASURED, MOVED, Measured

from symroof.hardware.machines import machine

HEAD = ("model", "formats", "machines", "queries", "new", "cached", "measured", "bound", "in turn", "ratio")


def row(x: Measured) -> tuple[str, ...]:
    """A measured step as the table prints it."""
    found = x.roofline()
    times = (x.seconds, found.lower, found.time)
    shown = (f"{1e3 * float(t):,.2f}" for t in times)
    formats = " ".join(dict.fromkeys(x.formats.values())) or "config's"
    many = f"{x.batch:,}{'+' if x.any_batch else ''}"
    return (
        x.model,
        formats,
        x.machine.label,
        many,
        f"{x.new:,}",
        f"{x.cached:,}",
        *shown,
        f"{x.seconds / float(found.lower):.2f}",
    )


def aligned(rows: list[tuple[str, ...]], left: int) -> list[str]:
    """Rows as lines; the first `left` columns start together, the others end together."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in rows
    ]


def steps() -> list[str]:
    """All steps, by source."""
    lines = aligned([HEAD, *map(row, MEASURED)], 3)
    shown, source = [lines[0]], ""
    for x, line in zip(MEASURED, lines[1:], strict=True):
        shown += [f"-- {x.source}"] if x.source != source else []
        shown.append(f"{line}  {x.told}".rstrip())
        source = x.source
    return shown


def kernels() -> list[str]:
    """Single kernels: what they reach of a machine's peaks."""
    rows: list[Any] = [
        (on, form, f"{x:,.1f} TFLOP/s", f"{100e12 * x / machine(on).peak(form):.1f} %", source)
        for source, on, form, x in ACHIEVED
    ]
    rows += [
        (on, "memory", f"{x:,.1f} GB/s", f"{100e9 * x / machine(on).bandwidth:.1f} %", source)
        for source, on, x in MOVED
    ]
    lines = aligned([cells[:4] for cells in rows], 2)
    return [f"{line}  {cells[4]}" for line, cells in zip(lines, rows, strict=True)]


if __name__ == "__main__":
    told = [f"{what}: {why}" for what, why in LEFT_OUT.items()]
    print("\n".join([*steps(), "", "of the peak", *kernels(), "", "left out", *told]))
