"""The command that lists the model types that can be read."""

import click

from symroof.cli import options
from symroof.cli.command import Command
from symroof.cli.terminal import print_rows, terminal_width, write_text


@click.command("families", cls=Command, example="symroof families")
@options.as_json
def families_command(as_json: bool) -> None:
    """Model types whose configs can be read."""
    types = model_types()
    if as_json:
        rows = [(name, kind, about) for kind, members in types.items() for name, about in members.items()]
        print_rows(("model_type", "kind", "about"), rows, True)
        return
    from symroof.render.text_columns import hanging_columns

    lines = [(f"{kind} ({len(members)})", ", ".join(members)) for kind, members in types.items()]
    write_text(hanging_columns(lines, terminal_width() or 100), None)


def model_types() -> dict[str, dict[str, str]]:
    """By kind the model types, sorted, and what is to say about each."""
    from symroof.families.multimodal import WRAPPERS
    from symroof.families.reading.unsupported import REFUSED
    from symroof.families.registry import FAMILIES

    return {
        "text": dict.fromkeys(sorted(set(FAMILIES) - set(WRAPPERS)), ""),
        "multimodal": dict.fromkeys(sorted(set(FAMILIES) & set(WRAPPERS)), "its text part"),
        "not covered": dict(sorted(REFUSED.items())),
    }
