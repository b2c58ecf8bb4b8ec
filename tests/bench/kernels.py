"""Measured kernels and their lower bounds: how many rows are below, and the fastest row of each kind.

python tests/bench/kernels.py KERNELS.csv.gz [SAMPLE.csv.gz]

The first file has the columns machine, engine, version, op, format, shape and latency_ms, see `tests/kernels.py`; the
second, if it is given, is written with the fastest rows, as `tests/test_kernels.py` reads them.
"""

import gzip
import sys
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from kernels import Kernel, kernels

SOURCE = (
    "# Measured kernels of aiconfigurator-core 0.12.0 (NVIDIA, github.com/ai-dynamo/aiconfigurator, Apache-2.0): of"
    " each machine, operator and format the one that comes nearest to its lower bound by compute, and by memory"
)


def kind(x: Kernel) -> tuple[str, ...]:
    """The machine, operator, format without the distribution of experts, and which unit bounds it."""
    matmul, memory = x.least
    form = x.format.partition("/")[0] if x.op == "moe" else x.format
    return x.machine, x.op, form, "compute" if matmul > memory else "memory"


def fastest(rows: Iterable[Kernel]) -> dict[tuple[str, ...], Kernel]:
    """The row of each kind that is nearest to its bound."""
    found: dict[tuple[str, ...], Kernel] = {}
    for x in rows:
        key = kind(x)
        if x.bound and not x.corrupt and (key not in found or ratio(x) < ratio(found[key])):
            found[key] = x
    return found


def ratio(x: Kernel) -> float:
    """What it took over its bound."""
    return x.seconds / x.bound


def write(path: str, rows: Iterable[Kernel]) -> None:
    """A table of some rows."""
    names = [x.name for x in fields(Kernel) if x.name != "unquantized"]
    lines = [SOURCE, ",".join(names), *(",".join(getattr(x, name) for name in names) for x in rows)]
    Path(path).write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))


def main(path: str, sample: str = "") -> None:
    """Print the counts, and write the sample."""
    rows = list(kernels(Path(path)))
    checked = [x for x in rows if not x.corrupt]
    unnamed = [replace(x, unquantized=True) for x in checked]
    below, also = ([x for x in some if x.seconds < x.bound] for some in (checked, unnamed))
    found = fastest(rows)
    for key, x in sorted(found.items()):
        print(f"{' '.join(key):75} {ratio(x):8.3f}  {x.engine} {x.shape}")
    print(f"{len(rows)} rows, {len(rows) - len(checked)} of a corrupt table; below the bound: {len(below)};")
    print(f"below it where only the format of weights is named: {len(also)}")
    for x in (*below, *also):
        print(f"{ratio(x):.3f}", *vars(x).values())
    if sample:
        write(sample, (x for _, x in sorted(found.items())))


if __name__ == "__main__":
    main(*sys.argv[1:])
