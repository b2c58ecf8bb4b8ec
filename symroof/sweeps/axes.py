"""What a sweep runs over: axes of whole numbers and axes of settings, as users write them; plain data.

    batch=1,2,8   cached=0:131072:+4096   batch=1:512:x2   new=0:9   d=4096,8192:16384:+1024

A range is FIRST:LAST, both included, by steps of 1, +STEP or xFACTOR. Commas or spaces separate values; 128k is 128,000
and 128Ki 131,072; what may be one number or a list, 1,048,576, is an error. Axes of numbers are batch, new, cached (or
B, n, c) and the model's sizes; settings are model, on (machines), gpus, rules (a+b for both), logits and the roles of
formats: dtype, weights, experts, cache, activations, states. Repeated values are dropped.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from symroof.cost.batch import BATCH_SYMBOLS, LARGEST
from symroof.errors import UnknownName, UsageError, integer_text, shorten
from symroof.units import COUNT_CURE, list_items, whole_number

FORMATS = ("dtype", "weights", "experts", "cache", "activations", "states")
SETTINGS = ("model", "on", "gpus", "rules", "logits", *FORMATS)
MAX_GPUS = 10**6
MAX_VALUES = 10**9  # of an axis
AXIS_NAMES = {symbol: name for name, symbol in BATCH_SYMBOLS.items()}


@dataclass(frozen=True)
class Axis:
    """A name, and the whole numbers or names that it runs over."""

    name: str
    values: Sequence[Any]

    @property
    def setting(self) -> bool:
        """Whether it is one of SETTINGS."""
        return self.name in SETTINGS

    @property
    def symbol(self) -> str:
        """The name of its symbol."""
        return BATCH_SYMBOLS.get(self.name, self.name)

    @property
    def array(self) -> Any:
        """Its values as a numpy array: whole numbers, settings as text."""
        import numpy as np

        return np.array([*map(setting_text, self.values)]) if self.setting else int64_array(self.values)


def axis(name: str, values: Any) -> Axis:
    """An axis of values as they are, or as text. Raises UsageError for what it cannot run over."""
    name = AXIS_NAMES.get(name.strip(), name.strip())
    numeric = name not in SETTINGS or name == "gpus"
    if not isinstance(values, str):
        values = distinct_values(name, values)
    else:
        values = axis_numbers(name, values) if numeric else setting_names(values)
    if numeric:
        check_whole_numbers(name, values)
    if not values:
        raise UsageError(f"{shorten(name)} runs over nothing: give values, such as {shorten(name)}=1,2,8")
    return Axis(name, values)


def axes(over: Mapping[str, Any] | Iterable[str]) -> tuple[Axis, ...]:
    """The axes of a mapping, or of texts such as batch=1:512:x2, settings first. Raises UsageError."""
    pairs = over.items() if isinstance(over, Mapping) else map(name_and_values, over)
    swept = [axis(name, values) for name, values in pairs]
    names = [x.name for x in swept]
    if repeated := [x for x in names if names.count(x) > 1]:
        raise UsageError(
            f"{repeated[0]} is swept over twice: write its values in one list, such as {repeated[0]}=1,2:9"
        )
    return tuple(sorted(swept, key=lambda x: not x.setting))


def name_and_values(text: str) -> tuple[str, str]:
    """The name and values of NAME=VALUES. Raises UsageError."""
    name, equals, values = text.partition("=")
    if not equals or not name.strip() or not values.strip():
        raise UsageError(f"{shorten(text)!r} is not NAME=VALUES: give one such as batch=1,2,8 or cached=0:4096:+512")
    return name, values


def setting_names(text: str) -> tuple[str, ...]:
    """Names separated by commas, without repeats."""
    return tuple(dict.fromkeys(x.strip() for x in text.split(",") if x.strip()))


def axis_numbers(name: str, text: str) -> Sequence[int]:
    """Whole numbers and ranges in a list, without repeats. Raises UsageError."""
    try:
        items = list_items(re.sub(r"\s*:\s*", ":", text))
    except UsageError as error:
        raise UsageError(f"{shorten(name)}: {error}") from error
    parts = [range_numbers(name, x) for x in items]
    if len(parts) == 1:
        return parts[0]
    check_axis_length(name, sum(map(len, parts)))
    return tuple(dict.fromkeys(x for part in parts for x in part))


def range_numbers(name: str, text: str) -> Sequence[int]:
    """A number, or the numbers of a range. Raises UsageError."""
    ends = text.split(":")
    if len(ends) > 3:
        raise axis_error(name, text, "give FIRST:LAST, FIRST:LAST:+STEP or FIRST:LAST:xFACTOR")
    first, last = (axis_number(name, x) for x in (ends[0], ends[1] if len(ends) > 1 else ends[0]))
    if last < first:
        raise axis_error(name, text, f"an empty range: the last is below the first; write {ends[1]}:{ends[0]}")
    by = ends[2].strip() if len(ends) == 3 else "+1"
    if by.startswith(("x", "*")):
        return geometric_range(name, text, first, last, axis_number(name, by[1:]))
    return arithmetic_range(name, text, first, last, axis_number(name, by.removeprefix("+")))


def arithmetic_range(name: str, text: str, first: int, last: int, step: int) -> range:
    """The numbers of a range by steps. Raises UsageError."""
    if not step:
        raise axis_error(name, text, "a step of zero never arrives: give +1 or more")
    check_axis_length(name, (last - first) // step + 1)
    return range(first, last + 1, step)


def geometric_range(name: str, text: str, first: int, last: int, factor: int) -> tuple[int, ...]:
    """The numbers of a range by factors. Raises UsageError."""
    if factor < 2 or not first:
        raise axis_error(name, text, "multiplying never arrives: begin at 1 or more, and give x2 or more")
    numbers = [first]
    while numbers[-1] * factor <= last:
        numbers.append(numbers[-1] * factor)
    return tuple(numbers)


def axis_number(name: str, text: str) -> int:
    """A whole number as users write it: 4096, 4_096, 1e6, 128k. Raises UsageError."""
    value = whole_number(text.strip())
    if value is None:
        raise axis_error(name, text, f"not a whole number: {COUNT_CURE}, or a range such as 0:4096:+512")
    return value


def axis_error(name: str, text: str, message: str) -> UsageError:
    """The error for a part of an axis."""
    return UsageError(f"{shorten(name)}={shorten(text)}: {message}")


def distinct_values(name: str, values: Any) -> Sequence[Any]:
    """Values that are not text: one, or an iterable of numbers or names, without repeats. Raises UsageError."""
    if not isinstance(values, Iterable):
        values = (values,)
    if isinstance(values, range):
        check_axis_length(name, len(values))
        return values
    listed = values.tolist() if hasattr(values, "tolist") else values
    distinct = tuple({setting_text(x) if name in SETTINGS else x: x for x in listed}.values())
    check_axis_length(name, len(distinct))
    return distinct


def setting_text(value: Any) -> str:
    """A setting as text: a machine by its label, a model by its name."""
    return str(getattr(value, "label", getattr(value, "name", value)))


def int64_array(values: Sequence[int]) -> Any:
    """Whole numbers as a numpy array."""
    import numpy as np

    if isinstance(values, range):
        return np.arange(values.start, values.stop, values.step, dtype=np.int64)
    return np.array(values, dtype=np.int64)


def check_axis_length(name: str, count: int) -> None:
    """Raises UsageError for more values than an axis can have."""
    if count > MAX_VALUES:
        runs = f"{shorten(name)} runs over {integer_text(count)} values"
        raise UsageError(f"{runs}: give {MAX_VALUES} at most, by a larger step")


def check_whole_numbers(name: str, values: Sequence[Any]) -> None:
    """Raises UsageError unless all values are whole numbers in the range of their name."""
    from symroof.architecture.structure import MAX_SIZE

    least = 0 if name == "cached" else 1
    most = LARGEST if name in BATCH_SYMBOLS else MAX_GPUS if name == "gpus" else MAX_SIZE
    for x in (values[0], values[-1]) if isinstance(values, range) and values else values:
        if isinstance(x, bool) or not isinstance(x, int):
            raise UsageError(f"{shorten(name)}: {shorten(repr(x))} is not a whole number")
        if not least <= x <= most:
            raise UsageError(f"{shorten(name)}: {integer_text(x)} is out of range: give {least} to {most:.0e}")


def check_axis_names(swept: Iterable[Axis], sizes: Iterable[str]) -> None:
    """Raises UsageError for an axis that is not of the batch, a setting or a size, or is there twice."""
    known, names = [*BATCH_SYMBOLS, *SETTINGS, *sizes], [x.name for x in swept]
    for name in names:
        if name not in known:
            raise UnknownName("axis", name, known)
        if names.count(name) > 1:
            raise UsageError(f"{name} is swept over twice, by its symbol and a key of the config: leave one out")


def combination_count(swept: Iterable[Axis]) -> int:
    """How many combinations of values there are."""
    return prod(len(x.values) for x in swept)
