"""The command that times one step. The symbolic half is imported inside it."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from symroof import plots
from symroof.cli import options
from symroof.cli.machine_options import each, platforms, told
from symroof.cli.options import Command, described, step_of
from symroof.cli.terminal import keep, width, write

if TYPE_CHECKING:
    from symroof.hardware.platform import Platform


@click.command(cls=Command, example="symroof roofline llama-3.1-70b --on h100-sxm --gpus 4 --cached-tokens 8192")
@options.model
@options.gathered("machines", options.on)
@options.gathered("batch", options.batch)
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@options.gathered("use", options.reach)
@options.anyway
@click.option("--rank", is_flag=True, help="The operators that take longest first.")
@options.as_json
@options.plot
@options.output
def roofline(
    model: str,
    machines: dict[str, Any],
    batch: dict[str, Any],
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    use: dict[str, Any],
    anyway: bool,
    rank: bool,
    as_json: bool,
    plot: str | None,
    output: str | None,
    **formats: str | None,
) -> None:
    """How long a step takes at best, operator by operator, and what bounds it."""
    from symroof.cost.batch import queries
    from symroof.quantization.precision import precision

    used = platforms(machines, use)
    plots.check(plot, len(used))
    step = {**step_of(**batch), **formats}
    asked = queries(step["new"], step["cached"], step["batch_size"])
    config, architecture = described(model, sizes, mtp)
    precision(config, architecture, True, **formats)
    from symroof.model.model import Model
    from symroof.model.report import several
    from symroof.performance import roofline as rooflines
    from symroof.performance.crossovers import crossovers
    from symroof.render.results import roofline as rendered

    loaded, count = Model(config, architecture), sum(x.count for x in asked)
    mean = sum(x.cached * x.count for x in asked) // count

    def at(where: "Platform", asked: Mapping[str, Any]) -> Any:
        return rooflines.roofline(loaded, where, anyway=anyway, **counting, **asked)

    found, failed = each(used, lambda x: at(x, step))
    if plot:
        from symroof.plots import roofline as drawn
        from symroof.plots.steps import with_counterpart

        steps = [with_counterpart(x, step, at) for x in found]
        keep(plots.encoded(lambda: drawn.figure(steps), plot), plot)
    found = [x.ranked for x in found] if rank else found
    folded = 0 if output else width()
    if len(used) > 1:
        text = rendered.side_by_side(found, told(failed), folded)
        shown: dict[str, Any] = several("rooflines", found, failed)
    else:
        crossed = crossovers(loaded, used[0], mean, count, **(counting | formats))
        text = rendered.render(found[0], folded, crossed)
        shown = {**found[0].to_dict(), "crossovers": [x.to_dict() for x in crossed]}
    write(json.dumps(shown, indent=2) + "\n" if as_json else text, output)
