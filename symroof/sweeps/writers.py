"""What a sweep is written to, block by block: CSV, Parquet or NumPy's npz, in files that are there whole or not at all.

CSV      a line of heads, then a line a row: settings, numbers, columns. Whole numbers of less than 2^53 are written so.
Parquet  the same columns: settings as dictionaries of strings, numbers as int64, quantities as float64 with their unit
         in the field's metadata. Needs pyarrow.
npz      every axis as an array under its name; every quantity as one in the shape of the grid, or the rows that are
         done, in C order, where a sweep was ended early.
"""

import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Protocol

from symroof.errors import MissingExtra, UnknownName, UsageError, shorten
from symroof.files import beside
from symroof.sweeps.axes import Axis, integers

GROUP = 2**20  # rows of a group of Parquet's
WHOLE = 2.0**53  # floats below are written as whole numbers where they are


@dataclass(frozen=True)
class Heads:
    """The axes of a sweep, settings first, and the units of its columns by name."""

    axes: tuple[Axis, ...]
    units: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The heads of all columns."""
        return [*(x.name for x in self.axes), *self.units]

    @property
    def settings(self) -> tuple[Axis, ...]:
        """The axes that are settings."""
        return tuple(x for x in self.axes if x.setting)

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of all axes."""
        return tuple(len(x.values) for x in self.axes)


@dataclass(frozen=True)
class Rows:
    """Rows of a sweep: what each setting is, the numbers of each axis, and the columns in the shape of those."""

    settings: tuple[str, ...]
    numbers: tuple[Sequence[int], ...]
    columns: Sequence[Any]

    def __len__(self) -> int:
        return prod(map(len, self.numbers))

    def spread(self, values: Sequence[Sequence[Any]], kind: Any) -> list[Any]:
        """The values of every axis, row by row."""
        import numpy as np

        shape = tuple(map(len, self.numbers))
        places = ([-1 if i == j else 1 for j in range(len(shape))] for i in range(len(shape)))
        own = (np.asarray(x, dtype=kind).reshape(place) for x, place in zip(values, places, strict=True))
        return [np.broadcast_to(x, shape).ravel() for x in own]


class Sheet(Protocol):
    """A file that rows are written to."""

    def write(self, rows: Rows) -> None:
        """Writes rows."""

    def finish(self) -> None:
        """Makes of what is written a whole file."""

    def close(self) -> None:
        """Lets go of all that it holds."""


class Csv:
    """Lines of text."""

    def __init__(self, file: BinaryIO, heads: Heads) -> None:
        self.file = file
        self.line([quoted(x) for x in heads.names])

    def line(self, words: Iterable[str]) -> None:
        """Writes one line."""
        self.file.write((",".join(words) + "\n").encode())

    def write(self, rows: Rows) -> None:
        """Writes rows."""
        settings = "".join(quoted(x) + "," for x in rows.settings)
        axes = [x.tolist() for x in rows.spread([[*map(str, x)] for x in rows.numbers], object)]
        lines = map(",".join, zip(*axes, *map(texts, rows.columns), strict=True))
        self.file.write((settings + ("\n" + settings).join(lines) + "\n").encode())

    def finish(self) -> None:
        """Writes what is left."""
        self.file.flush()

    def close(self) -> None:
        """Holds nothing else."""


def quoted(text: str) -> str:
    """A text as a field of CSV."""
    return '"' + text.replace('"', '""') + '"' if any(x in text for x in ',"\n\r') else text


def texts(column: Any) -> Iterable[str]:
    """Numbers as text: the shortest that reads back the same; whole ones without a point."""
    import numpy as np

    flat = column.ravel()
    if np.all(flat == np.floor(flat)) and np.all(np.abs(flat) < WHOLE):
        return map(str, flat.astype(np.int64).tolist())
    return (x.removesuffix(".0") for x in map(repr, flat.tolist()))


