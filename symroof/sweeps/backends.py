"""What computes the blocks of a sweep: numpy on all cores, dask (on a cluster, where it is given one), JAX or CuPy.

All run the same tape, a pure function of arrays, in float64; numbers agree to the last few bits.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from importlib import import_module
from itertools import islice
from typing import Any

from symroof.errors import MissingExtra, SymroofError, UnknownName, UsageError, shorten
from symroof.sweeps.grid import BLOCK, Columns, Grid, Into, Slices, blocks, lengths, prepared, with_numpy
from symroof.sweeps.tape import Tape, evaluated, exactly

LARGE = 2**20  # points that are sent elsewhere at a time
AHEAD = 16  # such blocks that a scheduler is asked for at a time
PATIENCE = 10  # seconds in which a scheduler has to answer

Found = Iterator[tuple[Slices, Columns]]


def computed(grid: Grid, into: Into, engine: str = "numpy", scheduler: str = "") -> Found:
    """The blocks of a grid in order, and their columns, written to the arrays that `into` gives.

    `scheduler`: the address of dask's.
    """
    if engine == "dask":
        return with_dask(grid, into, scheduler)
    return ENGINES[engine](grid, into)


def check(engine: str, scheduler: str = "") -> None:
    """Raises UnknownName for an engine that there is not, MissingExtra for one that is not installed."""
    if engine not in ENGINES:
        raise UnknownName("engine", engine, ENGINES)
    if scheduler and engine != "dask":
        raise UsageError(f"a scheduler is dask's: give engine dask with it, not {engine}")
    imported(engine, "sweep" if engine == "numpy" else engine)


def imported(name: str, extra: str) -> Any:
    """A module of an optional dependency. Raises MissingExtra."""
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra(f"a sweep by {name}", extra) from error


def copied(out: Columns, values: Iterable[Any]) -> Columns:
    """Arrays with values broadcast into them."""
    import numpy as np

    for array, value in zip(out, values, strict=True):
        np.copyto(array, value)
    return out


def apart(grid: Grid, into: Into, run: Callable[[list[Any], Mapping[int, Any]], Iterable[Any]]) -> Found:
    """Blocks of a grid, each computed elsewhere from its part of the axes and of the steps on smaller grids."""
    found = prepared(grid)
    for slices in blocks(grid.shape, LARGE):
        given = {i: found.value(i, slices, {}) for i in found.known}
        values = run(grid.own(slices), given | grid.given(slices, found.inexact))
        yield slices, copied(into(slices), values)


def with_jax(grid: Grid, into: Into) -> Found:
    """Blocks of a grid compiled by JAX for the device that it finds."""
    jax = imported("jax", "jax")
    in_64_bits = getattr(jax, "enable_x64", None)
    in_64_bits = imported("jax.experimental", "jax").enable_x64 if in_64_bits is None else in_64_bits
    traced = jax.jit(partial(evaluated, grid.tape, jax.numpy))

    def run(own: list[Any], given: Mapping[int, Any]) -> Iterable[Any]:
        import numpy as np

        with in_64_bits(True):
            return [np.asarray(x) for x in traced(own, given)]

    return apart(grid, into, run)


def with_cupy(grid: Grid, into: Into) -> Found:
    """Blocks of a grid on a GPU by CuPy."""
    cupy = imported("cupy", "cupy")

    def run(own: list[Any], given: Mapping[int, Any]) -> Iterable[Any]:
        sent = {i: cupy.asarray(x) for i, x in given.items()}
        return [cupy.asnumpy(x) for x in evaluated(grid.tape, cupy, [cupy.asarray(x) for x in own], sent)]

    return apart(grid, into, run)


def with_dask(grid: Grid, into: Into, scheduler: str = "") -> Found:
    """Blocks of a grid as the chunks of dask's arrays, on the cluster of a scheduler or else in this process."""
    dask, array = imported("dask", "dask"), imported("dask.array", "dask")
    cut = blocks(grid.shape, LARGE)
    with connected(scheduler) if scheduler else nullcontext():
        columns = lazily(grid, array)
        while now := list(islice(cut, AHEAD)):
            done = dask.compute([[x[slices] for x in columns] for slices in now])[0]
            yield from ((slices, copied(into(slices), values)) for slices, values in zip(now, done, strict=True))


def connected(scheduler: str) -> Any:
    """A client of dask's scheduler. Raises SymroofError where none answers."""
    client = imported("distributed", "dask").Client
    try:
        return client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise SymroofError(
            f"no scheduler of dask answers at {shorten(scheduler)}: start one, `dask scheduler`"
        ) from error


def lazily(grid: Grid, array: Any) -> list[Any]:
    """The columns of a grid as dask's arrays, whose chunks are its blocks."""
    import numpy as np

    first, found = lengths(next(blocks(grid.shape, LARGE))), prepared(grid)

    def sent(x: Any) -> Any:
        if not np.ndim(x):
            return x
        return array.from_array(x, chunks=tuple(min(size, n) for size, n in zip(first, x.shape, strict=True)))

    given = {i: sent(x) for i, x in found.known.items()}
    wholes = [sent(x) for x in grid.own(grid.whole, object)] if found.inexact else []
    for i in found.inexact:
        given[i] = array.map_blocks(_one, *wholes, tape=grid.tape, place=i, dtype=np.float64)
    values = evaluated(grid.tape, np, [sent(x) for x in grid.own(grid.whole)], given)
    return [array.broadcast_to(array.asarray(x), grid.shape, chunks=first) for x in values]


def _one(*wholes: Any, tape: Tape, place: int) -> Any:
    return exactly(tape, (place,), *wholes)[0]


ENGINES: dict[str, Callable[[Grid, Into], Found]] = {
    "numpy": partial(with_numpy, most=BLOCK),
    "dask": with_dask,
    "jax": with_jax,
    "cupy": with_cupy,
}
