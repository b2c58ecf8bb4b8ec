"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def beside(target: Path, private: bool = False) -> Iterator[BinaryIO]:
    """A file beside a target, which takes its place once all is written; nothing is left of it where that fails.

    `private`: the user's own, nobody else's to read.
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
    """The permissions that new files are denied."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
