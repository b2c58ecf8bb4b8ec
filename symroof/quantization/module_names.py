"""Names of modules in checkpoints, and the patterns with which a quantization_config selects some of them."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from symroof.config.config import Config
from symroof.errors import shorten

Matcher = Callable[[str], bool]

PREFIXES = ("model.language_model.", "language_model.model.", "language_model.", "model.", "backbone.")
FUSED = ("qkv_proj", "gate_up_proj")
# Regular expressions without repeated groups, which cannot backtrack catastrophically.
SIMPLE = re.compile(r"(?:[\w.\-^$|?]|\\[.\w]|\.\*|\((?:\?:)?[\w.|\\]*\)|\[[\w-]+\]\+?)*")


def module_matcher(quant: Config, patterns: Iterable[Any]) -> Matcher:
    """A test of whether a module's name matches one of `patterns`: names, parts of names, with `*`, or `re:REGEX`."""
    texts = [pattern_text(quant, x) for x in patterns]
    free, numbered = ([x for x in texts if any(map(str.isdigit, x)) is digits] for digits in (False, True))
    each = [same_in_layers(matcher_of(quant, free))] if free else []
    each += [matcher_of(quant, numbered)] if numbered else []
    return partial(matches_any, tuple(each)) if each else matches_none


def pattern_text(quant: Config, pattern: Any) -> str:
    """A pattern, which is a string of a length that can be matched."""
    if isinstance(pattern, str) and len(pattern) <= 300:
        return pattern
    raise quant.fail(f"{shorten(pattern, 40)!r} is not a module name: give strings of at most 300 characters")


def matcher_of(quant: Config, patterns: Iterable[str]) -> Matcher:
    """A test of whether a name matches one of some patterns."""
    exact, starts, regexes = set(), [], []
    for pattern in patterns:
        text = without_prefix(pattern)
        if pattern.startswith("re:"):
            regexes.append(simple_regex(quant, pattern.removeprefix("re:")))
        elif text.endswith("*") and "*" not in text[:-1]:
            starts.append(text[:-1])
        elif "*" in text:
            regexes.append(wildcard_regex(text))
        else:
            exact.add(text)
    return partial(matches, names_by_length(exact), tuple(starts), tuple(regexes))


def same_in_layers(matcher: Matcher) -> Matcher:
    """A test by patterns without a number, whose answer for a module is the same in all layers."""
    answers: dict[tuple[str, str], bool] = {}

    def answer(name: str) -> bool:
        before, _, rest = name.partition("layers.")
        key = before, rest.partition(".")[2]
        if key not in answers:
            answers[key] = matcher(name)
        return answers[key]

    return answer


def matches_any(matchers: tuple[Matcher, ...], name: str) -> bool:
    """Whether one of several tests holds."""
    return any(x(name) for x in matchers)


def names_by_length(names: Iterable[str]) -> dict[int, frozenset[str]]:
    """Names by their number of components."""
    lengths: dict[int, set[str]] = {}
    for name in names:
        lengths.setdefault(name.count(".") + 1, set()).add(name)
    return {n: frozenset(x) for n, x in lengths.items()}


def without_prefix(pattern: str) -> str:
    """A module's name relative to the decoder."""
    return next((pattern.removeprefix(x) for x in PREFIXES if pattern.startswith(x)), pattern)


def matches(
    exact: Mapping[int, frozenset[str]], starts: tuple[str, ...], regexes: tuple[re.Pattern[str], ...], name: str
) -> bool:
    """Whether `name` contains an exact name (whole components), has one of the prefixes, or matches a regex."""
    parts = name.split(".") if exact else []
    for n, names in exact.items():
        if any(".".join(parts[i : i + n]) in names for i in range(len(parts) - n + 1)):
            return True
    return name.startswith(starts) or any(fits(x, name) for x in regexes)


def fits(regex: re.Pattern[str], name: str) -> bool:
    """Whether a regular expression matches a name; that of a fused matrix only where it says so: not by `*v_proj`."""
    fused = next((x for x in FUSED if name.endswith(x)), "")
    return fused in regex.pattern and bool(regex.fullmatch(name) or regex.match(f"model.{name}"))


def wildcard_regex(text: str) -> re.Pattern[str]:
    """A pattern with `*` as a regular expression; it matches the modules inside those named, too."""
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", text))) + r"(\..*)?")


def simple_regex(quant: Config, pattern: str) -> re.Pattern[str]:
    """A regular expression of the simple kind that checkpoints use; others could take exponential time."""
    try:
        if SIMPLE.fullmatch(pattern) and pattern.count("*") <= 4:
            return re.compile(pattern)
    except re.error:
        pass
    raise quant.fail(f"regular expression {shorten(pattern, 60)!r} is not supported: give --weights")


def matches_all(_: str) -> bool:
    """The matcher that matches every module."""
    return True


def matches_none(_: str) -> bool:
    """The matcher that matches no module."""
    return False


def is_routed_expert(name: str) -> bool:
    """Whether a module belongs to a routed expert."""
    return ".experts." in name
