"""The command that lists the counting rules."""

import click

from symroof.cli import options
from symroof.cli.options import Command
from symroof.cli.terminal import listing, width, write


@click.command(cls=Command, example="symroof rules")
@options.as_json
def rules(as_json: bool) -> None:
    """Counting rules: whole sets, and variants that change one choice."""
    from symroof.cost.rule_names import RULEBOOK

    rows = [(name, "set" if x.base else "variant", x.meaning, x.source) for name, x in RULEBOOK.items()]
    if as_json:
        listing(("rule", "kind", "meaning", "source"), rows, as_json)
        return
    from symroof.render.text_columns import hanging

    for kind in ("set", "variant"):
        named = [(name, f"{meaning} ({source})") for name, k, meaning, source in rows if k == kind]
        write(f"{kind}s\n{hanging(named, width() or 100)}", None)
