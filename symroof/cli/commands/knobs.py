"""The command that tells what a step's time hangs on. The symbolic half is imported inside it."""

from typing import Any

import click

from symroof.cli import options
from symroof.cli.machine_options import one_platform
from symroof.cli.options import Command, described, step_of
from symroof.cli.terminal import answer
from symroof.errors import UsageError


@click.command(cls=Command, example="symroof knobs llama-3.1-8b --on h100-sxm --cached-tokens 8192 --batch-size 16")
@options.model
@options.gathered("machines", options.on)
@click.option("--quantity", metavar="NAME", help="Of flops, bytes, cache_size, ... instead of the time on a machine.")
@options.gathered("batch", options.batch)
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@options.gathered("use", options.reach)
@options.anyway
@options.as_json
@options.output
def knobs(
    model: str,
    machines: dict[str, Any],
    quantity: str | None,
    batch: dict[str, Any],
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    use: dict[str, Any],
    anyway: bool,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """What a step's time hangs on: elasticities by every size, width, batch and machine symbol."""
    platform = one_platform(machines, use)
    if (platform is None) == (quantity is None):
        raise UsageError("knobs of what: of the time on a machine (--on), or of a --quantity such as flops; name one")
    step = step_of(**batch)
    config, architecture = described(model, sizes, mtp)
    from symroof.analysis import sensitivity
    from symroof.model.model import Model
    from symroof.render.results.sensitivity import render

    loaded = Model(config, architecture)
    step |= {**counting, **formats}
    found = sensitivity.knobs(loaded, platform, quantity, anyway=anyway, **step)
    answer(found, render, as_json, output)
