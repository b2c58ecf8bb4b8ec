"""Types of options: what is typed is checked, converted exactly, and completed in the shell."""

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from symroof.cost.rule_names import RULEBOOK, select_rules
from symroof.dtypes import BITS
from symroof.errors import SymroofError, shorten
from symroof.quantization.weight_formats import NAMES, element_format, weights_name

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete(names: Iterable[str], incomplete: str, before: str = "") -> "list[CompletionItem]":
    """The names that begin with what is typed, with the text `before` it."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(before + name) for name in names if name.startswith(incomplete.lower())]


class TokenCounts(click.ParamType):
    """One or more whole numbers."""

    name = "integer ..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """The numbers in a comma-separated text."""
        if isinstance(value, list):
            return value
        parts = [x for x in str(value).split(",") if x]
        for part in parts or [""]:
            if not re.fullmatch(r"[-+]?\d+(_\d+)*", part) or len(part) > 40:
                self.fail(f"{shorten(part)!r} is not a whole number.", param, ctx)
        return [int(part) for part in parts]


class CheckedName(click.ParamType):
    """Names that a function checks; `known` completes them in the shell."""

    def __init__(self, name: str, known: Sequence[str], check: Callable[[str], Any]) -> None:
        self.name, self.known, self.check = name, known, check

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, checked."""
        try:
            self.check(value)
        except SymroofError as error:
            self.fail(str(error), param, ctx)
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Known names that begin with what is typed after the last comma."""
        before, comma, last = incomplete.rpartition(",")
        return complete(self.known, last, before + comma)


class ModelName(click.ParamType):
    """A catalogue name, a path or a hub id."""

    name = "model"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Catalogue names, or files where none fits."""
        from click.shell_completion import CompletionItem

        from symroof.config.config import built_in_models

        return complete(built_in_models(), incomplete) or [CompletionItem(incomplete, type="file")]


class MachineName(click.ParamType):
    """A machine's name; it is looked up once all options that define machines are read."""

    name = "machine"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
        """Names of built-in machines."""
        from symroof.hardware.machines import built_in_machines

        return complete(built_in_machines(), incomplete)


class OutputPath(click.Path):
    """A file to write, or `-`."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, allow_dash=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, which may not be empty."""
        if not value:
            self.fail("the name is empty: give a file.", param, ctx)
        return super().convert(value, param, ctx)


class HourlyPrice(click.ParamType):
    """A price per machine and hour."""

    name = "number/h"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The price, exactly."""
        if isinstance(value, Fraction):
            return value
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(?:/h)?", str(value))
        if not match:
            self.fail(f"{shorten(value)!r}: give the price of a machine per hour, such as 2.5/h.", param, ctx)
        return Fraction(match[1])


class UnitFraction(click.ParamType):
    """A fraction from 0 to 1."""

    name = "part"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The fraction, exactly."""
        if isinstance(value, Fraction):
            return value
        if not re.fullmatch(r"0|1|1\.0*|0?\.\d{1,12}", str(value)):
            self.fail(f"{shorten(value)!r}: give a fraction from 0 to 1, such as 0.8.", param, ctx)
        return Fraction(value)


class SizeValue(click.ParamType):
    """NAME=VALUE for a size of the model."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """The symbol's name and the number."""
        name, _, digits = str(value).partition("=")
        if not re.fullmatch(r"\d{1,10}", digits):
            self.fail(f"{shorten(value)!r}: give a symbol and a whole number, such as d=8192.", param, ctx)
        return name, int(digits)


RULES = CheckedName("rules", tuple(RULEBOOK), select_rules)
FORMAT = CheckedName("format", tuple(BITS), element_format)
WEIGHTS = CheckedName("format", NAMES, weights_name)


def one_of(*names: str) -> click.Choice:
    """One of the names, in any case."""
    return click.Choice(names, case_sensitive=False)
