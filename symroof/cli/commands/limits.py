"""The command that prints what grows fastest. The symbolic half is imported inside it."""

from functools import partial

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.settings import Settings
from symroof.cli.terminal import Output


@click.command("limits", cls=Command, example="symroof limits llama-3.1-8b --cached-tokens 8192")
@options.step_on_machines
@options.full
@options.output
def limits_command(settings: Settings, full: bool, output: Output) -> None:
    """Leading terms for long context, large batch, long prompt, many experts; where attention passes the FFN."""
    platform, step, model = settings.platform(), settings.step(), settings.load()
    from symroof.analysis.limits import limits
    from symroof.render.results.limits import limits_text

    output.print_result(limits(model, platform, **step), partial(limits_text, full=full))
