"""The class of all commands: an example in the help, lists of token counts, errors in one line."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from symroof.cli.option_types import TokenCounts
from symroof.errors import SymroofError, one_line

NUMBERS = re.compile(r"[-+]?[\d.][\d.,;_eE+-]*(?:[kMGT]i?|Ki)?")


class CommandFailure(click.ClickException):
    """A SymroofError as click reports it: one line on stderr and the error's exit code."""

    def __init__(self, error: SymroofError) -> None:
        super().__init__(str(error))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click declares it on the class


class Command(click.Command):
    """A command with an example; options of type TokenCounts take all numbers up to the next word."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = example

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join `--cached-tokens 1 2 3` to one value before click parses."""
        names = {name for x in self.params if isinstance(x.type, TokenCounts) for name in x.opts}
        return super().parse_args(ctx, join_numbers(args, names))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a SymroofError ends it in one line."""
        try:
            return super().invoke(ctx)
        except SymroofError as error:
            raise CommandFailure(error) from error


@contextmanager
def short_errors() -> Iterator[None]:
    """Errors raised within are one line each, and short; click quotes whole arguments."""
    try:
        yield
    except click.UsageError as error:
        if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):  # its message is the help
            raise
        raise click.UsageError(one_line(error.format_message()), error.ctx) from error
    except click.ClickException as error:
        failure = click.ClickException(one_line(error.message))
        failure.exit_code = error.exit_code  # type: ignore[misc]  # click declares it on the class
        raise failure from error


def join_numbers(args: Sequence[str], names: set[str]) -> list[str]:
    """The arguments with the values of each named option joined by semicolons, up to `--`."""
    end = args.index("--") if "--" in args else len(args)
    rest, joined = list(args[:end]), list[str]()
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        values = [value] if equals else []
        while name in names and rest and _is_value(rest[0], first=not values):
            values.append(rest.pop(0))
        joined += [name, ";".join(values)] if name in names and values else [word]
    return [*joined, *args[end:]]


def _is_value(word: str, first: bool) -> bool:
    return bool(NUMBERS.fullmatch(word)) or (first and not word.startswith("--"))
