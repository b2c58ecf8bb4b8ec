"""The command that lists the counting rules."""

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.terminal import print_rows, terminal_width, write_text


@click.command("rules", cls=Command, example="symroof rules")
@options.as_json
def rules_command(as_json: bool) -> None:
    """Counting rules: whole sets, and variants that change one choice."""
    from symroof.cost.rule_names import RULEBOOK

    rows = [(name, "set" if x.base else "variant", x.meaning, x.source) for name, x in RULEBOOK.items()]
    if as_json:
        print_rows(("rule", "kind", "meaning", "source"), rows, as_json)
        return
    from symroof.render.text_columns import hanging_columns

    for kind in ("set", "variant"):
        meanings = [(name, f"{meaning} ({source})") for name, k, meaning, source in rows if k == kind]
        write_text(f"{kind}s\n{hanging_columns(meanings, terminal_width() or 100)}", None)
