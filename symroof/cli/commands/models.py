"""The command that lists the built-in models."""

import click

from symroof.cli import options
from symroof.cli.options import Command
from symroof.cli.terminal import listing, width, write


@click.command(cls=Command, example="symroof models --family llama")
@click.option("--family", default="", metavar="NAME", help="Only models of this family.")
@options.as_json
def models(family: str, as_json: bool) -> None:
    """Built-in models: parameters, layers, context, attention, cache, and where their configs are from."""
    from symroof.families.reading.catalogue import FIGURES, rows

    found = rows(family)
    if as_json:
        listing(FIGURES, found, True)
        return
    from symroof.render.listings.models import table

    write(table(found, width()), None)
