"""Tapes over grids, a block at a time, by numpy in threads.

A grid is an outer product of axes; its points are in C order, the last axis first. Steps on few axes are taken once,
on their own small grid, and blocks broadcast them.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod
from typing import Any

from symroof.sweeps.axes import integers
from symroof.sweeps.tape import EXACT, UFUNCS, Axes, Tape, bare, exactly, largest, order, taken

BLOCK = 2**16  # points that are computed at a time, which stay near a core
PIECE = 2**14  # points that are computed at a time in Python's whole numbers, which take room
HOISTED = 2**21  # points of a smaller grid that is kept whole

Slices = tuple[slice, ...]
Columns = list[Any]  # arrays of a block's shape
Into = Callable[[Slices], Columns]  # the arrays that a block's columns are written to


def blocks(shape: Sequence[int], most: int = BLOCK) -> Iterator[Slices]:
    """A grid in blocks of about `most` points, each a run of rows in C order."""
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
    for outer in corners(shape[: cut - 1]):
        for first in range(0, length, step):
            yield (*outer, slice(first, min(first + step, length)), *whole)


def corners(shape: Sequence[int]) -> Iterator[Slices]:
    """All single points of a grid."""
    if not shape:
        yield ()
        return
    for i in range(shape[0]):
        yield from ((slice(i, i + 1), *rest) for rest in corners(shape[1:]))


def lengths(slices: Slices) -> tuple[int, ...]:
    """The shape of a block."""
    return tuple(x.stop - x.start for x in slices)


@dataclass(frozen=True)
class Grid:
    """A tape over the values of its axes."""

    tape: Tape
    axes: tuple[Sequence[int], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return tuple(map(len, self.axes))

    def argument(self, axis: int, cut: slice, kind: Any) -> Any:
        """A part of an axis as an array along its place."""
        found = integers(self.axes[axis][cut]).astype(kind)
        return found.reshape([-1 if i == axis else 1 for i in range(len(self.axes))])

    def own(self, slices: Slices, kind: Any = float) -> list[Any]:
        """A block's part of each axis."""
        return [self.argument(i, x, kind) for i, x in enumerate(slices)]

    @property
    def whole(self) -> Slices:
        """All of it as one block."""
        return tuple(slice(0, n) for n in self.shape)

    def size(self, axes: Axes) -> int:
        """The points of some of its axes."""
        return prod(len(self.axes[i]) for i in axes)

    @cached_property
    def inexact(self) -> tuple[int, ...]:
        """The exact steps that floats would lose on this grid, and Python's whole numbers do not."""
        most = [x[-1] if isinstance(x, range) else max(x) for x in self.axes]
        return bare(self.tape) if largest(self.tape, most) > EXACT else ()

    def part(self, array: Any, axes: Axes, slices: Slices) -> Any:
        """A block's part of an array on some axes."""
        return array[tuple(x if i in axes else slice(None) for i, x in enumerate(slices))] if axes else array

    def given(self, slices: Slices, places: Sequence[int]) -> dict[int, Any]:
        """Exact steps of a block, computed in whole numbers."""
        steps, found = self.tape.steps, dict[int, Any]()
        for axes in {steps[i].axes for i in places}:
            same = [i for i in places if steps[i].axes == axes]
            own = tuple(x if i in axes else slice(0, 1) for i, x in enumerate(slices))
            found |= dict(zip(same, self.exactly(own, same), strict=True))
        return found

    def exactly(self, slices: Slices, places: Sequence[int]) -> list[Any]:
        """Such steps that have the same axes, a piece at a time."""
        import numpy as np

        found = [np.empty(lengths(slices)) for _ in places]
        for piece in blocks(lengths(slices), PIECE):
            here = tuple(slice(x.start + y.start, x.start + y.stop) for x, y in zip(slices, piece, strict=True))
            for array, values in zip(found, exactly(self.tape, places, *self.own(here, object)), strict=True):
                array[piece] = values
        return found


@dataclass(frozen=True)
class Move:
    """A step that is taken for each block: whether it has all axes, and the steps whose arrays are free after it."""

    place: int
    full: bool
    frees: tuple[int, ...]


