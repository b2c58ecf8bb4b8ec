"""Types of options: what is typed is checked, converted exactly, and completed in the shell."""

import re
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, Any

import click

from symroof.cost.rule_names import RULEBOOK, select_rules
from symroof.dtypes import BITS
from symroof.errors import SymroofError, integer_text, shorten
from symroof.quantization.weight_formats import NAMES, element_format, weights_name
from symroof.units import (
    COUNT_CURE,
    LONGEST,
    NUMBER,
    Unit,
    list_items,
    number_value,
    part_of_one,
    unit_at,
    whole_number,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete(names: Iterable[str], incomplete: str, before: str = "") -> "list[CompletionItem]":
    """The names that begin with what is typed, with the text `before` it."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(before + name) for name in names if name.startswith(incomplete.lower())]


class Count(click.ParamType):
    """A whole number from `least` to `most`: 4096, 4,096, 128k, 128Ki or 1e6."""

    name = "integer"

    def __init__(self, least: float = -inf, most: float = inf) -> None:
        self.least, self.most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number."""
        number = value if isinstance(value, int) else count_with_sign(str(value))
        if number is None:
            self.fail(f"{shorten(value)!r} is not a whole number: {COUNT_CURE}.", param, ctx)
        if not self.least <= number <= self.most:
            self.fail(f"{integer_text(number)} is out of range: give {self.least:,} to {self.most:,}.", param, ctx)
        return number


class TokenCounts(click.ParamType):
    """One or more whole numbers."""

    name = "integer ..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """The numbers in a text."""
        if isinstance(value, list):
            return value
        try:
            items = [x for word in str(value).split(";") for x in list_items(word)]
        except SymroofError as error:
            self.fail(f"{error}.", param, ctx)
        return [Count().convert(x, param, ctx) for x in items or [""]]


def count_with_sign(text: str) -> int | None:
    """A whole number with or without a sign; None for anything else."""
    number = whole_number(text[1:] if text.startswith(("-", "+")) else text)
    return -number if number and text.startswith("-") else number


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

        from symroof.config.catalogue import built_in_models

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
    """A price per machine and hour, of one machine where it is named."""

    name = "number/h"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Fraction]:
        """The name of the machine, empty without one, and the price, exactly."""
        if isinstance(value, tuple):
            return value
        name, equals, price = str(value).rpartition("=")
        match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)(?:/h)?", price.strip())
        if not match or (equals and not name.strip()):
            self.fail(f"{shorten(value)!r}: give a machine's price per hour: 2.5/h, h100-sxm=2.5.", param, ctx)
        return name.strip(), Fraction(match[1])


class UnitFraction(click.ParamType):
    """A fraction from 0 to 1."""

    name = "part"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The fraction, exactly."""
        part = value if isinstance(value, Fraction) else part_of_one(str(value).strip())
        if part is None:
            self.fail(f"{shorten(value)!r}: give a fraction from 0 to 1, such as 0.8 or 80%.", param, ctx)
        return part


class Measure(click.ParamType):
    """A number in a unit, which may be left out: 5e-6, 5us."""

    name = "number"

    def __init__(self, unit: Unit, example: str) -> None:
        self.unit, self.example = unit, example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The number in the base unit, exactly."""
        if isinstance(value, Fraction | int):
            return Fraction(value)
        text = str(value).strip()
        match = re.match(NUMBER, text) if len(text) <= LONGEST else None
        try:
            factor, unit, end = unit_at(text, match.end()) if match else (Fraction(0), None, -1)
        except SymroofError:
            match, unit, end = None, None, -1
        if not match or end < len(text) or (unit or self.unit) != self.unit:
            self.fail(f"{shorten(value)!r}: give a number {self.unit.in_words}, such as {self.example}.", param, ctx)
        return number_value(match) * factor


class SizeValue(click.ParamType):
    """NAME=VALUE for a size of the model."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """The symbol's name and the number."""
        name, _, digits = str(value).partition("=")
        number = whole_number(digits)
        if number is None or number >= 10**10:
            self.fail(f"{shorten(value)!r}: give a symbol and a whole number, such as d=8192.", param, ctx)
        return name, number


RULES = CheckedName("rules", tuple(RULEBOOK), select_rules)
FORMAT = CheckedName("format", tuple(BITS), element_format)
WEIGHTS = CheckedName("format", NAMES, weights_name)


def one_of(*names: str) -> click.Choice:
    """One of the names, in any case."""
    return click.Choice(names, case_sensitive=False)
