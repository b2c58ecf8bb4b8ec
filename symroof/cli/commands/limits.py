"""The command that tells what grows fastest. The symbolic half is imported inside it."""

from typing import Any

import click

from symroof.cli import options
from symroof.cli.machine_options import one_platform
from symroof.cli.options import Command, described, step_of
from symroof.cli.terminal import answer


@click.command(cls=Command, example="symroof limits llama-3.1-8b --cached-tokens 8192")
@options.model
@options.gathered("machines", options.on)
@options.gathered("batch", options.batch)
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@options.gathered("use", options.reach)
@options.as_json
@options.output
def limits(
    model: str,
    machines: dict[str, Any],
    batch: dict[str, Any],
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    use: dict[str, Any],
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """Leading terms for long context, large batch, long prompt, many experts; where attention passes the FFN."""
    platform = one_platform(machines, use)
    step = step_of(**batch)
    config, architecture = described(model, sizes, mtp)
    from symroof.analysis import limits as asymptotics
    from symroof.model.model import Model
    from symroof.render.results.limits import render

    step |= {**counting, **formats}
    found = asymptotics.limits(Model(config, architecture), platform, **step)
    answer(found, render, as_json, output)
