"""The command that lists the built-in machines."""

import json

import click

from symroof.cli import options
from symroof.cli.options import Command
from symroof.cli.terminal import width, write


@click.command(cls=Command, example="symroof machines --vendor nvidia")
@click.option("--vendor", default="", metavar="NAME", help="Only machines of this vendor.")
@options.as_json
def machines(vendor: str, as_json: bool) -> None:
    """Accelerators and CPUs: dense peaks, memory, bandwidth, link, power; sources with --json."""
    from symroof.hardware.machines import of_vendor
    from symroof.render.listings.machines import table

    found = of_vendor(vendor)
    write(json.dumps([x.to_dict() for x in found], indent=2) + "\n" if as_json else table(found, width()), None)
