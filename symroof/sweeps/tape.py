"""Tapes: steps, each an operation of numpy's on earlier ones, that make columns of the values of axes; plain data.

A tape is a pure function of arrays, of numpy's or of whatever has its functions. Exact steps are of whole numbers;
where floats would lose some, they are taken in Python's own.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

# Operation -> its name in numpy, and in whatever speaks numpy.
UFUNCS = {
    "add": "add",
    "multiply": "multiply",
    "divide": "divide",
    "minimum": "minimum",
    "maximum": "maximum",
    "whole": "floor_divide",
    "power": "power",
    "log": "log",
    "most": "less_equal",
}
WHOLE = ("number", "argument", "add", "multiply", "minimum", "maximum", "whole")  # can be of whole numbers
EXACT = 2**52  # halves below are exact in float64

Number = Any  # an int or Fraction where it is exact, else a float
Axes = frozenset[int]


@dataclass(frozen=True)
class Step:
    """What an operation makes of earlier steps, or a number, or an argument; and the axes that it depends on."""

    operation: str  # a key of UFUNCS, "number" or "argument"
    parts: tuple[int, ...]  # steps, by place; of an argument, its place
    axes: Axes
    value: Number = None


@dataclass(frozen=True)
class Tape:
    """Steps in the order that they are taken, and those that are results. Each argument is an axis of its own.

    `exact`: steps that have to be whole numbers.
    """

    arguments: tuple[str, ...]
    steps: tuple[Step, ...]
    results: tuple[int, ...]
    exact: frozenset[int]


# What an operation on numbers up to so much comes to at most.
BOUNDS: Mapping[str, Callable[[list[Number]], Number]] = {
    "add": sum,
    "multiply": math.prod,
    "minimum": max,
    "maximum": max,
    "whole": max,
}


def largest(tape: Tape, most: Sequence[int]) -> Number:
    """More than any exact step comes to, for arguments of at most so much."""
    found: dict[int, Number] = {}
    for i in sorted(tape.exact):
        step = tape.steps[i]
        if step.operation in BOUNDS:
            found[i] = BOUNDS[step.operation]([found[x] for x in step.parts])
        else:
            found[i] = abs(step.value) if step.operation == "number" else most[step.parts[0]]
    return max(found.values(), default=0)


def evaluated(tape: Tape, np: Any, arguments: Sequence[Any], given: Mapping[int, Any] | None = None) -> list[Any]:
    """The results of a tape on arrays of numpy or what speaks it: `np` is the module that has its functions.

    Arrays broadcast against each other: axis i of argument i is its own, all others are of length 1. `given`: steps
    that are computed already.
    """
    values = dict(given or {})
    for i in order(tape, values):
        values[i] = taken(tape.steps[i], np, values, arguments)
    return [values[x] for x in tape.results]


def order(tape: Tape, given: Collection[int]) -> list[int]:
    """The steps that results need besides those that are given, in order."""
    needed = set(tape.results)
    for i in range(len(tape.steps) - 1, -1, -1):
        if i in needed and i not in given and tape.steps[i].operation != "argument":
            needed.update(tape.steps[i].parts)
    return [i for i in sorted(needed) if i not in given]


def bare(tape: Tape) -> tuple[int, ...]:
    """The exact steps that others use, without arguments and numbers."""
    used = {
        x
        for i, step in enumerate(tape.steps)
        if i not in tape.exact and step.operation != "argument"
        for x in step.parts
    } | {*tape.results}
    return tuple(i for i in sorted(used & tape.exact) if tape.steps[i].operation in UFUNCS)


def taken(step: Step, np: Any, values: Mapping[int, Any], arguments: Sequence[Any]) -> Any:
    """What one step comes to, given those before it."""
    if step.operation == "number":
        return float(step.value)
    if step.operation == "argument":
        return arguments[step.parts[0]]
    return getattr(np, UFUNCS[step.operation])(*(values[x] for x in step.parts))


def exactly(tape: Tape, places: Sequence[int], *arguments: Any) -> list[Any]:
    """Some exact steps on numpy arrays of Python's whole numbers, as floats."""
    import numpy as np

    values: dict[int, Any] = {}
    for i in order(replace(tape, results=tuple(places)), ()):
        step = tape.steps[i]
        values[i] = step.value if step.operation == "number" else taken(step, np, values, arguments)
    return [np.asarray(values[x]).astype(np.float64) for x in places]
