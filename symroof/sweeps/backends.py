"""Engines that compute the blocks of a sweep: numpy on all cores, dask (on a cluster if given one), JAX or CuPy.

All run the same program, a pure function of arrays, in float64; numbers agree to the last few bits.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from itertools import islice
from typing import Any

from symroof.errors import MissingExtra, SymroofError, UnknownName, UsageError, shorten
from symroof.sweeps.grid import (
    BLOCK,
    Blocks,
    Columns,
    Grid,
    Into,
    block_shape,
    grid_blocks,
    prepare_grid,
    with_numpy,
)
from symroof.sweeps.ufunc_program import UfuncProgram, exact_values, run_program

LARGE = 2**20  # points of a block for another engine than numpy
AHEAD = 16  # such blocks that a scheduler gets at a time
TIMEOUT = 10  # seconds in which a scheduler has to answer


def compute_blocks(grid: Grid, into: Into, engine: str = "numpy", scheduler: str = "") -> Blocks:
    """The blocks of a grid in order, and their columns in the arrays of `into`; `scheduler`: the address of dask's."""
    if engine == "dask":
        return with_dask(grid, into, scheduler)
    return ENGINES[engine](grid, into)


def check_engine(engine: str, scheduler: str = "") -> None:
    """Raises UnknownName for an unknown engine, MissingExtra for one that is not installed."""
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    if scheduler and engine != "dask":
        raise UsageError(f"a scheduler needs engine dask, not {engine}: give engine dask, or leave the scheduler out")
    import_engine(engine, "sweep" if engine == "numpy" else engine)


def import_engine(name: str, extra: str) -> Any:
    """A module of an optional dependency. Raises MissingExtra."""
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra(f"a sweep by {name}", extra) from error


def copy_into(arrays: Columns, values: Iterable[Any]) -> Columns:
    """The arrays, with values broadcast into them."""
    import numpy as np

    for array, value in zip(arrays, values, strict=True):
        np.copyto(array, value)
    return arrays


def compute_each_block(grid: Grid, into: Into, run: Callable[[list[Any], Mapping[int, Any]], Iterable[Any]]) -> Blocks:
    """Blocks of a grid, each computed by `run` from its part of the axes and the steps on smaller grids."""
    prepared = prepare_grid(grid)
    for slices in grid_blocks(grid.shape, LARGE):
        known = {i: prepared.value(i, slices, {}) for i in prepared.known}
        values = run(grid.arguments(slices), known | grid.exact_values(slices, prepared.inexact))
        yield slices, copy_into(into(slices), values)


def with_jax(grid: Grid, into: Into) -> Blocks:
    """Blocks of a grid compiled by JAX for the device that it finds."""
    import numpy as np

    jax = import_engine("jax", "jax")
    enable_x64 = getattr(jax, "enable_x64", None) or import_engine("jax.experimental", "jax").enable_x64
    traced = jax.jit(partial(run_program, grid.program, jax.numpy))

    def run(arguments: list[Any], known: Mapping[int, Any]) -> Iterable[Any]:
        with enable_x64(True):
            return [np.asarray(x) for x in traced(arguments, known)]

    return compute_each_block(grid, into, run)


def with_cupy(grid: Grid, into: Into) -> Blocks:
    """Blocks of a grid on a GPU by CuPy."""
    cupy = import_engine("cupy", "cupy")

    def run(arguments: list[Any], known: Mapping[int, Any]) -> Iterable[Any]:
        on_gpu = {i: cupy.asarray(x) for i, x in known.items()}
        return [cupy.asnumpy(x) for x in run_program(grid.program, cupy, [*map(cupy.asarray, arguments)], on_gpu)]

    return compute_each_block(grid, into, run)


def with_dask(grid: Grid, into: Into, scheduler: str = "") -> Blocks:
    """Blocks of a grid as the chunks of dask arrays, on the cluster of a scheduler or else in this process."""
    dask, array = import_engine("dask", "dask"), import_engine("dask.array", "dask")
    cut = grid_blocks(grid.shape, LARGE)
    with dask_client(scheduler) if scheduler else nullcontext():
        columns = dask_columns(grid, array)
        while batch := list(islice(cut, AHEAD)):
            computed = dask.compute([[x[slices] for x in columns] for slices in batch])[0]
            yield from ((x, copy_into(into(x), values)) for x, values in zip(batch, computed, strict=True))


def dask_client(scheduler: str) -> Any:
    """A client of a dask scheduler. Raises SymroofError where none answers."""
    client = import_engine("distributed", "dask").Client
    try:
        return client(scheduler, timeout=TIMEOUT)
    except (OSError, ValueError) as error:
        raise SymroofError(f"no dask scheduler answers at {shorten(scheduler)}: start one, `dask scheduler`") from error


def dask_columns(grid: Grid, array: Any) -> list[Any]:
    """The columns of a grid as dask arrays, whose chunks are its blocks."""
    import numpy as np

    chunks, prepared = block_shape(next(grid_blocks(grid.shape, LARGE))), prepare_grid(grid)
    known = {i: chunked(x, array, chunks) for i, x in prepared.known.items()}
    if prepared.inexact:
        numbers = [chunked(x, array, chunks) for x in grid.arguments(grid.whole, object)]
        for i in prepared.inexact:
            known[i] = array.map_blocks(_exact_step, *numbers, program=grid.program, place=i, dtype=np.float64)
    values = run_program(grid.program, np, [chunked(x, array, chunks) for x in grid.arguments(grid.whole)], known)
    return [array.broadcast_to(array.asarray(x), grid.shape, chunks=chunks) for x in values]


def chunked(x: Any, array: Any, chunks: tuple[int, ...]) -> Any:
    """A numpy array as a dask array with these chunks, along axes of length 1 as long; a single number as it is."""
    return array.from_array(x, chunks=tuple(map(min, chunks, x.shape))) if getattr(x, "ndim", 0) else x


def _exact_step(*numbers: Any, program: UfuncProgram, place: int) -> Any:
    return exact_values(program, (place,), *numbers)[0]


ENGINES: dict[str, Callable[[Grid, Into], Blocks]] = {
    "numpy": partial(with_numpy, most=BLOCK),
    "dask": with_dask,
    "jax": with_jax,
    "cupy": with_cupy,
}
