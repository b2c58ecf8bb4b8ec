"""The command that lists the model types that can be read."""

import click

from symroof.cli import options
from symroof.cli.options import Command
from symroof.cli.terminal import listing, width, write


@click.command(cls=Command, example="symroof families")
@options.as_json
def families(as_json: bool) -> None:
    """The model types whose configs can be read."""
    from symroof.families.multimodal import WRAPPERS
    from symroof.families.reading.unsupported import REFUSED
    from symroof.families.registry import FAMILIES

    kinds = {
        "text": [(name, "") for name in FAMILIES if name not in WRAPPERS],
        "multimodal": [(name, "its text part") for name in FAMILIES if name in WRAPPERS],
        "not covered": list(REFUSED.items()),
    }
    if as_json:
        rows = [(name, kind, why) for kind, found in kinds.items() for name, why in sorted(found)]
        listing(("model_type", "kind", "about"), rows, True)
        return
    from symroof.render.text_columns import hanging

    named = [(f"{kind} ({len(found)})", ", ".join(sorted(name for name, _ in found))) for kind, found in kinds.items()]
    write(hanging(named, width() or 100), None)
