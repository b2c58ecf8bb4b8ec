"""The command that sets models side by side. The symbolic half is imported inside it."""

from collections.abc import Sequence
from typing import Any

import click

from symroof.cli import options
from symroof.cli.options import Command, described, listed, step_of
from symroof.cli.terminal import answer
from symroof.errors import UsageError


@click.command(cls=Command, example="symroof compare llama-3.1-8b qwen3-8b --cached-tokens 8192")
@click.argument("models", type=options.ModelName(), nargs=-1, required=True)
@click.option("--symbolic", is_flag=True, help="What makes the second of two models cost more: closed forms by cause.")
@click.option("--quantity", multiple=True, metavar="NAME,...", help="Of which quantities, with --symbolic.")
@options.gathered("batch", options.batch)
@options.precision
@options.gathered("counting", options.counting)
@options.as_json
@options.output
def compare(
    models: tuple[str, ...],
    symbolic: bool,
    quantity: tuple[str, ...],
    batch: dict[str, Any],
    counting: dict[str, Any],
    as_json: bool,
    output: str | None,
    **formats: str | None,
) -> None:
    """Several models on one batch: parameters, FLOP, bytes, cache and storage side by side."""
    if quantity and not symbolic:
        raise click.UsageError("--quantity goes with --symbolic.")
    step = {**step_of(**batch), **counting}
    if symbolic:
        differences(models, quantity, {**step, **formats}, as_json, output)
        return
    configs = [described(name, ()) for name in models]
    from symroof.analysis.side_by_side import lineup
    from symroof.model.model import Model
    from symroof.render.results.side_by_side import render

    found = lineup([Model(*x) for x in configs], **step, **formats)
    answer(found, render, as_json, output)


def differences(
    models: Sequence[str], quantities: Sequence[str], step: dict[str, Any], as_json: bool, output: str | None
) -> None:
    """Two models, as `compare --symbolic` tells them apart."""
    if len(models) != 2:
        raise UsageError(f"--symbolic tells two models apart: {len(models)} are named")
    configs = [described(name, ()) for name in models]
    from symroof.analysis import model_diff as apart
    from symroof.model.model import Model
    from symroof.render.results.model_diff import render

    one, other = (Model(*x) for x in configs)
    found = apart.compare(one, other, listed(quantities) or apart.USUAL, **step)
    answer(found, render, as_json, output)
