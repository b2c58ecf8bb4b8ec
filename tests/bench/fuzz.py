"""Very many odd inputs, in this process: how they end, and each that ends in a traceback, late or in an unsound figure.

python tests/bench/fuzz.py [COUNT [SEED [PROCESSES [MINUTES]]]]    ends after so many inputs, or minutes
python tests/bench/fuzz.py KIND NUMBER                              one of them again
"""

import os
import shlex
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from types import FrameType

sys.path.insert(0, str(Path(__file__).parent.parent))
os.environ["SYMROOF_TRACEBACK"] = "1"  # a config's unforeseen exceptions are finds

from odd_inputs import LINES, Outcome, invoke, outcome

SHARES = {"configs": 8, "options": 4, "questions": 3, "machines": 2, "sweeps": 3}  # of every 20
KINDS = [kind for kind, share in SHARES.items() for _ in range(share)]
LONGEST = 10  # seconds of processor time
BLOCK = 200  # inputs per task
LATE = "late"


class LateError(BaseException):
    """An input that takes longer than LONGEST; no handler of exceptions stops it."""


def stop(signum: int, frame: FrameType | None) -> None:
    """Ends an input that is late."""
    raise LateError


def odd_line(kind: str, number: int, files: Path) -> list[str]:
    """The command line of one input."""
    return LINES[kind](Random(f"{kind} {number}"), files)


def timed_outcome(words: list[str]) -> Outcome:
    """How a command ends, at the latest after LONGEST seconds of processor time."""
    signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LONGEST)
    try:
        return outcome(words)
    except LateError:
        return Outcome(LATE, f"longer than {LONGEST} s")
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def run_block(first: int, count: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """The outcomes of inputs `first` on, and what was found."""
    counts: Counter[tuple[str, str]] = Counter()
    finds = []
    with tempfile.TemporaryDirectory(prefix="symroof-fuzz-") as files:
        for number in range(first, first + count):
            kind = KINDS[number % len(KINDS)]
            words = odd_line(kind, number, Path(files))
            found = timed_outcome(words)
            counts[kind, found.kind] += 1
            if found.fault:
                finds.append(f"{kind} {number}: {found.kind}: {found.fault[:200]!r}: {shlex.join(words)[:300]!a}")
    return counts, finds


def blocks(count: int, seed: int, processes: int) -> Iterator[tuple[Counter[tuple[str, str]], list[str]]]:
    """The outcomes of all inputs, a block at a time."""
    starts = range(seed * 10**9, seed * 10**9 + count, BLOCK)
    with ProcessPoolExecutor(processes) as pool:
        try:
            yield from pool.map(run_block, starts, [BLOCK] * len(starts))
        finally:
            pool.shutdown(cancel_futures=True)


def run_all(count: int, seed: int, processes: int, minutes: int) -> int:
    """Print what was found as it is found, then the counts; the number of finds."""
    counts: Counter[tuple[str, str]] = Counter()
    start, total = time.perf_counter(), 0
    for some, finds in blocks(count, seed, processes):
        counts += some
        total += len(finds)
        for find in finds:
            print(find, flush=True)
        if time.perf_counter() - start > 60 * minutes:
            break
    print_counts(counts)
    seconds = time.perf_counter() - start
    print(f"{counts.total():,} inputs of seed {seed} in {seconds:,.0f} s on {processes} processes: {total} finds")
    return total


def print_counts(counts: Counter[tuple[str, str]]) -> None:
    """A table of outcomes by kind of input."""
    outcomes = list(dict.fromkeys(x for _, x in counts))
    print("".join(f"{x:>13}" for x in ("", *outcomes)))
    for kind in SHARES:
        print(f"{kind:>13}" + "".join(f"{counts[kind, x]:>13,}" for x in outcomes))


def show(kind: str, number: int) -> None:
    """Run one input again, with its traceback."""
    with tempfile.TemporaryDirectory(prefix="symroof-fuzz-") as files:
        words = odd_line(kind, number, Path(files))
        print(shlex.join(words))
        for file in Path(files).iterdir():
            print(file.read_text())
        result = invoke(words)
        print(result.output)
        if result.exc_info:
            traceback.print_exception(*result.exc_info)


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in LINES:
        show(sys.argv[1], int(sys.argv[2]))
    else:
        given = [int(x) for x in sys.argv[1:]]
        sys.exit(min(run_all(*given, *(100_000, 0, 2, 60)[len(given) :]), 1))
