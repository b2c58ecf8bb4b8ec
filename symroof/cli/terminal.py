"""Where output goes: the terminal at its width, a pipe, or a file that is there whole or not at all."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from symroof.errors import shorten

if TYPE_CHECKING:
    from symroof.model.report import Report


def show(report: "Report", form: str, output: str | None) -> None:
    """The report in its form; a table on the terminal takes the terminal's width and colours."""
    from symroof import render

    if form != "table" or output not in (None, "-"):
        write(render.render(report, form), output)
        return
    from rich.console import Console

    from symroof.render.report import table

    console = Console(highlight=False)
    table.show(report, console, console.width if console.is_terminal else 100)


def width() -> int:
    """Columns to fold text at: the terminal's; 0 in a pipe, where nothing is folded."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def answer(found: Any, render: Callable[[Any, int], str], as_json: bool, output: str | None) -> None:
    """A result, as JSON or rendered at the width that text is folded at."""
    import json

    text = json.dumps(found.to_dict(), indent=2) + "\n" if as_json else render(found, 0 if output else width())
    write(text, output)


def write(text: str, output: str | None) -> None:
    """To the terminal, or to a file that is there whole or not at all."""
    if output is None or output == "-":
        click.echo(text, nl=not text.endswith("\n"))
    else:
        keep(text.encode(), output)


def keep(content: bytes, output: str) -> None:
    """In a file that is there whole or not at all."""
    from pathlib import Path

    from symroof.files import beside

    path = Path(output)
    try:
        if path.exists() and not path.is_file():  # a device or a named pipe
            path.write_bytes(content)
        else:
            with beside(path.resolve()) as file:
                file.write(content)
    except OSError as error:
        raise click.ClickException(f"{shorten(output, 200)}: cannot be written: {error.strerror}") from error


def listing(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], as_json: bool) -> None:
    """A list of what is known, as columns or as JSON objects."""
    import json

    from symroof.render.text_columns import aligned

    if as_json:
        write(json.dumps([dict(zip(heads, row, strict=True)) for row in rows], indent=2), None)
    else:
        write(aligned([heads, *rows]), None)