@dataclass(frozen=True)
class Prepared:
    """A grid whose smaller grids are computed: steps `known`, `inexact` ones left, and the moves of a block."""

    grid: Grid
    known: Mapping[int, Any]
    inexact: tuple[int, ...]
    moves: tuple[Move, ...]

    def value(self, place: int, slices: Slices, values: Mapping[int, Any]) -> Any:
        """What a step is in a block."""
        if place in values:
            return values[place]
        return self.grid.part(self.known[place], self.grid.tape.steps[place].axes, slices)

    def fill(self, slices: Slices, out: Columns) -> Columns:
        """Computes a block's columns into arrays."""
        import numpy as np

        tape, shape, free = self.grid.tape, lengths(slices), list[Any]()
        values, target = self.grid.given(slices, self.inexact), dict(zip(tape.results, out, strict=True))
        for move in self.moves:
            step = tape.steps[move.place]
            if step.operation == "argument":
                values[move.place] = self.grid.argument(step.parts[0], slices[step.parts[0]], float)
                continue
            parts, into = [self.value(x, slices, values) for x in step.parts], target.get(move.place)
            if move.full and into is None:
                into = free.pop() if free else np.empty(shape)
            values[move.place] = getattr(np, UFUNCS[step.operation])(*parts, out=into if move.full else None)
            free += [values.pop(x) for x in move.frees]
        for place, array in zip(tape.results, out, strict=True):
            if values.get(place) is not array:
                np.copyto(array, self.value(place, slices, values))
        return out


def prepared(grid: Grid) -> Prepared:
    """A grid with all steps taken that are on smaller grids, as long as those are small enough to keep."""
    import numpy as np

    tape, steps, every = grid.tape, grid.tape.steps, frozenset(range(len(grid.axes)))
    small = {i for i, x in enumerate(steps) if not x.axes or (x.axes != every and grid.size(x.axes) <= HOISTED)}
    known = grid.given(grid.whole, [i for i in grid.inexact if i in small])
    inexact = tuple(i for i in grid.inexact if i not in small)
    todo = order(tape, {*known, *inexact})
    left = [i for i in todo if i not in small]
    wanted = {*tape.results, *(x for i in left for x in operands(tape, i))}
    here = [i for i in todo if i in small]
    for i, dropped in zip(here, last_uses(tape, here), strict=True):
        own = steps[i].operation == "argument"
        known[i] = grid.argument(i, grid.whole[i], float) if own else taken(steps[i], np, known, ())
        for x in dropped - wanted:
            del known[x]
    full = {i for i in left if steps[i].axes == every and steps[i].operation in UFUNCS} - {*tape.results}
    uses = zip(left, last_uses(tape, left), strict=True)
    moves = (Move(i, steps[i].axes == every, tuple(dropped & full)) for i, dropped in uses)
    return Prepared(grid, known, inexact, tuple(moves))


def operands(tape: Tape, place: int) -> tuple[int, ...]:
    """The steps that a step is of."""
    step = tape.steps[place]
    return step.parts if step.operation in UFUNCS else ()


def last_uses(tape: Tape, places: Sequence[int]) -> list[set[int]]:
    """For each of some steps in order, those that no later one is of."""
    last = {x: i for i in places for x in operands(tape, i)}
    return [{x for x in operands(tape, i) if last[x] == i} for i in places]


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered(work: Callable[[Slices], Columns], cut: Iterable[Slices], workers: int) -> Iterator[tuple[Slices, Columns]]:
    """The columns of blocks in order, computed in threads a few ahead."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[Slices, Future[Columns]]] = deque()
        try:
            for slices in cut:
                waiting.append((slices, pool.submit(work, slices)))
                if len(waiting) > 2 * workers:
                    first, done = waiting.popleft()
                    yield first, done.result()
            while waiting:
                first, done = waiting.popleft()
                yield first, done.result()
        finally:
            for _, future in waiting:
                future.cancel()


def with_numpy(grid: Grid, into: Into, most: int) -> Iterator[tuple[Slices, Columns]]:
    """Blocks of a grid on all cores."""
    found, cut = prepared(grid), blocks(grid.shape, most)
    if cores() == 1 or prod(grid.shape) <= most:
        yield from ((x, found.fill(x, into(x))) for x in cut)
    else:
        yield from ordered(lambda x: found.fill(x, into(x)), cut, cores())
