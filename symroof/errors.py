"""Everything symroof raises on purpose.

SymroofError            one line: what, where, the cure; exit code 1
├── ConfigError         a config that cannot be read or contradicts itself
├── HubError            a download that failed
└── UsageError          what the caller typed; exit code 2
    ├── UnknownName     a model, rule, format, symbol or operator nobody knows
    └── MissingExtra    a feature whose optional dependency is not installed
"""

from collections.abc import Iterable

MANY = 30  # names that an error still lists


class SymroofError(Exception):
    """A failure that is explained in one line."""

    exit_code = 1


class ConfigError(SymroofError):
    """A config that cannot be read, lacks a key, or contradicts itself."""


class HubError(SymroofError):
    """A config that could not be fetched from the hub."""


class UsageError(SymroofError):
    """An argument that cannot be right."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that is not in the list it was looked up in."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(f"unknown {kind} {shorten(name)!r}: {cure(name, self.known)}{hint}")


class MissingExtra(UsageError):
    """An optional dependency that is not installed."""

    def __init__(self, need: str, extra: str) -> None:
        super().__init__(f"{need} needs an optional dependency: pip install 'symroof[{extra}]'")


def shorten(value: object, limit: int = 60) -> str:
    """`value` as text on one line, no longer than `limit` characters, safe to print on a terminal."""
    text = digits(value) if isinstance(value, int) else str(value)
    text = "".join(c if c.isprintable() else "?" for c in text[: limit + 1])
    return text if len(text) <= limit else text[: limit - 3] + "..."


def digits(value: int) -> str:
    """A whole number as text, or its length where it would fill the screen."""
    return str(value) if abs(value) < 10**20 else f"a number of {value.bit_length()} bits"


def described(value: object) -> str:
    """A value of a config as an error quotes it: numbers and strings as they are, the rest by its kind."""
    if isinstance(value, str):
        return f'"{shorten(value, 40)}"'
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return shorten(value)
    kind = type(value).__name__
    return {"dict": "an object", "list": "a list"}.get(kind, f"a {kind}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """The known name nearest to `name`, or an empty string."""
    from difflib import get_close_matches

    spelled = {k.lower(): k for k in known}
    near = get_close_matches(name.lower()[:200], spelled, n=1, cutoff=0.6)
    return spelled[near[0]] if near else ""


def completed(name: str, known: Iterable[str]) -> list[str]:
    """The known names that have all words of `name`, which dashes part: of `h100`, those of every H100."""
    words = set(name.lower().split("-"))
    return [x for x in known if words <= set(x.lower().split("-"))]


def cure(name: str, known: Iterable[str], listed: str = "known") -> str:
    """What to type instead of `name`: those it is a part of, else the nearest, else all known unless too MANY."""
    names = list(known)
    parts = completed(name, names)
    if 1 < len(parts) <= MANY:
        return f"did you mean one of {', '.join(parts)}?"
    near = parts[0] if len(parts) == 1 else suggestion(name, names)
    shown = names if len(names) <= MANY else [*names[:10], f"{len(names) - 10} more"]
    return f"did you mean {near!r}?" if near else f"{listed}: {', '.join(shown)}"
