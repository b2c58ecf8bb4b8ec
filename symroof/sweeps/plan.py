"""A sweep that is ready to be computed, a block at a time or in memory, and the arrays that it comes to."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from symroof.errors import MissingExtra, UnknownName, UsageError
from symroof.sweeps import axes as parsing
from symroof.sweeps import backends, writers
from symroof.sweeps.grid import Columns, Grid, Slices, lengths
from symroof.sweeps.writers import Heads, Rows

MOST = 10**9  # rows of a file
IN_MEMORY = 2 * 10**8  # numbers of a sweep that is kept in memory, 8 bytes each


@dataclass(frozen=True)
class Part:
    """A combination of settings, and the tape of its columns over the axes of numbers."""

    settings: tuple[Any, ...]
    grid: Grid


@dataclass(frozen=True)
class Plan:
    """A sweep that is ready to be computed."""

    heads: Heads
    parts: tuple[Part, ...]
    engine: str = "numpy"
    scheduler: str = ""

    @property
    def rows(self) -> int:
        """How many there are."""
        return parsing.points(self.heads.axes)

    def blocks(self) -> Generator[Rows, None, None]:
        """All rows, a block at a time, in order."""
        import numpy as np

        count = len(self.heads.units)
        for part in self.parts:
            found = backends.computed(
                part.grid, lambda x: [np.empty(lengths(x)) for _ in range(count)], self.engine, self.scheduler
            )
            for slices, values in found:
                numbers = tuple(x[cut] for x, cut in zip(part.grid.axes, slices, strict=True))
                yield Rows(part.settings, numbers, values)

    def write(self, path: str) -> int:
        """Writes a CSV, Parquet or npz file by its ending, a block at a time; how many rows. Raises UsageError."""
        bounded(self.rows, MOST)
        with writers.opened(path, self.heads) as sheet:
            for rows in self.blocks():
                sheet.write(rows)
        return self.rows

    def in_memory(self) -> "Sweep":
        """All columns as arrays. Raises UsageError where they are too many."""
        import numpy as np

        bounded(self.rows * len(self.heads.units), IN_MEMORY)
        every: Columns = [np.empty(self.heads.shape) for _ in self.heads.units]
        places = product(*(range(len(x.values)) for x in self.heads.settings))
        for part, place in zip(self.parts, places, strict=True):
            views = [x[(*place, ...)] for x in every]

            def into(slices: Slices, views: Columns = views) -> Columns:
                return [x[(*slices, ...)] for x in views]

            for _ in backends.computed(part.grid, into, self.engine, self.scheduler):
                pass
        return Sweep(
            {x.name: x.array for x in self.heads.axes},
            dict(zip(self.heads.units, every, strict=True)),
            dict(self.heads.units),
        )


@dataclass(frozen=True, repr=False)
class Sweep:
    """Columns by name, each an array in the shape of the grid; the values of its axes; the columns' units."""

    axes: Mapping[str, Any]
    columns: Mapping[str, Any]
    units: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        """A column, or an axis. Raises UnknownName."""
        found = {**self.axes, **self.columns}
        if name not in found:
            raise UnknownName("column", name, found)
        return found[name]

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
        heads = {name: x.ravel() for name, x in zip(self.axes, grid, strict=True)}
        return pd.DataFrame({**heads, **{name: x.ravel() for name, x in self.columns.items()}})

    def __repr__(self) -> str:
        grid = " by ".join(f"{len(x)} {name}" for name, x in self.axes.items())
        return f"<symroof sweep of {', '.join(self.columns)} over {grid or 'one point'}>"


def bounded(count: int, most: int) -> None:
    """Raises UsageError for a sweep of too many rows or numbers."""
    if count > most:
        what = "rows" if most == MOST else "numbers in memory"
        cure = "sweep it in parts, or by larger steps" + ("" if most == MOST else ", or write it to a file")
        raise UsageError(f"a sweep of {count:,} {what}: give {most:,} at most; {cure}")
