"""Where output goes: the terminal at its width, a pipe, or a file that is written whole or not at all."""

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from symroof.errors import shorten
from symroof.records import frozen

if TYPE_CHECKING:
    from symroof.model.report import Report


@frozen
class Output:
    """Where a command prints its result, whether as JSON, and the file of its picture.

    `silent`: the picture alone; `dark`: on a dark page.
    """

    as_json: bool
    path: str | None
    plot: str | None = None
    silent: bool = False
    dark: bool = False

    @property
    def width(self) -> int:
        """Columns to fold text at; 0 in a file or pipe, where nothing is folded."""
        return 0 if self.path else terminal_width()

    def print_text(self, text: str) -> None:
        """Print a text."""
        if not self.silent:
            write_text(text, self.path)

    def print_result(self, result: Any, render: Callable[[Any, int], str]) -> None:
        """Print a result as JSON, or as it is rendered at the width."""
        self.print_text(json_text(result.to_dict()) if self.as_json else render(result, self.width))

    def draw(self, figure: Callable[[], Any]) -> None:
        """Write the picture of a figure."""
        from symroof import plots

        if self.plot:
            write_file(plots.picture_bytes(figure, self.plot, self.dark), self.plot)


def json_text(content: Any) -> str:
    """An object as indented JSON."""
    import json

    return json.dumps(content, indent=2) + "\n"


def print_report(report: "Report", form: str, path: str | None) -> None:
    """The report in a form; a table on the terminal has the terminal's width and colours."""
    from symroof.render.forms import render_report

    if form != "table" or path not in (None, "-"):
        write_text(render_report(report, form), path)
        return
    from rich.console import Console

    from symroof.render.report import table

    console = Console(highlight=False)
    table.print_report_table(report, console, console.width if console.is_terminal else 100)


def terminal_width() -> int:
    """Columns to fold text at: the terminal's; 0 in a pipe, where nothing is folded."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def write_text(text: str, path: str | None) -> None:
    """To standard output, or to a file that is written whole or not at all."""
    if path is None or path == "-":
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_file(text.encode(), path)


def write_file(content: bytes, path: str) -> None:
    """To a file that is written whole or not at all, or to an open file, a device or a pipe."""
    from symroof.files import write_to

    try:
        with write_to(path) as file:
            file.write(content)
    except OSError as error:
        raise click.ClickException(f"{shorten(path, 200)}: cannot be written: {error.strerror}") from error


def print_warnings(warnings: Iterable[str]) -> None:
    """What the reader of a result has to know that has no place for it, to standard error."""
    for warning in warnings:
        click.echo(f"Warning: {warning}.", err=True)


def print_rows(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], as_json: bool) -> None:
    """A list, in columns or as JSON objects."""
    from symroof.render.text_columns import align_columns

    if as_json:
        write_text(json_text([dict(zip(heads, row, strict=True)) for row in rows]), None)
    else:
        write_text(align_columns([heads, *rows]), None)
