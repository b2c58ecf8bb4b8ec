"""Ufunc programs over grids, a block at a time, by numpy in threads.

A grid is an outer product of axes; its points are in C order, the last axis fastest. Steps on few axes are computed
once, on the smaller grid of those axes, and blocks broadcast them.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod
from typing import Any

from symroof.sweeps.axes import int64_array
from symroof.sweeps.ufunc_program import (
    EXACT,
    UFUNCS,
    Axes,
    UfuncProgram,
    exact_inputs,
    exact_values,
    execution_order,
    largest_exact_value,
    step_value,
)

BLOCK = 2**16  # points that are computed at a time; they fit in a core's cache
PIECE = 2**14  # points that are computed at a time in Python's whole numbers, which need more memory
HOISTED = 2**21  # points of a smaller grid that is computed once

Slices = tuple[slice, ...]
Columns = list[Any]  # arrays of a block's shape
Into = Callable[[Slices], Columns]  # the arrays that a block's columns are written to
Blocks = Iterator[tuple[Slices, Columns]]


def grid_blocks(shape: Sequence[int], most: int = BLOCK) -> Iterator[Slices]:
    """A grid in blocks of about `most` points, each a run of consecutive rows in C order."""
    cut, inner = len(shape), 1
    while cut and inner * shape[cut - 1] <= most:
        cut -= 1
        inner *= shape[cut]
    whole = tuple(slice(0, n) for n in shape[cut:])
    if not cut:
        yield whole
        return
    length = shape[cut - 1]
    step = ceil(length / ceil(length / max(1, most // inner)))
    for outer in single_points(shape[: cut - 1]):
        for first in range(0, length, step):
            yield (*outer, slice(first, min(first + step, length)), *whole)


def single_points(shape: Sequence[int]) -> Iterator[Slices]:
    """All single points of a grid."""
    if not shape:
        yield ()
        return
    for i in range(shape[0]):
        yield from ((slice(i, i + 1), *rest) for rest in single_points(shape[1:]))


def block_shape(slices: Slices) -> tuple[int, ...]:
    """The shape of a block."""
    return tuple(x.stop - x.start for x in slices)


@dataclass(frozen=True)
class Grid:
    """A program over the values of its axes."""

    program: UfuncProgram
    axes: tuple[Sequence[int], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return tuple(map(len, self.axes))

    def argument(self, axis: int, cut: slice, kind: Any) -> Any:
        """A part of an axis as an array along its dimension."""
        values = int64_array(self.axes[axis][cut]).astype(kind)
        return values.reshape([-1 if i == axis else 1 for i in range(len(self.axes))])

    def arguments(self, slices: Slices, kind: Any = float) -> list[Any]:
        """A block's part of each axis."""
        return [self.argument(i, x, kind) for i, x in enumerate(slices)]

    @property
    def whole(self) -> Slices:
        """The whole grid as one block."""
        return tuple(slice(0, n) for n in self.shape)

    @property
    def all_axes(self) -> Axes:
        """The places of all axes."""
        return frozenset(range(len(self.axes)))

    def size(self, axes: Axes) -> int:
        """The points of some of its axes."""
        return prod(len(self.axes[i]) for i in axes)

    @cached_property
    def inexact(self) -> tuple[int, ...]:
        """The exact steps whose floats would be rounded on this grid; they need Python's whole numbers."""
        most = [x[-1] if isinstance(x, range) else max(x) for x in self.axes]
        return exact_inputs(self.program) if largest_exact_value(self.program, most) > EXACT else ()

    def part(self, array: Any, axes: Axes, slices: Slices) -> Any:
        """A block's part of an array on some axes."""
        return array[tuple(x if i in axes else slice(None) for i, x in enumerate(slices))] if axes else array

    def exact_values(self, slices: Slices, places: Sequence[int]) -> dict[int, Any]:
        """Exact steps of a block, computed in whole numbers."""
        steps, values = self.program.steps, dict[int, Any]()
        for axes in {steps[i].axes for i in places}:
            same = [i for i in places if steps[i].axes == axes]
            cut = tuple(x if i in axes else slice(0, 1) for i, x in enumerate(slices))
            values |= dict(zip(same, self.exact_arrays(cut, same), strict=True))
        return values

    def exact_arrays(self, slices: Slices, places: Sequence[int]) -> list[Any]:
        """Exact steps of a block that have the same axes, a piece at a time."""
        import numpy as np

        arrays = [np.empty(block_shape(slices)) for _ in places]
        for piece in grid_blocks(block_shape(slices), PIECE):
            here = tuple(slice(x.start + y.start, x.start + y.stop) for x, y in zip(slices, piece, strict=True))
            pieces = exact_values(self.program, places, *self.arguments(here, object))
            for array, values in zip(arrays, pieces, strict=True):
                array[piece] = values
        return arrays


@dataclass(frozen=True)
class BlockStep:
    """A step that is computed for each block: whether it has all axes, and the steps whose arrays are free after it."""

    place: int
    full: bool
    frees: tuple[int, ...]


