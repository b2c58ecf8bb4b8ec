"""The command that lists the built-in machines."""

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.terminal import json_text, terminal_width, write_text


@click.command("machines", cls=Command, example="symroof machines --vendor nvidia")
@click.option("--vendor", default="", metavar="NAME", help="Only machines of this vendor.")
@options.as_json
def machines_command(vendor: str, as_json: bool) -> None:
    """Accelerators and CPUs: dense peaks, memory, bandwidth, link, power; sources with --json."""
    from symroof.hardware.machines import machines_of_vendor
    from symroof.render.listings.machines import machines_table

    machines = machines_of_vendor(vendor)
    text = json_text([x.to_dict() for x in machines]) if as_json else machines_table(machines, terminal_width())
    write_text(text, None)
