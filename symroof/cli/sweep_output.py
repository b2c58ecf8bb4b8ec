"""The rows of a sweep on their way to a file or the terminal, a block at a time.

Ctrl-C and SIGTERM end a sweep after the current block: the file holds the whole rows computed so far. If anything else
ends it, no file is left, or the one that was there before (SIGKILL leaves a hidden .symroof.*).
"""

import errno
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from symroof.errors import shorten
from symroof.sweeps import writers

if TYPE_CHECKING:
    from symroof.sweeps.plan import SweepPlan

LONG = 10**6  # rows of a sweep that shows its progress


class Interrupted(click.ClickException):
    """A sweep that a signal ended after some of its rows."""

    def __init__(self, number: int, rows: str, output: str | None) -> None:
        where = f"{shorten(output, 200)} holds {rows}" if output else f"{rows} were written"
        super().__init__(f"ended by {signal.Signals(number).name}: {where}")
        self.exit_code = 128 + number  # type: ignore[misc]  # click declares it on the class


def write_sweep(plan: "SweepPlan", output: str | None) -> None:
    """Write a sweep until it is complete or a signal ends it."""
    done = 0
    try:
        with (
            catch_signals() as signals,
            open_rows(output, plan) as file,
            progress_bar(plan.rows, output) as advance,
            closing(plan.blocks()) as blocks,
        ):
            for rows in blocks:
                file.write(rows)
                done += len(rows)
                advance(len(rows))
                if signals:
                    break
    except OSError as error:
        if error.errno == errno.EPIPE:  # click handles it
            raise
        reason = f"{shorten(output or 'output', 200)}: cannot be written: {error.strerror or error}"
        raise click.ClickException(f"{reason}; {done:,} of {plan.rows:,} rows were computed") from error
    if signals and done < plan.rows:
        raise Interrupted(signals[0], f"{done:,} of {plan.rows:,} rows", output)


def open_rows(output: str | None, plan: "SweepPlan") -> AbstractContextManager[writers.Sheet]:
    """The file that rows are written to, or standard output."""
    if output is None:
        return writers.finishing(writers.Csv(sys.stdout.buffer, plan.header))
    return writers.open_sheet(output, plan.header)


@contextmanager
def catch_signals() -> Iterator[list[int]]:
    """A list to which Ctrl-C and SIGTERM append their number; a second one has its usual effect."""
    signals: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    handlers = {x: signal.getsignal(x) for x in (signal.SIGINT, signal.SIGTERM)}

    def catch(number: int, _: Any) -> None:
        signals.append(number)
        signal.signal(number, handlers[signal.Signals(number)])

    for x in handlers:
        signal.signal(x, catch)
    try:
        yield signals
    finally:
        for x, handler in handlers.items():
            signal.signal(x, handler)


@contextmanager
def progress_bar(total: int, output: str | None) -> Iterator[Callable[[int], object]]:
    """A function that advances the progress bar of a long sweep, on a terminal that rows are not written to."""
    if total < LONG or not sys.stderr.isatty() or (output is None and sys.stdout.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda rows: bar.advance(task, rows)
