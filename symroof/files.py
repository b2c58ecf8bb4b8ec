"""Files of the package that are read, and files that are written atomically."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path


def package_data(package: str, name: str) -> bytes:
    """A file that is shipped in the folder of a package, also from a zip archive."""
    spec: Any = sys.modules[package].__spec__
    return bytes(spec.loader.get_data(os.path.join(spec.submodule_search_locations[0], name)))


def spreadsheet_cell(text: str) -> str:
    """A text as a cell that spreadsheets take for text: names are the user's, and `=cmd|...` would run as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


@contextmanager
def write_atomically(target: "Path", private: bool = False) -> Iterator[BinaryIO]:
    """A temporary file next to a target that replaces it when the context exits; deleted if an exception is raised.

    `private`: no other user can read it.
    """
    import tempfile

    descriptor, partial = tempfile.mkstemp(dir=target.parent, prefix=".symroof.")
    os.close(descriptor)
    try:
        with open(partial, "wb") as file:
            yield file
        os.chmod(partial, 0o600 if private else 0o666 & ~umask())
        os.replace(partial, target)
    except BaseException:
        os.unlink(partial)
        raise


def umask() -> int:
    """The process's umask: the permissions that new files do not get."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
