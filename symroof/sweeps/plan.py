"""A sweep that is ready to be computed, a block at a time or in memory, and its arrays."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from symroof.errors import MissingExtra, UnknownName, UsageError
from symroof.results import Result
from symroof.sweeps import axes as parsing
from symroof.sweeps import backends, writers
from symroof.sweeps.grid import Columns, Grid, Slices, block_shape
from symroof.sweeps.writers import Header, RowBlock

MAX_ROWS = 10**9  # rows of a file
MAX_NUMBERS_IN_MEMORY = 2 * 10**8  # of 8 bytes each


@dataclass(frozen=True)
class SweepPart:
    """A combination of settings, and the program of its columns over the axes of numbers."""

    settings: tuple[Any, ...]
    grid: Grid
    warnings: tuple[str, ...] = ()  # what a reader has to know of the model


@dataclass(frozen=True)
class SweepPlan:
    """A sweep that is ready to be computed."""

    header: Header
    parts: tuple[SweepPart, ...]
    engine: str = "numpy"
    scheduler: str = ""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return parsing.combination_count(self.header.axes)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader has to know beyond the figures."""
        return tuple(dict.fromkeys(x for part in self.parts for x in part.warnings))

    def blocks(self) -> Generator[RowBlock, None, None]:
        """All rows, a block at a time, in order."""
        import numpy as np

        def arrays(slices: Slices) -> Columns:
            return [np.empty(block_shape(slices)) for _ in self.header.units]

        for part in self.parts:
            for slices, values in backends.compute_blocks(part.grid, arrays, self.engine, self.scheduler):
                numbers = tuple(x[cut] for x, cut in zip(part.grid.axes, slices, strict=True))
                yield RowBlock(part.settings, numbers, values)

    def write(self, path: str) -> int:
        """Write a CSV, Parquet or npz file by its ending, a block at a time; how many rows. Raises UsageError."""
        check_count(self.rows, MAX_ROWS)
        with writers.open_sheet(path, self.header) as sheet:
            for rows in self.blocks():
                sheet.write(rows)
        return self.rows

    def in_memory(self) -> "Sweep":
        """All columns as arrays. Raises UsageError where they are too many."""
        import numpy as np

        units = self.header.units
        check_count(self.rows * len(units), MAX_NUMBERS_IN_MEMORY)
        columns: Columns = [np.empty(self.header.shape) for _ in units]
        places = product(*(range(len(x.values)) for x in self.header.settings))
        for part, place in zip(self.parts, places, strict=True):
            self.fill(part, [x[(*place, ...)] for x in columns])
        return Sweep({x.name: x.array for x in self.header.axes}, dict(zip(units, columns, strict=True)), dict(units))

    def fill(self, part: SweepPart, columns: Columns) -> None:
        """Compute a part into arrays."""

        def views(slices: Slices) -> Columns:
            return [x[(*slices, ...)] for x in columns]

        for _ in backends.compute_blocks(part.grid, views, self.engine, self.scheduler):
            pass


@dataclass(frozen=True, repr=False)
class Sweep(Result):
    """Columns by name, each an array in the shape of the grid; the values of its axes; the columns' units."""

    axes: Mapping[str, Any]
    columns: Mapping[str, Any]
    units: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        """A column, or an axis. Raises UnknownName."""
        arrays = {**self.axes, **self.columns}
        if name not in arrays:
            raise UnknownName("column", name, arrays)
        return arrays[name]

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return tuple(map(len, self.axes.values()))

    def frame(self) -> Any:
        """The rows as a DataFrame of pandas. Raises MissingExtra."""
        try:
            import pandas as pd
        except ImportError as error:
            raise MissingExtra("a DataFrame", "frame") from error
        import numpy as np

        grid = np.meshgrid(*self.axes.values(), indexing="ij") if self.axes else []
        axes = dict(zip(self.axes, grid, strict=True))
        return pd.DataFrame({name: x.ravel() for name, x in {**axes, **self.columns}.items()})

    def __repr__(self) -> str:
        grid = " by ".join(f"{len(x)} {name}" for name, x in self.axes.items())
        return f"<symroof sweep of {', '.join(self.columns)} over {grid or 'one point'}>"


def check_count(count: int, most: int) -> None:
    """Raises UsageError for a sweep of too many rows or numbers."""
    if count > most:
        what = "rows" if most == MAX_ROWS else "numbers in memory"
        cure = "sweep it in parts, or by larger steps" + ("" if most == MAX_ROWS else ", or write it to a file")
        raise UsageError(f"a sweep of {count:,} {what}: give {most:,} at most; {cure}")
