"""How long commands take to answer, beside what they are made of; the median of several runs of each.

python tests/bench/startup.py
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SYMROOF = str(Path(sys.executable).with_name("symroof"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import click, rich": [sys.executable, "-c", "import click, rich.console, rich.table"],
    "import sympy": [sys.executable, "-c", "import sympy"],
    "symroof --help": [SYMROOF, "--help"],
    "symroof report lama-3 (a mistake)": [SYMROOF, "report", "lama-3"],
    "symroof models": [SYMROOF, "models"],
    "symroof report llama-3.1-8b": [SYMROOF, "report", "llama-3.1-8b", "--cached-tokens", "2048"],
    "symroof report llama-4-maverick": [SYMROOF, "report", "llama-4-maverick", "--cached-tokens", "2048"],
    "symroof formula llama-4-maverick": [SYMROOF, "formula", "llama-4-maverick"],
}


def seconds(command: list[str], runs: int = 9) -> float:
    """Median wall time."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=False)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for name, command in COMMANDS.items():
        print(f"{name:<36}{seconds(command):7.3f} s")
