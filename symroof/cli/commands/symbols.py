"""The command that lists the vocabulary. The symbolic half is imported inside it."""

import click

from symroof.cli import options
from symroof.cli.options import Command
from symroof.cli.terminal import listing


@click.command(cls=Command, example="symroof symbols")
@options.as_json
def symbols(as_json: bool) -> None:
    """Every symbol that can occur in a formula."""
    from symroof.symbols import VOCABULARY

    rows = [(name, x.group, x.meaning, x.unit, " ".join(x.keys)) for name, x in VOCABULARY.items()]
    listing(("symbol", "group", "meaning", "unit", "config keys"), rows, as_json)
