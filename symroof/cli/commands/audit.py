"""The command that says what becomes of a config's keys."""

import click

from symroof.cli import options
from symroof.cli.options import Command, described
from symroof.cli.terminal import listing, width, write
from symroof.errors import ConfigError, shorten


@click.command(cls=Command, example="symroof audit llama-4-scout")
@options.model
@options.mtp
@options.as_json
def audit(model: str, mtp: bool, as_json: bool) -> None:
    """What a result takes of each key of a config: used, filled in by default, or left aside and why."""
    from symroof.config.audit import audit as audited

    found = audited(*described(model, (), mtp))
    if as_json:
        listing(("key", "value", "status", "reason"), [(x.key, x.value, x.status, x.reason) for x in found], True)
    else:
        from symroof.render.listings.audit import table

        write(table(found, width()), None)
    if unknown := [x.key for x in found if x.status == "unknown"]:
        told = f"{len(unknown)} of {len(found)} keys are not understood: {shorten(', '.join(unknown), 200)}"
        raise ConfigError(f"{told}; what they would change is not in any figure")
