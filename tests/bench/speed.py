"""How fast symroof answers, each figure beside what it is measured against, all in one run on one machine.

    pip install . tabulate numpy && python tests/bench/speed.py [RUNS]

Commands take turns, RUNS times each, so that whatever else the machine does befalls all of them; the median and the
least of the wall times are printed, and ratios of medians. `--help` is symroof's alone.
"""

import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np

import symroof
from symroof.config.catalogue import model_catalogue

HERE = Path(__file__).parent
SYMROOF = str(Path(sys.executable).with_name("symroof"))
STEP = ["--cached-tokens", "2048", "--input-tokens", "1"]
LARGEST = "deepseek-v4-flash"  # 102 operators in 5 kinds of sublayers, the most of all built-in models
IMPORTS = "import click, rich.console, rich.table"


def commands(folder: str) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Name -> what is run, and with which variables set."""
    config = Path(folder, "config.json")
    config.write_text(json.dumps(model_catalogue()["llama-3.1-8b"]["config"]))
    warm, cold = {"SYMROOF_CACHE_DIR": str(Path(folder, "cache"))}, {"SYMROOF_CACHE": "0"}
    report, small = [SYMROOF, "report", "llama-3.1-8b", *STEP], [sys.executable, str(HERE / "small_tool.py")]
    return {
        f'python -c "{IMPORTS}"': ([sys.executable, "-c", IMPORTS], {}),
        "small tool (argparse, json, tabulate)": ([*small, str(config), *STEP], {}),
        "symroof report llama-3.1-8b, warm": (report, warm),
        f"symroof report {LARGEST}, warm": ([SYMROOF, "report", LARGEST, *STEP], warm),
        'python -c "import sympy"': ([sys.executable, "-c", "import sympy"], {}),
        "symroof report llama-3.1-8b, cold": (report, cold),
        f"symroof report {LARGEST}, cold": ([SYMROOF, "report", LARGEST, *STEP], cold),
        "symroof --help": ([SYMROOF, "--help"], {}),
        "symroof report lama-3 (a mistake)": ([SYMROOF, "report", "lama-3"], {}),
    }


def wall(command: list[str], variables: dict[str, str]) -> float:
    """Seconds that a command takes."""
    start = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False, env={**os.environ, **variables})
    return time.perf_counter() - start


def in_turn(found: dict[str, tuple[list[str], dict[str, str]]], runs: int) -> dict[str, list[float]]:
    """The wall times of each command."""
    times: dict[str, list[float]] = {name: [] for name in found}
    for command in found.values():
        wall(*command)
    for _ in range(runs):
        for name, command in found.items():
            times[name].append(wall(*command))
    return times


def check(folder: str) -> None:
    """The small tool counts what symroof counts under its rules."""
    config = str(Path(folder, "config.json"))
    told = subprocess.run(
        [sys.executable, str(HERE / "small_tool.py"), config, *STEP], capture_output=True, text=True, check=True
    ).stdout
    total = symroof.load("llama-3.1-8b").report(cached=2048, rules="transformer-roofline-analyzer").total
    assert told.splitlines()[-1].split()[1:4] == [str(x) for x in (total.flops, total.weight_read, total.input)]


def best(function: Callable[[], object], number: int) -> float:
    """The least time of a call, in milliseconds."""
    return min(timeit.repeat(function, number=number, repeat=7)) / number * 1e3


def python() -> None:
    """Reports on loaded models."""
    print("\na report on a loaded model, milliseconds     rows   totals")
    for name in ("llama-3.1-8b", "gpt-oss-120b", "deepseek-v3", "jamba-v0.1", "gemma-3n-e4b", LARGEST):
        model = symroof.load(name)
        step = {"new": 3, "cached": 5000} if model.config.dtype() else {"new": 3, "cached": 5000, "dtype": "bf16"}
        rows = best(lambda model=model, step=step: model.report(**step).rows, 100)
        totals = best(lambda model=model, step=step: model.report(**step).total, 500)
        print(f"{name:<42}{rows:8.3f} {totals:8.3f}")
    draw = random.Random(1)
    model = symroof.load("llama-3.1-8b")
    print("\nqueries in the batch, all different, milliseconds for totals of llama-3.1-8b      lists  numpy's arrays")
    for size in (1, 1_000, 10_000, 100_000, 1_000_000):
        lists = [[draw.randint(1, 9_000) for _ in range(size)] for _ in range(2)]
        both = lists, [np.array(x) for x in lists]
        found = (best(lambda batch=batch: model.report(*batch).total, 5) for batch in both)
        print(f"{size:>9,} {''.join(f'{x:10.3f}' for x in found)}")
    print("\nlayers, milliseconds for totals of llama-3.1-8b with so many")
    for layers in (1, 32, 100_000):
        deep = model.with_sizes(L=layers)
        print(f"{layers:>9,} {best(lambda deep=deep: deep.report(3, 5000).total, 500):10.3f}")


def main(runs: int) -> None:
    """All tables."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"
    print(f"{machine}, Python {platform.python_version()}, medians of {runs} runs\n")
    with tempfile.TemporaryDirectory() as folder:
        found = commands(folder)
        check(folder)
        times = in_turn(found, runs)
    base = {name: statistics.median(x) for name, x in times.items()}
    names = list(found)
    against = {names[2]: names[0], names[3]: names[0], names[5]: names[4], names[6]: names[4]}
    for name, x in times.items():
        ratio = f"  {base[name] / base[against[name]]:5.2f} x {against[name]}" if name in against else ""
        print(f"{name:<56}{base[name]:7.3f} s  least {min(x):7.3f} s{ratio}")
    python()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 15)
