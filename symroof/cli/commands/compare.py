"""The command that compares models side by side. The symbolic half is imported inside it."""

from functools import partial

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.option_types import ModelName
from symroof.cli.settings import Settings, load_model, split_names
from symroof.cli.terminal import Output
from symroof.errors import UsageError


@click.command("compare", cls=Command, example="symroof compare llama-3.1-8b qwen3-8b --cached-tokens 8192")
@click.argument("models", type=ModelName(), nargs=-1, required=True)
@click.option("--symbolic", is_flag=True, help="Why the second of two models costs more: closed forms by cause.")
@click.option("--quantity", multiple=True, metavar="NAME,...", help="Quantities to compare, with --symbolic.")
@options.batch
@options.formats
@options.counting
@options.full
@options.output
def compare_command(
    models: tuple[str, ...], symbolic: bool, quantity: tuple[str, ...], full: bool, settings: Settings, output: Output
) -> None:
    """Several models on one batch: parameters, FLOP, bytes, cache and storage side by side."""
    if quantity and not symbolic:
        raise click.UsageError("--quantity goes with --symbolic.")
    if full and not symbolic:
        raise click.UsageError("--full goes with --symbolic.")
    step = settings.step()
    if symbolic and len(models) != 2:
        raise UsageError(f"--symbolic compares exactly two models, got {len(models)}")
    loaded = [load_model(name) for name in models]
    if symbolic:
        from symroof.analysis.model_diff import USUAL, compare
        from symroof.render.results.model_diff import differences_text

        one, other = loaded
        differences = compare(one, other, split_names(quantity) or USUAL, **step)
        output.print_result(differences, partial(differences_text, full=full))
    else:
        from symroof.analysis.side_by_side import side_by_side
        from symroof.render.results.side_by_side import side_by_side_text

        output.print_result(side_by_side(loaded, **step), side_by_side_text)
