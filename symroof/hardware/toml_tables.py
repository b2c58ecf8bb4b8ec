"""TOML files of tables, whose values are checked before they are returned. Plain data, no sympy."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from symroof.errors import ConfigError, SymroofError, UsageError, cure, quoted_value, shorten
from symroof.units import NumberWithUnit

MAX_BYTES = 2**20


@dataclass(frozen=True)
class TomlTable:
    """A table's values by key, its file and title for error messages, and the class of errors to raise."""

    data: Mapping[str, Any]
    where: str
    error: type[SymroofError]

    def fail(self, what: str) -> SymroofError:
        """The error to raise for this table; `what` says what is wrong with it."""
        return self.error(f"{self.where}: {what}")

    def check_keys(self, keys: Iterable[str]) -> None:
        """Raise an error for a key that is not one of `keys`."""
        names = list(keys)
        for key in self.data:
            if key not in names:
                raise self.fail(f"unknown key {shorten(key)!r}: {cure(key, names)}")

    def number(self, key: str, quantity: NumberWithUnit) -> int | float | None:
        """A quantity; None where the key is absent."""
        if key not in self.data:
            return None
        value = self.data[key]
        number = quantity.read(value)
        if number is None:
            text = shorten(value) if isinstance(value, Decimal) else quoted_value(value)
            raise self.fail(f"{key} is {text}: give {quantity.must}")
        return number

    def texts(self, key: str) -> tuple[str, ...]:
        """A text, or a list of texts; empty where the key is absent."""
        value = self.data.get(key, [])
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(x, str) and x for x in texts):
            raise self.fail(f"{key} is {quoted_value(value)}: give a text or a list of texts")
        return tuple(shorten(x, 1000) for x in texts)

    def year(self, key: str) -> int | None:
        """A year; None where the key is absent."""
        value = self.data.get(key)
        if value is not None and (type(value) is not int or not 1900 < value < 2200):
            raise self.fail(f"{key} is {quoted_value(value)}: give a year such as 2024")
        return value


def read_tables(path: str) -> dict[str, TomlTable]:
    """The tables of a TOML file by title. Raises UsageError where there is no file, ConfigError for its mistakes."""
    where = shorten(path, 200)
    try:
        with Path(path).expanduser().open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(f"no file {where!r}: give the path of a TOML file") from error
    except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: no home directory; ValueError: a NUL
        why = error.strerror if isinstance(error, OSError) else "no such path"
        raise ConfigError(f"{where}: cannot be read: {why}; give a TOML file that can") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{where}: larger than {MAX_BYTES >> 20} MiB: give a TOML file of tables")
    return parse_tables(raw, where)


def parse_tables(raw: bytes, where: str) -> dict[str, TomlTable]:
    """The tables of a TOML text by title; decimal fractions stay exact. Raises ConfigError."""
    try:
        data = tomllib.loads(raw.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise ConfigError(f"{where}: not valid TOML: {shorten(error, 100)}") from error
    loose = [key for key, value in data.items() if not isinstance(value, dict)]
    if loose or not data:
        what = f"key {shorten(loose[0])!r} is in no table" if loose else "it holds no table"
        raise ConfigError(f"{where}: {what}: start one with a line such as [my-gpu], and give its keys below that line")
    return {title: TomlTable(table, f"{where}, [{shorten(title)}]", ConfigError) for title, table in data.items()}
