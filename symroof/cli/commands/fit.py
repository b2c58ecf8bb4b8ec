"""The command that fills a machine's memory. The symbolic half is imported inside it."""

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.option_types import Count
from symroof.cli.per_machine import for_each_machine
from symroof.cli.settings import Settings
from symroof.cli.terminal import Output, json_text
from symroof.cost.batch import LARGEST


@click.command("fit", cls=Command, example="symroof fit llama-3.1-8b --on l40s --context 32768")
@options.model
@options.machines
@options.number_option("--context", "Tokens in the cache after the step: solve for the batch.", type=Count(1, LARGEST))
@options.number_option(
    "--batch-size",
    "Number of queries: solve for the context; with --context for the number of machines.",
    type=Count(1, LARGEST),
)
@options.variant
@options.output
def fit_command(settings: Settings, context: int | None, batch_size: int | None, output: Output) -> None:
    """Largest batch, longest context or fewest machines that memory has room for."""
    machines, model = settings.machines(), settings.load_with_formats()
    from symroof.performance.decode_memory import decode_memory
    from symroof.performance.fit import fit_decode_memory
    from symroof.render.results.fit import fit_text, fits_text

    memory = decode_memory(model, **settings.counting)
    fits = for_each_machine(machines, lambda x: fit_decode_memory(memory, x, context, batch_size))
    if output.as_json:
        output.print_text(json_text(fits.to_dict("fits")))
    elif fits.only:
        output.print_text(fit_text(fits.only, output.width))
    else:
        output.print_text(fits_text(fits.results, fits.failure_lines, output.width))
