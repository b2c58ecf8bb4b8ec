"""The command that runs a model over a grid. The symbolic half is imported inside it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.option_types import OutputPath, one_of
from symroof.cli.settings import Settings
from symroof.cli.terminal import print_warnings
from symroof.sweeps import writers
from symroof.sweeps.axes import axes

if TYPE_CHECKING:
    from symroof.hardware.machines import Machine

SWEPT = {"batch": "batch_size", "new": "input_tokens", "cached": "cached_tokens"}  # parameters that an axis replaces


@click.command(
    "sweep", cls=Command, example="symroof sweep llama-3.1-8b --over batch=1:512:x2 --over cached=0:32768:+4096"
)
@options.optional_model
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
@options.uniform_batch
@click.option(
    "--hold",
    multiple=True,
    metavar="RATIO,...",
    help="Ratios of sizes to a swept one held constant: f/d,H_q*h/d with --over d=...; L: the sum of all kinds of "
    "layers, with --over L_full=...",
)
@options.machines
@options.rates
@options.variant
@click.option(
    "--engine", type=one_of("numpy", "dask", "jax", "cupy"), default="numpy", show_default=True, help="Array library."
)
@click.option("--scheduler", default="", metavar="ADDRESS", help="Dask scheduler of a cluster: tcp://host:8786.")
@click.option(
    "-o", "--output", type=OutputPath(), help="FILE.csv, FILE.parquet or FILE.npz.  [default: CSV to standard output]"
)
def sweep_command(
    settings: Settings, over: tuple[str, ...], quantity: tuple[str, ...], output: str | None, **how: Any
) -> None:
    """A model over a grid of batches, contexts, sizes, formats and machines, written to a file.

    Rows are in the order of the axes, settings (models, machines, formats, rules) first, the last axis fastest. FLOP,
    bytes, seconds, joules. Millions of points per second. Ctrl-C leaves the rows computed so far.
    """
    swept = {x.name: x.values for x in axes(over)}
    check_axes(swept, settings)
    output = None if output == "-" else output
    if output:
        writers.writer_class(output)
    model = settings.load() if settings["model"] else None
    grid, machine = with_machines(swept, settings)
    from symroof.cli.sweep_output import write_sweep
    from symroof.sweeps.sweep import plan_sweep

    common: dict[str, Any] = {**settings.uniform_batch, **settings.counting, **how}
    plan = plan_sweep(model, grid, quantity, on=machine, use=settings.rates, mtp=settings["mtp"], **common)
    write_sweep(plan, output)
    print_warnings(plan.warnings)


def check_axes(swept: Mapping[str, Any], settings: Settings) -> None:
    """Raise click.UsageError for an option that an axis replaces."""
    for name, parameter in SWEPT.items():
        if name in swept and settings[parameter] is not None:
            raise click.UsageError(f"--{parameter.replace('_', '-')} is swept over: leave it out.")
    if settings["sizes"] and "model" in swept:
        raise click.UsageError("--set changes a size of one model: give it in place of an axis of models.")


def with_machines(swept: dict[str, Any], settings: Settings) -> "tuple[dict[str, Any], Machine | None]":
    """The axes with machines in place of their names, and the machine where all points have the same."""
    if settings["gpus"] > 1 and "gpus" in swept:
        raise click.UsageError("--gpus is swept over: leave it out.")
    if "on" in swept and settings["on"]:
        raise click.UsageError("--on is swept over: leave it out.")
    named = Settings(settings, on=(*settings["on"], *swept.get("on", ())))
    if not named.has_machines:
        return swept, None
    machines = named.machines()
    if len(machines) == 1 and "on" not in swept:
        return swept, machines[0]
    return {"on": machines, **swept} if "on" not in swept else {**swept, "on": machines}, None
