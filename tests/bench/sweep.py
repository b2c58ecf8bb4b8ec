"""How many points a second a sweep computes, beside numpy writing as many columns with one multiply-add each.

python tests/bench/sweep.py
"""

import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import symroof
from symroof.sweeps.grid import available_cores
from symroof.sweeps.sweep import SweepPlan, plan_sweep

BATCH, CACHED = "1:500", "0:159996:+4"  # 20 million points
SWEEPS = [
    ("llama-3.1-8b", "flops,bytes", {"batch": BATCH, "cached": CACHED}),
    ("llama-3.1-8b", "flops,bytes,time", {"batch": BATCH, "cached": CACHED}),
    ("qwen3-30b-a3b", "flops,bytes", {"batch": BATCH, "cached": CACHED}),
    ("qwen3-30b-a3b", "time", {"batch": BATCH, "cached": CACHED}),
    ("qwen3-30b-a3b", "flops,bytes,time", {"batch": "1:100", "new": "1:20", "cached": "0:9999"}),
    ("gpt-oss-120b", "time", {"batch": BATCH, "cached": CACHED}),
    ("deepseek-v3", "flops,bytes,time", {"batch": BATCH, "cached": CACHED}),
    ("llama-3.1-8b", "flops,bytes", {"d": "1024:5023", "f": "4096,8192", "cached": "0:9996:+4"}),
]


def seconds(work: Callable[[], object], runs: int = 5) -> float:
    """The shortest of some runs."""
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def multiply_adds(found: SweepPlan) -> None:
    """As many columns of the grid's shape, each one multiply-add of numpy's."""
    shape = found.header.shape
    outer, inner = np.arange(float(shape[0])), np.arange(float(np.prod(shape[1:])))
    for _ in found.header.units:
        column = np.multiply(outer[:, None], inner[None])
        np.add(column, outer[:, None], out=column)


def processor() -> str:
    """What the machine calls its processor."""
    found = Path("/proc/cpuinfo")
    lines = found.read_text().splitlines() if found.exists() else []
    return next((x.partition(": ")[2] for x in lines if x.startswith("model name")), platform.machine())


def main() -> None:
    """Prints the tables."""
    print(f"{available_cores()} of {os.cpu_count()} cores, {processor()}, numpy {np.__version__},", end=" ")
    print(f"load {os.getloadavg()[0]:.1f} before; shortest of 5 runs\n")
    heads = ("model", "columns", "over", "points", "formulas", "points/s", "numpy", "ratio")
    row = "{:<14}{:<18}{:<18}{:>11}{:>10}{:>14}{:>14}{:>7}"
    print(row.format(*heads))
    for name, columns, over in SWEEPS:
        model, on = symroof.load(name), "h100-sxm" if "time" in columns else None
        start = time.perf_counter()
        found = plan_sweep(model, over, columns, on=on)
        formed = time.perf_counter() - start
        took, least = seconds(found.in_memory), seconds(lambda found=found: multiply_adds(found))
        print(
            row.format(
                name,
                columns,
                ",".join(over),
                f"{found.rows:,}",
                f"{formed:.2f} s",
                f"{found.rows / took:,.0f}",
                f"{found.rows / least:,.0f}",
                f"{took / least:.2f}",
            )
        )
    found = plan_sweep("qwen3-30b-a3b", {"batch": "1:500", "cached": "0:3999"}, "flops,bytes,time", on="h100-sxm")
    print(f"\nto a file, {found.rows:,} rows of {len(found.header.names)} columns")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("csv", "parquet", "npz"):
            path = Path(folder) / f"found.{kind}"
            took = seconds(lambda path=path: found.write(str(path)), 3)
            print(f"{kind:<14}{found.rows / took:>14,.0f} rows/s{path.stat().st_size / found.rows:>8.1f} bytes/row")


if __name__ == "__main__":
    main()
