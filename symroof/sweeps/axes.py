"""What a sweep runs over: axes of whole numbers and axes of settings, as people write them; plain data.

    batch=1,2,8   cached=0:131072:+4096   batch=1:512:x2   new=0:9   d=4096,8192:16384:+1024

A range is FIRST:LAST, both in it, by steps of 1, +STEP or xFACTOR. Names of numbers are batch, new, cached (or B, n,
c) and the model's sizes; settings are model, on (machines), gpus, rules (a+b for both), logits and the roles of
formats: dtype, weights, experts, cache, activations, states. What is written twice is taken once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from symroof.cost.batch import BATCH_SYMBOLS, LARGEST
from symroof.errors import UnknownName, UsageError, digits, shorten
from symroof.units import NUMBER, number_value

FORMATS = ("dtype", "weights", "experts", "cache", "activations", "states")
SETTINGS = ("model", "on", "gpus", "rules", "logits", *FORMATS)
MOST_GPUS = 10**6
LONGEST = 10**9  # values of an axis


@dataclass(frozen=True)
class Axis:
    """A name, and the whole numbers or the names that it runs over."""

    name: str
    values: Sequence[Any]

    @property
    def setting(self) -> bool:
        """Whether it is one of SETTINGS."""
        return self.name in SETTINGS

    @property
    def symbol(self) -> str:
        """The symbol of its numbers, by name."""
        return BATCH_SYMBOLS.get(self.name, self.name)

    @property
    def array(self) -> Any:
        """Its values as an array of numpy: whole numbers, settings as text."""
        import numpy as np

        return np.array([*map(told, self.values)]) if self.setting else integers(self.values)


def axis(name: str, values: Any) -> Axis:
    """An axis of values as they are, or as text. Raises UsageError for what it cannot run over."""
    name = {x: word for word, x in BATCH_SYMBOLS.items()}.get(name.strip(), name.strip())
    if isinstance(values, str):
        found = names(values) if name in SETTINGS and name != "gpus" else numbers(name, values)
    else:
        found = given(name, values)
    if name not in SETTINGS or name == "gpus":
        whole(name, found)
    if not found:
        raise UsageError(f"{shorten(name)} runs over nothing: give values, such as {shorten(name)}=1,2,8")
    return Axis(name, found)


def axes(over: Mapping[str, Any] | Iterable[str]) -> tuple[Axis, ...]:
    """The axes of a mapping, or of texts such as batch=1:512:x2, settings first. Raises UsageError."""
    pairs = over.items() if isinstance(over, Mapping) else map(written, over)
    found = [axis(name, values) for name, values in pairs]
    for i, x in enumerate(found):
        if x.name in [y.name for y in found[:i]]:
            raise UsageError(f"{x.name} is swept over twice: write its values in one list, such as {x.name}=1,2:9")
    return tuple(sorted(found, key=lambda x: not x.setting))


def written(text: str) -> tuple[str, str]:
    """The name and values of NAME=VALUES. Raises UsageError."""
    name, equals, values = text.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise UsageError(f"{shorten(text)!r} is not NAME=VALUES: give one such as batch=1,2,8 or cached=0:4096:+512")
    return name, values


def names(text: str) -> tuple[str, ...]:
    """Names that commas part, each once."""
    return tuple(dict.fromkeys(x.strip() for x in text.split(",") if x.strip()))


def numbers(name: str, text: str) -> Sequence[int]:
    """Whole numbers and ranges that commas part, each number once. Raises UsageError."""
    parts = [stretch(name, x.strip()) for x in text.split(",") if x.strip()]
    if len(parts) == 1:
        return parts[0]
    bounded(name, sum(map(len, parts)))
    return tuple(dict.fromkeys(x for part in parts for x in part))


def stretch(name: str, text: str) -> Sequence[int]:
    """A number, or the numbers of a range. Raises UsageError."""
    ends = text.split(":")
    if len(ends) > 3:
        raise wrong(name, text, "give FIRST:LAST, FIRST:LAST:+STEP or FIRST:LAST:xFACTOR")
    first, last = (number(name, x) for x in (ends[0], ends[1] if len(ends) > 1 else ends[0]))
    if last < first:
        raise wrong(name, text, f"an empty range: the last is below the first; write {ends[1]}:{ends[0]}")
    by = ends[2].strip() if len(ends) == 3 else "+1"
    sign, step = by[:1], number(name, by[1:] if by[:1] in ("+", "x", "*") else by)
    if sign in ("x", "*"):
        return powers(name, text, first, last, step)
    if not step:
        raise wrong(name, text, "a step of zero never arrives: give +1 or more")
    found = range(first, last + 1, step)
    bounded(name, (last - first) // step + 1)
    return found


def powers(name: str, text: str, first: int, last: int, factor: int) -> tuple[int, ...]:
    """The numbers of a range by factors. Raises UsageError."""
    if factor < 2 or not first:
        raise wrong(name, text, "multiplying never arrives: begin at 1 or more, and give x2 or more")
    found = [first]
    while found[-1] * factor <= last:
        found.append(found[-1] * factor)
    return tuple(found)


def number(name: str, text: str) -> int:
    """A whole number as people write it: 4096, 4_096, 1e6. Raises UsageError."""
    found = NUMBER.fullmatch(text.strip()) if len(text) < 60 else None
    value = number_value(found) if found else Fraction(1, 2)
    if value.denominator != 1:
        raise wrong(name, text, "no whole number: give one such as 4096, 1e6 or a range such as 0:4096:+512")
    return int(value)


def wrong(name: str, text: str, told: str) -> UsageError:
    """What is wrong with a part of an axis."""
    return UsageError(f"{shorten(name)}={shorten(text)}: {told}")


def given(name: str, values: Any) -> Sequence[Any]:
    """Values that are no text: an iterable of numbers or of names, each once. Raises UsageError."""
    if not isinstance(values, Iterable):
        values = (values,)
    if isinstance(values, range):
        bounded(name, len(values))
        return values
    listed = values.tolist() if hasattr(values, "tolist") else values
    found = tuple({told(x) if name in SETTINGS else x: x for x in listed}.values())
    bounded(name, len(found))
    return found


def told(value: Any) -> str:
    """A setting as text: a machine by its label, a model by its name."""
    return str(getattr(value, "label", getattr(value, "name", value)))


def integers(values: Sequence[int]) -> Any:
    """Whole numbers as an array of numpy."""
    import numpy as np

    if isinstance(values, range):
        return np.arange(values.start, values.stop, values.step, dtype=np.int64)
    return np.array(values, dtype=np.int64)


def bounded(name: str, count: int) -> None:
    """Raises UsageError for more values than an axis holds."""
    if count > LONGEST:
        raise UsageError(f"{shorten(name)} runs over {digits(count)} values: give {LONGEST} at most, by a larger step")


def whole(name: str, values: Sequence[Any]) -> None:
    """Raises UsageError unless all values are whole numbers that their name can be."""
    from symroof.architecture.structure import MAX_SIZE

    least = 0 if name == "cached" else 1
    most = LARGEST if name in BATCH_SYMBOLS else MOST_GPUS if name == "gpus" else MAX_SIZE
    ends = (values[0], values[-1]) if isinstance(values, range) and values else values
    for x in ends:
        if isinstance(x, bool) or not isinstance(x, int):
            raise UsageError(f"{shorten(name)}: {shorten(repr(x))} is no whole number")
        if not least <= x <= most:
            raise UsageError(f"{shorten(name)}: {digits(x)} is out of range: give {least} to {most:.0e}")


def known(found: Iterable[Axis], sizes: Iterable[str]) -> None:
    """Raises UnknownName for an axis that is no word, setting or size."""
    every = [*BATCH_SYMBOLS, *SETTINGS, *sizes]
    for x in found:
        if x.name not in every:
            raise UnknownName("axis", x.name, every)


def points(found: Iterable[Axis]) -> int:
    """Rows of all combinations."""
    return prod(len(x.values) for x in found)
