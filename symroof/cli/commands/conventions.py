"""The command that counts in other ways. The symbolic half is imported inside it."""

import json

import click

from symroof.analysis.quoted_number import quote
from symroof.cli import options
from symroof.cli.options import Command, described
from symroof.cli.terminal import width, write
from symroof.cost.batch import LARGEST


@click.command(cls=Command, example="symroof conventions llama-3.1-8b --tokens 8192")
@options.model
@click.option(
    "--tokens",
    type=click.IntRange(1, LARGEST),
    default=2048,
    show_default=True,
    metavar="N",
    help="Tokens of a sequence.",
)
@click.option(
    "--match",
    "quoted",
    metavar="NAME=NUMBER",
    help="Which way of counting gives a quoted number: flops=1.57e10, params=8.03B, kv=128KiB.",
)
@options.rules
@options.sizes
@options.mtp
@options.as_json
@options.output
def conventions(
    model: str,
    tokens: int,
    quoted: str | None,
    rules: str,
    sizes: tuple[tuple[str, int], ...],
    mtp: bool,
    as_json: bool,
    output: str | None,
) -> None:
    """FLOP a token by the conventions of papers and tools, beside the exact count."""
    if quoted is not None:
        quote(quoted)  # a mistake is told before sympy is imported
    config, architecture = described(model, sizes, mtp)
    from symroof.analysis.conventions import by_convention
    from symroof.analysis.match import match
    from symroof.model.model import Model
    from symroof.render.results.conventions import render, render_match

    loaded, folded = Model(config, architecture), 0 if output else width()
    if quoted is None:
        table = by_convention(loaded, tokens, rules)
        text, shown = render(table, folded), table.to_dict()
    else:
        found = match(loaded, quoted, tokens)
        text, shown = render_match(found, folded), found.to_dict()
    write(json.dumps(shown, indent=2) + "\n" if as_json else text, output)
