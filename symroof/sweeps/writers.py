"""Files that a sweep is written to block by block: CSV, Parquet or NumPy's npz; they appear when they are complete.

CSV      a header, then one line per row: settings, numbers, columns. Whole numbers below 2^53 have no decimal point.
Parquet  the same columns: settings as dictionaries of strings, numbers as int64, quantities as float64 with their unit
         in the field's metadata. Needs pyarrow.
npz      every axis as an array under its name; every quantity as one in the shape of the grid, or the rows that are
         done, in C order, where a sweep was interrupted.
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
from symroof.files import spreadsheet_cell, write_atomically
from symroof.sweeps.axes import Axis, int64_array

GROUP = 2**20  # rows of a row group of Parquet
WHOLE = 2.0**53  # whole floats below are written as integers


@dataclass(frozen=True)
class Header:
    """The axes of a sweep, settings first, and the units of its columns by name."""

    axes: tuple[Axis, ...]
    units: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The names of all columns of a table."""
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
class RowBlock:
    """Rows of a sweep: the value of each setting, the numbers of each axis, and the columns in the shape of those."""

    settings: tuple[str, ...]
    numbers: tuple[Sequence[int], ...]
    columns: Sequence[Any]

    def __len__(self) -> int:
        return prod(map(len, self.numbers))

    def spread(self, values: Sequence[Sequence[Any]], kind: Any) -> list[Any]:
        """The values of every axis, row by row."""
        import numpy as np

        arrays = (np.asarray(x, dtype=kind) for x in values)
        return [x.ravel() for x in np.meshgrid(*arrays, indexing="ij")]


class Sheet(Protocol):
    """A file that rows are written to."""

    def write(self, rows: RowBlock) -> None:
        """Write rows."""

    def finish(self) -> None:
        """Complete the file."""

    def close(self) -> None:
        """Release all resources."""


class Csv:
    """Lines of text."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self.file = file
        self.line([csv_field(x) for x in header.names])

    def line(self, words: Iterable[str]) -> None:
        """Write one line."""
        self.file.write((",".join(words) + "\n").encode())

    def write(self, rows: RowBlock) -> None:
        """Write rows."""
        settings = "".join(csv_field(x) + "," for x in rows.settings)
        axes = [x.tolist() for x in rows.spread([[*map(str, x)] for x in rows.numbers], object)]
        lines = map(",".join, zip(*axes, *map(number_texts, rows.columns), strict=True))
        self.file.write((settings + ("\n" + settings).join(lines) + "\n").encode())

    def finish(self) -> None:
        """Write what is left."""
        self.file.flush()

    def close(self) -> None:
        """Release nothing: there is nothing else."""


def csv_field(text: str) -> str:
    """A text as a CSV field."""
    text = spreadsheet_cell(text)
    return '"' + text.replace('"', '""') + '"' if any(x in text for x in ',"\n\r') else text


def number_texts(column: Any) -> Iterable[str]:
    """Numbers as the shortest text that reads back the same; whole ones without a decimal point."""
    import numpy as np

    flat = column.ravel()
    if np.all(flat == np.floor(flat)) and np.all(np.abs(flat) < WHOLE):
        return map(str, flat.astype(np.int64).tolist())
    return (x.removesuffix(".0") for x in map(repr, flat.tolist()))


class Parquet:
    """Row groups by column."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtra("a Parquet file", "frame") from error
        word, self.arrow = pyarrow.dictionary(pyarrow.int32(), pyarrow.string()), pyarrow
        fields = [pyarrow.field(x.name, word if x.setting else pyarrow.int64()) for x in header.axes]
        fields += [pyarrow.field(x, pyarrow.float64(), metadata={"unit": unit}) for x, unit in header.units.items()]
        self.schema, self.waiting = pyarrow.schema(fields), list[Any]()
        self.writer = parquet.ParquetWriter(file, self.schema)

    def write(self, rows: RowBlock) -> None:
        """Collect rows until there are enough for a group."""
        import numpy as np

        zeros = np.zeros(len(rows), dtype=np.int32)
        words = [self.arrow.DictionaryArray.from_arrays(zeros, [x]) for x in rows.settings]
        numbers = rows.spread([*map(int64_array, rows.numbers)], np.int64)
        self.waiting.append(self.arrow.table([*words, *numbers, *(x.ravel() for x in rows.columns)], self.schema))
        if sum(map(len, self.waiting)) >= GROUP:
            self.group()

    def group(self) -> None:
        """Write the rows that wait."""
        if self.waiting:
            self.writer.write_table(self.arrow.concat_tables(self.waiting).unify_dictionaries())
            self.waiting = []

    def finish(self) -> None:
        """Write what is left, and the list of groups."""
        self.group()
        self.writer.close()

    def close(self) -> None:
        """Release a file that may have failed."""
        with suppress(OSError):
            self.writer.close()


