"""The command that runs a model over a grid. The symbolic half is imported inside it.

Rows go to the file a block at a time. Ctrl-C and SIGTERM end a sweep after the block at hand: the file holds the whole
rows that are done. Whatever else ends it leaves no file, or the one that was there (and SIGKILL a hidden .symroof.*).
"""

import errno
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from symroof.cli import options
from symroof.cli.options import Command, described
from symroof.errors import shorten
from symroof.sweeps import writers
from symroof.sweeps.axes import Axis, axes

if TYPE_CHECKING:
    from symroof.hardware.machines import Machine
    from symroof.sweeps.plan import Plan

LONG = 10**6  # rows of a sweep that shows how far it is
NUMBERS = {"batch": "--batch-size", "new": "--input-tokens", "cached": "--cached-tokens"}


class Ended(click.ClickException):
    """A sweep that was ended by a signal."""

    def __init__(self, number: int, told: str) -> None:
        super().__init__(told)
        self.exit_code = 128 + number  # type: ignore[misc]  # click declares it on the class


@click.command(cls=Command, example="symroof sweep llama-3.1-8b --over batch=1:512:x2 --over cached=0:32768:+4096")
@click.argument("model", type=options.ModelName(), required=False)
@click.option(
    "--over",
    multiple=True,
    required=True,
    metavar="NAME=VALUES",
    help="An axis: batch=1,2,8, batch=1:512:x2, cached=0:131072:+4096, d=2048,4096, cache=bf16,fp8, "
    "on=h100-sxm,mi300x, gpus=1,2,4, model=a,b, rules=standard,standard+fused. Repeat it "
    "for more.",
)
@click.option(
    "--quantity",
    multiple=True,
    metavar="NAME,...",
    help="Columns: quantities of `symroof formula`, storage, memory, intensity; of a machine time, "
    "time.compute, time.memory, time.lower, energy, fits.  [default: flops,bytes, and time on a "
    "machine]",
)
@click.option("--cached-tokens", type=int, metavar="N", help="Tokens in the cache of each query.  [default: 0]")
@click.option("--input-tokens", type=int, metavar="N", help="New tokens of each query.  [default: 1]")
@click.option("--batch-size", type=int, metavar="N", help="Queries.  [default: 1]")
@click.option(
    "--hold",
    multiple=True,
    metavar="RATIO,...",
    help="Ratios of sizes to a swept one that stay: f/d,H_q*h/d with --over d=...",
)
@options.gathered("machines", options.on)
@options.gathered("use", options.reach)
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@click.option(
    "--engine",
    type=options.one_of("numpy", "dask", "jax", "cupy"),
    default="numpy",
    show_default=True,
    help="What computes it.",
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="Dask's, such as tcp://host:8786: of a cluster.")
@click.option("-o", "--output", type=options.Target(), help="FILE.csv, FILE.parquet or FILE.npz.  [default: CSV here]")
def sweep(
    model: str | None,
    over: tuple[str, ...],
    quantity: tuple[str, ...],
    cached_tokens: int | None,
    input_tokens: int | None,
    batch_size: int | None,
    hold: tuple[str, ...],
    machines: dict[str, Any],
    use: dict[str, Any],
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    engine: str,
    scheduler: str,
    output: str | None,
    **formats: str | None,
) -> None:
    """A model over a grid of batches, contexts, sizes, formats, machines: millions of points a second, to a file.

    Rows are in the order of the axes, settings (models, machines, formats, rules) first, the last axis fastest. FLOP,
    bytes, seconds, joules. Ctrl-C leaves the rows that are done.
    """
    found = axes(over)
    given = {"batch": batch_size, "new": input_tokens, "cached": cached_tokens}
    for x in found:
        if given.get(x.name) is not None:
            raise click.UsageError(f"{NUMBERS[x.name]} is swept over: leave it out.")
    if sizes and any(x.name == "model" for x in found):
        raise click.UsageError("--set changes a size of one model: give it in place of an axis of models.")
    output = None if output == "-" else output
    if output:
        writers.kind(output)
    whole = described(model, sizes, mtp) if model else None
    swept, on = onto(found, **machines)
    from symroof.model.model import Model
    from symroof.sweeps.sweep import plan

    asked: dict[str, Any] = {**counting, **formats}
    planned = plan(
        Model(*whole) if whole else None,
        swept,
        quantity,
        on=on,
        new=input_tokens,
        cached=cached_tokens,
        batch_size=batch_size,
        hold=hold,
        use=use,
        engine=engine,
        scheduler=scheduler,
        mtp=mtp,
        **asked,
    )
    save(planned, output)


def onto(
    found: Sequence[Axis],
    on: tuple[str, ...],
    inline: tuple[str, ...],
    machine_file: str | None,
    gpus: int,
) -> "tuple[dict[str, Any], Machine | None]":
    """The axes with machines in place of their names, and the machine where there is one for all."""
    from symroof.hardware.machines import chosen

    swept = {x.name: x.values for x in found}
    if gpus > 1 and "gpus" in swept:
        raise click.UsageError("--gpus is swept over: leave it out.")
    if "on" in swept and on:
        raise click.UsageError("--on is swept over: leave it out.")
    named = (*on, *swept.get("on", ()))
    if not named and not inline and not machine_file:
        return swept, None
    used = chosen(named, inline, machine_file, gpus)
    if len(used) == 1 and "on" not in swept:
        return swept, used[0]
    return {"on": used, **swept} if "on" not in swept else {**swept, "on": used}, None


def save(planned: "Plan", output: str | None) -> None:
    """Writes a sweep until it is done or ended."""
    done, total = 0, planned.rows
    try:
        with (
            ending() as ended,
            sheet(output, planned) as file,
            shown(total, output) as add,
            closing(planned.blocks()) as found,
        ):
            for rows in found:
                file.write(rows)
                done += len(rows)
                add(len(rows))
                if ended:
                    break
    except OSError as error:
        if error.errno == errno.EPIPE:  # click sees to it
            raise
        told = f"{shorten(output or 'output', 200)}: cannot be written: {error.strerror or error}"
        raise click.ClickException(f"{told}; {done:,} of {total:,} rows were computed") from error
    if ended and done < total:
        where = f"{shorten(output, 200)} holds" if output else "written are"
        raise Ended(ended[0], f"ended by {signal.Signals(ended[0]).name}: {where} {done:,} of {total:,} rows")


def sheet(output: str | None, planned: "Plan") -> AbstractContextManager[writers.Sheet]:
    """The file that rows go to, or the terminal."""
    if output is None:
        return writers.finished(writers.Csv(sys.stdout.buffer, planned.heads))
    return writers.opened(output, planned.heads)


@contextmanager
def ending() -> Iterator[list[int]]:
    """A list that Ctrl-C or SIGTERM put their number on; the second one ends the program as ever."""
    ended: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return
    before = {x: signal.getsignal(x) for x in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, _: Any) -> None:
        ended.append(number)
        signal.signal(number, before[signal.Signals(number)])

    for x in before:
        signal.signal(x, end)
    try:
        yield ended
    finally:
        for x, handler in before.items():
            signal.signal(x, handler)


@contextmanager
def shown(total: int, output: str | None) -> Iterator[Callable[[int], object]]:
    """How far a long sweep is, on a terminal that the rows do not go to."""
    if total < LONG or not sys.stderr.isatty() or (output is None and sys.stdout.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda rows: bar.advance(task, rows)
