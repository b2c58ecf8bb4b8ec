"""TOML files of tables, and values taken out of one only after checking them. Plain data, no sympy."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from symroof.errors import ConfigError, SymroofError, UsageError, cure, described, shorten
from symroof.units import NumberWithUnit

MAX_BYTES = 2**20


@dataclass(frozen=True)
class Table:
    """What is told of one thing by key, where it stands, and the error that its mistakes are."""

    data: Mapping[str, Any]
    where: str
    error: type[SymroofError]

    def fail(self, what: str) -> SymroofError:
        """The error that says `what` is wrong here."""
        return self.error(f"{self.where}: {what}")

    def known(self, keys: Iterable[str]) -> None:
        """Refuses a key that is not one of `keys`."""
        names = list(keys)
        for key in self.data:
            if key not in names:
                raise self.fail(f"unknown key {shorten(key)!r}: {cure(key, names)}")

    def number(self, key: str, quantity: NumberWithUnit) -> int | float | None:
        """A quantity; None where the key is absent."""
        if key not in self.data:
            return None
        value = self.data[key]
        found = quantity.read(value)
        if found is None:
            told = shorten(value) if isinstance(value, Decimal) else described(value)
            raise self.fail(f"{key} is {told}: give {quantity.must}")
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """A text, or a list of them; empty where the key is absent."""
        value = self.data.get(key, [])
        found = value if isinstance(value, list) else [value]
        if not all(isinstance(x, str) and x for x in found):
            raise self.fail(f"{key} is {described(value)}: give a text or a list of texts")
        return tuple(shorten(x, 1000) for x in found)

    def year(self, key: str) -> int | None:
        """A year; None where the key is absent."""
        value = self.data.get(key)
        if value is not None and (type(value) is not int or not 1900 < value < 2200):
            raise self.fail(f"{key} is {described(value)}: give a year such as 2024")
        return value


def read(path: str) -> dict[str, Table]:
    """The tables of a TOML file by title. Raises UsageError where it is not there, ConfigError for what is wrong."""
    where = shorten(path, 200)
    try:
        with Path(path).expanduser().open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(f"no file {where!r}: give the path of a TOML file") from error
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: no such home; ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) else "no such path"
        raise ConfigError(f"{where}: cannot be read: {why}; give a TOML file that can") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{where}: larger than {MAX_BYTES >> 20} MiB: give a TOML file of tables")
    return parse(raw, where)


def parse(raw: bytes, where: str) -> dict[str, Table]:
    """The tables of a TOML text by title; decimal fractions stay exact. Raises ConfigError."""
    try:
        data = tomllib.loads(raw.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise ConfigError(f"{where}: no valid TOML: {shorten(error, 100)}") from error
    loose = [key for key, value in data.items() if not isinstance(value, dict)]
    if loose or not data:
        told = f"key {shorten(loose[0])!r} stands in no table" if loose else "it holds no table"
        raise ConfigError(f"{where}: {told}: give one a name, such as [my-gpu], and its keys below that line")
    return {title: Table(told, f"{where}, [{shorten(title)}]", ConfigError) for title, told in data.items()}