class Npz:
    """A temporary file for each column, put together at the end."""

    def __init__(self, file: BinaryIO, header: Header) -> None:
        self.file, self.header, self.done = file, header, 0
        self.stack, folder = ExitStack(), Path(file.name).parent
        self.parts = [self.stack.enter_context(TemporaryFile(dir=folder)) for _ in header.units]  # noqa: SIM115

    def write(self, rows: RowBlock) -> None:
        """Append to each column."""
        for part, column in zip(self.parts, rows.columns, strict=True):
            part.write(column.tobytes())
        self.done += len(rows)

    def finish(self) -> None:
        """Put axes and columns into one file."""
        import numpy as np

        shape = self.header.shape if self.done == prod(self.header.shape) else (self.done,)
        with zipfile.ZipFile(self.file, "w") as archive:
            for x in self.header.axes:
                with archive.open(f"{x.name}.npy", "w") as member:
                    np.lib.format.write_array(member, x.array)
            for name, part in zip(self.header.units, self.parts, strict=True):
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    write_column(member, part, shape)

    def close(self) -> None:
        """Release the columns."""
        with suppress(OSError):
            self.stack.close()


def write_column(member: Any, values: Any, shape: tuple[int, ...]) -> None:
    """Write an array of float64 from its bytes in a file, and close that."""
    import numpy as np

    np.lib.format.write_array_header_1_0(member, {"descr": "<f8", "fortran_order": False, "shape": shape})
    values.seek(0)
    shutil.copyfileobj(values, member, 2**20)
    values.close()


SheetClass = Callable[[BinaryIO, Header], Sheet]
KINDS: dict[str, SheetClass] = {".csv": Csv, ".parquet": Parquet, ".npz": Npz}


def writer_class(path: str) -> SheetClass:
    """The sheet for a file name's ending; CSV for devices and pipes. Raises UnknownName, UsageError."""
    target = Path(path)
    ending, device = target.suffix.lower(), target.exists() and not target.is_file()
    if device and ending in KINDS.keys() - {".csv"}:
        raise UsageError(f"{shorten(path)} is not a regular file: Parquet and npz need one")
    if ending not in KINDS and not device:
        raise UnknownName("ending of a file", ending or path, KINDS, "; or leave -o out for CSV")
    return Csv if device else KINDS[ending]


@contextmanager
def open_sheet(path: str, header: Header) -> Iterator[Sheet]:
    """A sheet in a file, which appears once all is written; nothing is left where that fails.

    Raises UnknownName and UsageError as `kind` does, OSError where it cannot be written.
    """
    sheet_class, target = writer_class(path), Path(path).resolve()
    place = target.open("wb") if target.exists() and not target.is_file() else write_atomically(target)
    with place as file, finishing(sheet_class(file, header)) as sheet:
        yield sheet


@contextmanager
def finishing(sheet: Sheet) -> Iterator[Sheet]:
    """A sheet, completed after use."""
    try:
        yield sheet
        sheet.finish()
    finally:
        sheet.close()
