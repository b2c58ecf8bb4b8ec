"""The command that differentiates a step's time by each size. The symbolic half is imported inside it."""

from functools import partial

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.settings import Settings
from symroof.cli.terminal import Output
from symroof.errors import UsageError


@click.command(
    "knobs",
    cls=Command,
    example="symroof knobs llama-3.1-8b --on h100-sxm --cached-tokens 8192 --batch-size 16",
)
@options.model
@options.machines
@click.option("--quantity", metavar="NAME", help="Of flops, bytes, cache_size, ... instead of the time on a machine.")
@options.batch
@options.variant
@options.rates
@options.anyway
@options.full
@options.output
def knobs_command(settings: Settings, quantity: str | None, anyway: bool, full: bool, output: Output) -> None:
    """Sensitivity of step time to each size and rate: elasticities by size, width, batch and machine symbol."""
    platform = settings.platform()
    if (platform is None) == (quantity is None):
        raise UsageError("knobs need either a machine (--on) or a --quantity such as flops: name one")
    step, model = settings.step(), settings.load()
    from symroof.analysis.sensitivity import knobs
    from symroof.render.results.sensitivity import knobs_text

    output.print_result(knobs(model, platform, quantity, anyway=anyway, **step), partial(knobs_text, full=full))