class Parquet:
    """Groups of rows by column."""

    def __init__(self, file: BinaryIO, heads: Heads) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtra("a Parquet file", "frame") from error
        word, self.arrow = pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), pyarrow
        fields = [pyarrow.field(x.name, word if x.setting else pyarrow.int64()) for x in heads.axes]
        fields += [pyarrow.field(x, pyarrow.float64(), metadata={"unit": unit}) for x, unit in heads.units.items()]
        self.schema, self.waiting = pyarrow.schema(fields), list[Any]()
        self.writer = parquet.ParquetWriter(file, self.schema)

    def write(self, rows: Rows) -> None:
        """Keeps rows until there are enough for a group."""
        import numpy as np

        zeros = np.zeros(len(rows), dtype=np.int32)
        words = [self.arrow.DictionaryArray.from_arrays(zeros, [x]) for x in rows.settings]
        numbers = rows.spread([*map(integers, rows.numbers)], np.int64)
        self.waiting.append(self.arrow.table([*words, *numbers, *(x.ravel() for x in rows.columns)], self.schema))
        if sum(map(len, self.waiting)) >= GROUP:
            self.group()

    def group(self) -> None:
        """Writes the rows that wait."""
        if self.waiting:
            self.writer.write_table(self.arrow.concat_tables(self.waiting).unify_dictionaries())
            self.waiting = []

    def finish(self) -> None:
        """Writes what is left, and the list of groups."""
        self.group()
        self.writer.close()

    def close(self) -> None:
        """Lets go of a file that may have failed."""
        with suppress(OSError):
            self.writer.close()


class Npz:
    """A file without a name for each column, put together at the end."""

    def __init__(self, file: BinaryIO, heads: Heads) -> None:
        self.file, self.heads, self.done = file, heads, 0
        self.held, folder = ExitStack(), Path(file.name).parent
        self.parts = [self.held.enter_context(TemporaryFile(dir=folder)) for _ in heads.units]  # noqa: SIM115

    def write(self, rows: Rows) -> None:
        """Adds to each column."""
        for part, column in zip(self.parts, rows.columns, strict=True):
            part.write(column.tobytes())
        self.done += len(rows)

    def finish(self) -> None:
        """Puts axes and columns into one file."""
        import numpy as np

        shape = self.heads.shape if self.done == prod(self.heads.shape) else (self.done,)
        about = {"descr": "<f8", "fortran_order": False, "shape": shape}
        with zipfile.ZipFile(self.file, "w") as archive:
            for x in self.heads.axes:
                with archive.open(f"{x.name}.npy", "w") as member:
                    np.lib.format.write_array(member, x.array)
            for name, part in zip(self.heads.units, self.parts, strict=True):
                part.seek(0)
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array_header_1_0(member, about)
                    shutil.copyfileobj(part, member, 2**20)
                part.close()

    def close(self) -> None:
        """Lets go of the columns."""
        with suppress(OSError):
            self.held.close()


Made = Callable[[BinaryIO, Heads], Sheet]
KINDS: dict[str, Made] = {".csv": Csv, ".parquet": Parquet, ".npz": Npz}


def kind(path: str) -> Made:
    """What a file is written as, by its ending; devices and pipes as CSV. Raises UnknownName, UsageError."""
    target = Path(path)
    ending, device = target.suffix.lower(), target.exists() and not target.is_file()
    if device and ending in KINDS.keys() - {".csv"}:
        raise UsageError(f"{shorten(path)} is no file: Parquet and npz are written to one")
    if ending not in KINDS and not device:
        raise UnknownName("ending of a file", ending or path, KINDS, "; or leave -o out for CSV")
    return Csv if device else KINDS[ending]


@contextmanager
def opened(path: str, heads: Heads) -> Iterator[Sheet]:
    """A sheet in a file, which is there once all is written and not before; nothing is left where that fails.

    Raises UnknownName and UsageError as `kind` does, OSError where it cannot be written.
    """
    made, target = kind(path), Path(path).resolve()
    place = target.open("wb") if target.exists() and not target.is_file() else beside(target)
    with place as file, finished(made(file, heads)) as sheet:
        yield sheet


@contextmanager
def finished(sheet: Sheet) -> Iterator[Sheet]:
    """A sheet, finished after use."""
    try:
        yield sheet
        sheet.finish()
    finally:
        sheet.close()
