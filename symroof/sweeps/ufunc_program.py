"""Ufunc programs: steps, each a numpy ufunc of earlier ones, that compute columns from the values of axes; plain data.

A program is a pure function of arrays of numpy or of a library with the same functions. Exact steps are of whole
numbers; where floats would lose digits, they are computed in Python's integers.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

# Operation -> its name in numpy, and in libraries with the interface of numpy.
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
class UfuncStep:
    """What an operation makes of earlier steps, or a number, or an argument; and the axes that it depends on."""

    operation: str  # a key of UFUNCS, "number" or "argument"
    parts: tuple[int, ...]  # steps, by place; of an argument, its place
    axes: Axes
    value: Number = None


@dataclass(frozen=True)
class UfuncProgram:
    """Steps in order of execution, and those that are results. Each argument is a separate axis.

    `exact`: steps that have to be whole numbers.
    """

    arguments: tuple[str, ...]
    steps: tuple[UfuncStep, ...]
    results: tuple[int, ...]
    exact: frozenset[int]


# The largest result of an operation on numbers up to given ones.
BOUNDS: Mapping[str, Callable[[list[Number]], Number]] = {
    "add": sum,
    "multiply": math.prod,
    "minimum": max,
    "maximum": max,
    "whole": max,
}


def largest_exact_value(program: UfuncProgram, most: Sequence[int]) -> Number:
    """More than any exact step comes to, for arguments of at most so much."""
    bounds: dict[int, Number] = {}
    for i in sorted(program.exact):
        step = program.steps[i]
        if step.operation in BOUNDS:
            bounds[i] = BOUNDS[step.operation]([bounds[x] for x in step.parts])
        else:
            bounds[i] = abs(step.value) if step.operation == "number" else most[step.parts[0]]
    return max(bounds.values(), default=0)


def run_program(
    program: UfuncProgram, np: Any, arguments: Sequence[Any], given: Mapping[int, Any] | None = None
) -> list[Any]:
    """The results of a program on arrays: `np` is numpy, or a module with the same functions.

    Arrays broadcast against each other: argument i has its values along axis i, all others are of length 1.
    `given`: steps that are computed already.
    """
    values = dict(given or {})
    for i in execution_order(program, values):
        values[i] = step_value(program.steps[i], np, values, arguments)
    return [values[x] for x in program.results]


def execution_order(program: UfuncProgram, given: Collection[int]) -> list[int]:
    """The steps that results need, in order, without those that are given."""
    needed = set(program.results)
    for i in range(len(program.steps) - 1, -1, -1):
        if i in needed and i not in given and program.steps[i].operation != "argument":
            needed.update(program.steps[i].parts)
    return [i for i in sorted(needed) if i not in given]


def exact_inputs(program: UfuncProgram) -> tuple[int, ...]:
    """The exact steps that others use, without arguments and numbers."""
    used = {
        x
        for i, step in enumerate(program.steps)
        if i not in program.exact and step.operation != "argument"
        for x in step.parts
    } | {*program.results}
    return tuple(i for i in sorted(used & program.exact) if program.steps[i].operation in UFUNCS)


def step_value(step: UfuncStep, np: Any, values: Mapping[int, Any], arguments: Sequence[Any]) -> Any:
    """The value of a step, given those before it."""
    if step.operation == "number":
        return float(step.value)
    if step.operation == "argument":
        return arguments[step.parts[0]]
    return getattr(np, UFUNCS[step.operation])(*(values[x] for x in step.parts))


def exact_values(program: UfuncProgram, places: Sequence[int], *arguments: Any) -> list[Any]:
    """Some exact steps on numpy arrays of Python's whole numbers, as floats."""
    import numpy as np

    values: dict[int, Any] = {}
    for i in execution_order(replace(program, results=tuple(places)), ()):
        step = program.steps[i]
        values[i] = step.value if step.operation == "number" else step_value(step, np, values, arguments)
    return [np.asarray(values[x]).astype(np.float64) for x in places]
