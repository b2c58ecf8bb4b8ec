"""The command that lists the vocabulary. The symbolic half is imported inside it."""

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.terminal import print_rows


@click.command("symbols", cls=Command, example="symroof symbols")
@options.as_json
def symbols_command(as_json: bool) -> None:
    """Every symbol that can occur in a formula."""
    from symroof.symbols import VOCABULARY

    rows = [(name, x.group, x.meaning, x.unit, " ".join(x.keys)) for name, x in VOCABULARY.items()]
    print_rows(("symbol", "group", "meaning", "unit", "config keys"), rows, as_json)
