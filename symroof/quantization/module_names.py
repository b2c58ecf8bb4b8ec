"""Names of modules in checkpoints, and the patterns by which a quantization_config means some of them."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from symroof.config.config import Config
from symroof.errors import shorten

Matcher = Callable[[str], bool]

PREFIXES = ("model.language_model.", "language_model.model.", "language_model.", "model.", "backbone.")
# Regular expressions without repeated groups: nothing to backtrack into.
SIMPLE = re.compile(r"(?:[\w.\-^$|?]|\\[.\w]|\.\*|\((?:\?:)?[\w.|\\]*\)|\[[\w-]+\]\+?)*")


def matcher(quant: Config, patterns: Iterable[Any]) -> Matcher:
    """Whether a module's name is meant by one of `patterns`: names, parts of them, with `*`, regular after `re:`."""
    exact, starts, regular = set(), [], []
    for pattern in patterns:
        if not isinstance(pattern, str) or len(pattern) > 300:
            raise quant.fail(f"holds a module name that is none: {shorten(pattern, 40)!r}")
        text = stripped(pattern)
        if pattern.startswith("re:"):
            regular.append(compiled(quant, pattern.removeprefix("re:")))
        elif text.endswith("*") and "*" not in text[:-1]:
            starts.append(text[:-1])
        elif "*" in text:
            regular.append(re.compile(".*".join(map(re.escape, re.split(r"\*+", text))) + r"(\..*)?"))
        else:
            exact.add(text)
    return partial(matches, frozenset(exact), tuple(starts), tuple(regular))


def stripped(pattern: str) -> str:
    """A module's name as if the decoder were the whole model."""
    return next((pattern.removeprefix(x) for x in PREFIXES if pattern.startswith(x)), pattern)


def matches(exact: frozenset[str], starts: tuple[str, ...], regular: tuple[re.Pattern[str], ...], name: str) -> bool:
    """Whether `name` is an exact name or within it, starts like one, or fits a regular one."""
    parts = name.split(".")
    if exact and any(".".join(parts[i:j]) in exact for i in range(len(parts)) for j in range(i + 1, len(parts) + 1)):
        return True
    return name.startswith(starts) or any(x.fullmatch(name) or x.match(f"model.{name}") for x in regular)


def compiled(quant: Config, pattern: str) -> re.Pattern[str]:
    """A regular expression of the simple kind that checkpoints use; others could take for ever."""
    try:
        if SIMPLE.fullmatch(pattern) and pattern.count("*") <= 4:
            return re.compile(pattern)
    except re.error:
        pass
    raise quant.fail(f"holds a pattern that is not read: {shorten(pattern, 60)!r}: give --weights")


def everything(_: str) -> bool:
    """The matcher of all modules."""
    return True


def routed(name: str) -> bool:
    """Whether a module is a routed expert's."""
    return ".experts." in name
