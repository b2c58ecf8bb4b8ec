"""The command that fills a machine's memory. The symbolic half is imported inside it."""

import json
from typing import Any

import click

from symroof.cli import options
from symroof.cli.machine_options import chosen, each, told
from symroof.cli.options import Command, described
from symroof.cli.terminal import width, write
from symroof.cost.batch import LARGEST


@click.command(cls=Command, example="symroof fit llama-3.1-8b --on l40s --context 32768")
@options.model
@options.gathered("machines", options.on)
@click.option(
    "--context",
    type=click.IntRange(1, LARGEST),
    metavar="N",
    help="Tokens in the cache after the step: solve for the batch.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, LARGEST),
    metavar="N",
    help="Queries: solve for the context; with --context for the number of machines.",
)
@options.precision
@options.gathered("counting", options.counting)
@options.sizes
@options.mtp
@options.as_json
@options.output
def fit(
    model: str,
    machines: dict[str, Any],
    context: int | None,
    batch_size: int | None,
    counting: dict[str, Any],
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """The largest batch, the longest context or the fewest machines that memory has room for."""
    from symroof.quantization.precision import precision

    used = chosen(**machines)
    config, architecture = described(model, sizes, mtp)
    precision(config, architecture, True, **formats)
    from symroof.model.model import Model
    from symroof.model.report import several
    from symroof.performance import fit as fitting
    from symroof.performance.decode_memory import demand
    from symroof.render.results import fit as rendered

    kept = demand(Model(config, architecture), **(counting | formats))
    found, failed = each(used, lambda x: fitting.fitted(kept, x, context, batch_size))
    folded = 0 if output else width()
    if len(used) > 1:
        text = rendered.side_by_side(found, told(failed), folded)
        shown = several("fits", found, failed)
    else:
        text, shown = rendered.render(found[0], folded), found[0].to_dict()
    write(json.dumps(shown, indent=2) + "\n" if as_json else text, output)
