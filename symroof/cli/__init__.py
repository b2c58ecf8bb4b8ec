"""The command line. A command is a module of `commands`, loaded when it is looked up."""

import os
import sys
from collections import UserDict
from importlib import import_module
from itertools import chain
from typing import Any

import click

from symroof.cli.command import short_errors
from symroof.version import __version__

SECTIONS = {
    "Cost of a step": ("report", "compare", "sweep"),
    "Performance on a machine": ("roofline", "serve", "fit"),
    "Formulas and explanations": ("formula", "solve", "knobs", "limits", "conventions", "audit"),
    "Lists": ("models", "machines", "families", "symbols", "rules"),
}


class Commands(UserDict[str, Any]):
    """Commands by name; each is loaded when it is looked up."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in self:
            raise KeyError(name)
        command: click.Command = getattr(import_module(f"symroof.cli.commands.{name}"), f"{name}_command")
        return command


class Group(click.Group):
    """Commands in titled sections, each with one line and one example; the errors of all are short."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments before the command's name."""
        with short_errors():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Find, read and run a command."""
        with short_errors():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The sections of the help."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                for name in names:
                    command = self.commands[name]
                    for label, line in ((name, command.get_short_help_str(90)), ("", f"$ {_example(command)}")):
                        formatter.write(f"{'':{formatter.current_indent}}{label:<13}{line}\n")


def _example(command: click.Command) -> str:
    return str(getattr(command, "example", ""))


@click.group(
    cls=Group,
    commands=Commands(dict.fromkeys(chain(*SECTIONS.values()))),
    epilog='Completion for bash: eval "$(_SYMROOF_COMPLETE=bash_source symroof)"; likewise for zsh and fish.',
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="symroof")
def cli() -> None:
    """What a transformer language model costs, and why: the formula and the number.

    MODEL is a built-in name (`symroof models`), the path of a config.json or its directory, or a hub id
    (org/name or org/name@revision).
    """


def main() -> None:
    """Run the command line; characters that the terminal cannot show are replaced."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        cli(prog_name="symroof")
    except OSError as error:  # a full disk behind the pipe; click handles a closed one
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # discards what is still buffered
        sys.exit(f"Error: output cannot be written: {error.strerror}")