@dataclass(frozen=True)
class PreparedGrid:
    """A grid with its smaller grids computed: the `known` steps, `inexact` ones that remain, the steps of a block."""

    grid: Grid
    known: Mapping[int, Any]
    inexact: tuple[int, ...]
    steps: tuple[BlockStep, ...]

    def value(self, place: int, slices: Slices, values: Mapping[int, Any]) -> Any:
        """What a step is in a block."""
        if place in values:
            return values[place]
        return self.grid.part(self.known[place], self.grid.program.steps[place].axes, slices)

    def fill(self, slices: Slices, out: Columns) -> Columns:
        """Compute a block's columns into arrays."""
        import numpy as np

        results = self.grid.program.results
        values = self.step_values(slices, dict(zip(results, out, strict=True)))
        for place, array in zip(results, out, strict=True):
            if values.get(place) is not array:
                np.copyto(array, self.value(place, slices, values))
        return out

    def step_values(self, slices: Slices, outputs: Mapping[int, Any]) -> dict[int, Any]:
        """The steps of a block whose arrays are not free again, those of `outputs` in their arrays."""
        import numpy as np

        values, free = self.grid.exact_values(slices, self.inexact), list[Any]()
        for x in self.steps:
            array = outputs.get(x.place) if x.full else None
            if x.full and array is None:
                array = free.pop() if free else np.empty(block_shape(slices))
            values[x.place] = self.computed_step(x.place, slices, values, array)
            free += [values.pop(y) for y in x.frees]
        return values

    def computed_step(self, place: int, slices: Slices, values: Mapping[int, Any], array: Any) -> Any:
        """A step of a block, computed into the array if there is one."""
        import numpy as np

        step = self.grid.program.steps[place]
        if step.operation == "argument":
            return self.grid.argument(step.parts[0], slices[step.parts[0]], float)
        return getattr(np, UFUNCS[step.operation])(*(self.value(x, slices, values) for x in step.parts), out=array)


def prepare_grid(grid: Grid) -> PreparedGrid:
    """A grid with all steps computed that are on smaller grids, where those are small enough."""
    small = small_steps(grid)
    exact = grid.exact_values(grid.whole, [i for i in grid.inexact if i in small])
    inexact = tuple(i for i in grid.inexact if i not in small)
    todo = execution_order(grid.program, {*exact, *inexact})
    left = [i for i in todo if i not in small]
    used = {*grid.program.results, *(x for i in left for x in operands(grid.program, i))}
    known = small_values(grid, [i for i in todo if i in small], exact, used)
    return PreparedGrid(grid, known, inexact, block_steps(grid, left))


def small_steps(grid: Grid) -> set[int]:
    """The steps on grids that are smaller than the whole and small enough to be computed once."""
    steps = enumerate(grid.program.steps)
    return {i for i, x in steps if not x.axes or (x.axes != grid.all_axes and grid.size(x.axes) <= HOISTED)}


def small_values(grid: Grid, places: Sequence[int], exact: Mapping[int, Any], used: set[int]) -> dict[int, Any]:
    """The `exact` steps and some others, all on smaller grids; without those that nothing uses later."""
    import numpy as np

    steps, values = grid.program.steps, dict(exact)
    for i, dropped in zip(places, last_uses(grid.program, places), strict=True):
        argument = steps[i].operation == "argument"
        values[i] = grid.argument(i, grid.whole[i], float) if argument else step_value(steps[i], np, values, ())
        for x in dropped - used:
            del values[x]
    return values


def block_steps(grid: Grid, places: Sequence[int]) -> tuple[BlockStep, ...]:
    """Some steps in order, as they are computed for each block."""
    steps, results = grid.program.steps, {*grid.program.results}
    full = {i for i in places if steps[i].axes == grid.all_axes}
    arrays = {i for i in full if steps[i].operation in UFUNCS} - results
    uses = zip(places, last_uses(grid.program, places), strict=True)
    return tuple(BlockStep(i, i in full, tuple(dropped & arrays)) for i, dropped in uses)


def operands(program: UfuncProgram, place: int) -> tuple[int, ...]:
    """The steps that a step uses."""
    step = program.steps[place]
    return step.parts if step.operation in UFUNCS else ()


def last_uses(program: UfuncProgram, places: Sequence[int]) -> list[set[int]]:
    """For each of some steps in order, those that no later one uses."""
    last = {x: i for i in places for x in operands(program, i)}
    return [{x for x in operands(program, i) if last[x] == i} for i in places]


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compute_in_threads(work: Callable[[Slices], Columns], cut: Iterable[Slices], workers: int) -> Blocks:
    """The columns of blocks in order, computed in threads a few blocks ahead."""
    waiting: deque[tuple[Slices, Future[Columns]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for slices in cut:
                waiting.append((slices, pool.submit(work, slices)))
                if len(waiting) > 2 * workers:
                    yield first_block(waiting)
            while waiting:
                yield first_block(waiting)
        finally:
            for _, future in waiting:
                future.cancel()


def first_block(waiting: deque[tuple[Slices, Future[Columns]]]) -> tuple[Slices, Columns]:
    """The first of the blocks that wait, once it is done."""
    slices, future = waiting.popleft()
    return slices, future.result()


def with_numpy(grid: Grid, into: Into, most: int) -> Blocks:
    """Blocks of a grid on all cores."""
    prepared, cut = prepare_grid(grid), grid_blocks(grid.shape, most)
    if available_cores() == 1 or prod(grid.shape) <= most:
        yield from ((x, prepared.fill(x, into(x))) for x in cut)
    else:
        yield from compute_in_threads(lambda x: prepared.fill(x, into(x)), cut, available_cores())
