"""The command that lists the built-in models."""

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.terminal import print_rows, terminal_width, write_text


@click.command("models", cls=Command, example="symroof models --family llama")
@click.option("--family", default="", metavar="NAME", help="Only models of this family.")
@options.as_json
def models_command(family: str, as_json: bool) -> None:
    """Built-in models: parameters, layers, context, attention, cache, and where their configs are from.

    Cache/token: what a token adds while the cache grows; full cache: of one query at the longest context. Grade of the
    config: released (the released file), copies (independent copies of it agree), dimensions (from a secondary source),
    defaults (of its class in transformers).
    """
    from symroof.families.reading.catalogue import FIGURES, catalogue_rows

    rows = catalogue_rows(family)
    if as_json:
        print_rows(FIGURES, rows, True)
        return
    from symroof.render.listings.models import models_table

    write_text(models_table(rows, terminal_width()), None)
