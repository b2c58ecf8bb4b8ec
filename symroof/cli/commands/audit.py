"""The command that reports how each key of a config is used."""

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.settings import Settings, read_model
from symroof.cli.terminal import print_rows, print_warnings, terminal_width, write_text
from symroof.errors import ConfigError, shorten


@click.command("audit", cls=Command, example="symroof audit llama-4-scout")
@options.model
@options.mtp
@options.as_json
def audit_command(settings: Settings, as_json: bool) -> None:
    """How each key of a config is used: read, filled in by default, or left aside and why."""
    from symroof.config.audit import audit

    config, architecture = read_model(settings["model"], (), settings["mtp"])
    keys = audit(config, architecture)
    if as_json:
        print_rows(("key", "value", "status", "reason"), [(x.key, x.value, x.status, x.reason) for x in keys], True)
    else:
        from symroof.render.listings.audit import audit_table

        write_text(audit_table(keys, terminal_width()), None)
    if unknown := [x.key for x in keys if x.status == "unknown"]:
        names = shorten(", ".join(unknown), 200)
        raise ConfigError(
            f"{len(unknown)} of {len(keys)} keys are not understood, and no figure includes them: {names}"
        )
    print_warnings(config.warnings)
