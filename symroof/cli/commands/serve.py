"""The command that serves a batch from prompt to last token. The symbolic half is imported inside it."""

from typing import TYPE_CHECKING, Any

import click

from symroof import plots
from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.per_machine import PerMachine, for_each_machine
from symroof.cli.settings import Settings, load_model
from symroof.cli.terminal import Output, json_text

if TYPE_CHECKING:
    from symroof.hardware.platform import Platform
    from symroof.performance.serving_steps import Draft


@click.command(
    "serve", cls=Command, example="symroof serve llama-3.1-8b --on h200-sxm --prompt 2000 --output-tokens 500"
)
@options.model
@options.machines
@options.workload
@options.drafting
@options.costs
@options.formats
@options.rules
@options.sizes
@options.rates
@options.anyway
@options.output_and_plot
def serve_command(settings: Settings, anyway: bool, output: Output) -> None:
    """Time to first token, time per token, throughput, energy and price of a served batch."""
    from symroof.cost.batch import Workload

    platforms = settings.platforms(joules=(settings["joules_per_flop"], settings["joules_per_byte"]))
    plots.check_plot_options(output.plot, len(platforms), settings["output_tokens"])
    prices = settings.machine_prices()
    names = ("prompt", "output_tokens", "batch_size", "cached_tokens", "chunk")
    workload = Workload(*settings.choose(*names).values())
    if (settings["draft"] is None) != (settings["acceptance"] is None):
        raise click.UsageError("--draft and --acceptance go together: give a draft model and the fraction accepted.")
    model, draft = settings.load_with_formats(), draft_model(settings)
    from symroof.performance.serving import serve

    def on_platform(platform: "Platform") -> Any:
        price = prices[platform.machine.name]
        return serve(model, platform, workload, settings["rules"], draft, price, anyway, **settings.formats)

    servings = for_each_machine(platforms, on_platform)
    draw_servings(servings, settings, output)
    print_servings(servings, output)


def draft_model(settings: Settings) -> "Draft | None":
    """The draft model of speculative decoding, None where there is none."""
    if not settings["draft"]:
        return None
    model = load_model(settings["draft"])
    from symroof.performance.serving_steps import Draft

    return Draft(model, settings["draft_tokens"], settings["acceptance"])


def draw_servings(servings: PerMachine, settings: Settings, output: Output) -> None:
    """The picture of all machines, where one is requested."""
    if not output.plot:
        return
    from symroof.plots.serving import batch_curve, serving_figure, serving_title

    curves = [batch_curve(x, **settings.formats) for x in servings.results]
    title = serving_title(servings.results[0], len(servings.results) + len(servings.failures))
    output.draw(lambda: serving_figure(curves, title))


def print_servings(servings: PerMachine, output: Output) -> None:
    """Each machine's figures, one after the other."""
    from symroof.render.results.serving import serving_text

    if output.as_json:
        output.print_text(json_text(servings.to_dict("servings")))
    else:
        texts = (serving_text(x, output.width) for x in servings.results)
        output.print_text("\n".join([*texts, *servings.failure_lines]))
