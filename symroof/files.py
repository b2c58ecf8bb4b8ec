"""Files that are written atomically."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def write_atomically(target: Path, private: bool = False) -> Iterator[BinaryIO]:
    """A temporary file next to a target that replaces it when the context exits; deleted if an exception is raised.

    `private`: no other user can read it.
    """
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
