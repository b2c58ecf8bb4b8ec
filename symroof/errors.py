"""The exceptions that symroof raises.

SymroofError            one line: what, where, the cure; exit code 1
├── ConfigError         a config that cannot be read or contradicts itself
├── HubError            a download that failed
└── UsageError          an argument that is wrong; exit code 2
    ├── UnknownName     a model, rule, format, symbol or operator that does not exist
    ├── MissingFormat   bytes of a model whose config names no dtype, where no format is given
    └── MissingExtra    a feature whose optional dependency is not installed
"""

from collections.abc import Iterable
from itertools import accumulate

MANY = 30  # most names that an error offers
ROOM = 200  # characters that they may take
LONGEST_MESSAGE = 300


class SymroofError(Exception):
    """A failure with a message of one line, of at most LONGEST_MESSAGE characters."""

    exit_code = 1

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(message))


class ConfigError(SymroofError):
    """A config that cannot be read, lacks a key, or contradicts itself."""


class HubError(SymroofError):
    """A config that could not be fetched from the hub."""


class UsageError(SymroofError):
    """An argument that is wrong."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that does not exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        room = ROOM - len(hint)
        super().__init__(f"unknown {kind} {shorten(name, 40)!r}: {cure(name, self.known, room=room)}{hint}")


class MissingFormat(UsageError):
    """Bytes of elements whose format neither the config nor the caller names."""


class MissingExtra(UsageError):
    """An optional dependency that is not installed."""

    def __init__(self, need: str, extra: str) -> None:
        super().__init__(f"{need} needs an optional dependency: pip install 'symroof[{extra}]'")


def shorten(value: object, limit: int = 60) -> str:
    """`value` as one line of text of at most `limit` characters, safe to print on a terminal."""
    text = integer_text(value) if isinstance(value, int) else str(value)
    text = "".join(c if c.isprintable() else "?" for c in text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 3] + "..."


def one_line(message: object) -> str:
    """A message as one line of at most LONGEST_MESSAGE characters: what is wrong, and at its end the cure, stay."""
    text = "".join(c if c.isprintable() else "?" for c in str(message))
    if len(text) <= LONGEST_MESSAGE:
        return text
    half = (LONGEST_MESSAGE - 5) // 2
    return f"{text[:half]} ... {text[half + 5 - LONGEST_MESSAGE :]}"


def listed_names(names: Iterable[str], room: int = ROOM) -> str:
    """Names with commas between them, as many as have room, at least one, and how many more there are."""
    short = [shorten(x) for x in names]
    count = max(1, sum(end <= room for end in accumulate(len(x) + 2 for x in short)))
    return ", ".join([*short[:count], *([f"{len(short) - count} more"] if len(short) > count else [])])


def integer_text(value: int) -> str:
    """An integer as text, or its length in bits where it would fill the screen."""
    return str(value) if abs(value) < 10**20 else f"a number of {value.bit_length()} bits"


def quoted_value(value: object) -> str:
    """A value of a config for an error message: numbers and strings unchanged, other values by their type."""
    if isinstance(value, str):
        return f'"{shorten(value, 40)}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return shorten(value)
    kind = type(value).__name__
    return {"dict": "an object", "list": "a list"}.get(kind, f"a {kind}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """The known name most similar to `name`, or an empty string."""
    from difflib import get_close_matches

    by_lower_case = {k.lower(): k for k in known}
    near = get_close_matches(name.lower()[:200], by_lower_case, n=1, cutoff=0.6)
    return by_lower_case[near[0]] if near else ""


def completions(name: str, known: Iterable[str]) -> list[str]:
    """The known names that contain all words of `name`, separated by dashes: for `h100`, the names of every H100."""
    words = set(name.lower().split("-"))
    return [x for x in known if words <= set(x.lower().split("-"))]


def cure(name: str, known: Iterable[str], listed: str = "known", room: int = ROOM) -> str:
    """What to type instead of `name`: its completions, else the most similar name, else the names that have room."""
    names = list(known)
    longer = completions(name, names)
    if 1 < len(longer) <= MANY:
        return f"did you mean one of {listed_names(longer, room)}?"
    near = longer[0] if len(longer) == 1 else suggestion(name, names)
    return f"did you mean {shorten(near)!r}?" if near else f"{listed}: {listed_names(names, room)}"
