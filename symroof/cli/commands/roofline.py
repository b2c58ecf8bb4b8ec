"""The command that times one step. The symbolic half is imported inside it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from symroof import plots
from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.per_machine import PerMachine, for_each_machine
from symroof.cli.settings import Settings
from symroof.cli.terminal import Output, json_text

if TYPE_CHECKING:
    from symroof.hardware.platform import Platform
    from symroof.model.model import Model


@click.command(
    "roofline", cls=Command, example="symroof roofline llama-3.1-70b --on h100-sxm --gpus 4 --cached-tokens 8192"
)
@options.step_on_machines
@options.anyway
@click.option("--rank", is_flag=True, help="Operators sorted by time, longest first.")
@options.full
@options.output_and_plot
def roofline_command(settings: Settings, anyway: bool, rank: bool, full: bool, output: Output) -> None:
    """How long a step takes at best, operator by operator, and what bounds it."""
    platforms = settings.platforms()
    plots.check_plot_options(output.plot, len(platforms))
    step, model = settings.batch(), settings.load_with_formats()
    from symroof.performance.roofline import roofline

    def on_platform(platform: "Platform", step: Mapping[str, Any]) -> Any:
        return roofline(model, platform, anyway=anyway, **{**settings.counting, **step})

    rooflines = for_each_machine(platforms, lambda x: on_platform(x, step))
    if output.plot:
        from symroof.plots.roofline import roofline_figure
        from symroof.plots.steps import with_counterpart

        steps = [with_counterpart(x, step | settings.formats, on_platform) for x in rooflines.results]
        output.draw(lambda: roofline_figure(steps))
    ranked = PerMachine(tuple(x.ranked if rank else x for x in rooflines.results), rooflines.failures)
    print_rooflines(ranked, model, settings, output, full)


def print_rooflines(rooflines: PerMachine, model: "Model", settings: Settings, output: Output, full: bool) -> None:
    """The roofline of a single machine with its crossovers, or those of several side by side."""
    from symroof.render.results.roofline import roofline_text
    from symroof.render.results.roofline_by_machine import rooflines_text

    if one := rooflines.only:
        crossings = batch_crossovers(model, one.platform, settings)
        content = {**one.to_dict(), "crossovers": [x.to_dict() for x in crossings]}
        text = roofline_text(one, output.width, crossings, full)
    else:
        content = rooflines.to_dict("rooflines")
        text = rooflines_text(rooflines.results, rooflines.failure_lines, output.width)
    output.print_text(json_text(content) if output.as_json else text)


def batch_crossovers(model: "Model", platform: "Platform", settings: Settings) -> Any:
    """The crossovers of as many queries as there are, each with the mean number of cached tokens."""
    from symroof.cost.batch import queries
    from symroof.performance.crossovers import crossovers

    groups = queries(**settings.batch())
    count = sum(x.count for x in groups)
    mean = sum(x.cached * x.count for x in groups) // count
    return crossovers(model, platform, mean, count, **settings.counting)
