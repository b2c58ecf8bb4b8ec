"""Files of the package that are read, and where output goes: whole new files, or what is open already."""

import os
import re
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


DESCRIPTORS = re.compile(r"/dev/fd|/proc/(\d+)/(?:task/\d+/)?fd")  # directories of open files, Linux's by process
MAX_LINKS = 40


def open_file_of(path: str) -> tuple[int, int] | None:
    """The process and number of the open file that a path names, such as /dev/stdout; None for any other path."""
    for _ in range(MAX_LINKS):
        folder, name = os.path.split(os.path.abspath(path))
        folder = os.path.realpath(folder)
        if (match := DESCRIPTORS.fullmatch(folder)) and name.isdecimal():
            return int(match[1] or os.getpid()), int(name)
        if not os.path.islink(os.path.join(folder, name)):
            return None
        path = os.path.join(folder, os.readlink(os.path.join(folder, name)))
    return None


def is_stream(path: str) -> bool:
    """Whether a path names an open file, a device, a pipe or a socket: what is written to, never replaced."""
    return bool(open_file_of(path)) or (os.path.exists(path) and not os.path.isfile(path))


@contextmanager
def write_to(path: str) -> Iterator[BinaryIO]:
    """A file to write: a new one that replaces a regular file when the context exits, else the stream itself.

    An open file is written where its program is in it; a device, a pipe or another program's file is appended to.
    """
    if not is_stream(path):
        from pathlib import Path

        with write_atomically(Path(path).resolve()) as file:
            yield file
        return
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    process, number = open_file_of(path) or (0, 0)
    descriptor = os.dup(number) if process == os.getpid() else os.open(path, os.O_WRONLY | os.O_APPEND)
    with open(descriptor, "wb") as file:
        yield file


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
