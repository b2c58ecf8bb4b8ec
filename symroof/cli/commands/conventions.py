"""The command that compares counting conventions. The symbolic half is imported inside it."""

import click

from symroof.analysis.quoted_number import quote
from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.option_types import Count
from symroof.cli.settings import Settings
from symroof.cli.terminal import Output, print_warnings
from symroof.cost.batch import LARGEST


@click.command("conventions", cls=Command, example="symroof conventions llama-3.1-8b --tokens 8192")
@options.model
@options.number_option("--tokens", "Tokens of a sequence.", type=Count(1, LARGEST), default=2048, show_default=True)
@click.option(
    "--match",
    "quoted",
    metavar="NAME=NUMBER",
    help="Find the conventions that give a quoted number: flops=1.57e10, params=8.03B, kv=128KiB.",
)
@options.rules
@options.sizes
@options.mtp
@options.output
def conventions_command(settings: Settings, tokens: int, quoted: str | None, output: Output) -> None:
    """FLOP per token by the conventions of papers and tools, next to the exact count."""
    if quoted is not None:
        quote(quoted)  # a mistake is reported before sympy is imported
    model = settings.load()
    from symroof.analysis.conventions import by_convention
    from symroof.analysis.match import match
    from symroof.render.results.conventions import conventions_text
    from symroof.render.results.match import match_text

    if quoted is None:
        output.print_result(by_convention(model, tokens, settings["rules"]), conventions_text)
    else:
        output.print_result(match(model, quoted, tokens), match_text)
    print_warnings(model.warnings)
