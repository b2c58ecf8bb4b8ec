"""Compiled formulas on disk, in the user's cache directory; what is there is used only if this installation wrote it.

SYMROOF_CACHE_DIR is another directory, SYMROOF_CACHE=0 is none. A file counts when it is the user's own and nobody
else's to read or write, in a directory that nobody else can write to, and its first line has the package's
fingerprint and the digest of the rest; any other is ignored, and made again. Where the system tells no owners, or
nothing can be written, nothing is kept.
"""

import os
import stat
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

from symroof import __version__

MAX_BYTES = 16 * 2**20


def directory() -> Path | None:
    """Where compiled formulas are kept; None where they are not."""
    if os.environ.get("SYMROOF_CACHE") == "0" or not hasattr(os, "geteuid"):
        return None
    if own := os.environ.get("SYMROOF_CACHE_DIR"):
        return Path(own)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home, "symroof") if os.path.isabs(home) else None


@cache
def fingerprint() -> str:
    """What tells this installation from any other: version, and name, size and time of each of its modules."""
    found = []
    rest = [os.path.dirname(__file__)]
    while rest:
        with os.scandir(rest.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    told = entry.stat()
                    found.append(f"{entry.path} {told.st_size} {told.st_mtime_ns}")
                elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                    rest.append(entry.path)
    return digest("\n".join([__version__, *sorted(found)]))


def digest(text: str) -> str:
    """The digest of a text."""
    return blake2b(text.encode(), digest_size=20).hexdigest()


def read(key: str) -> str | None:
    """What was kept under a key; None where nothing is, or nothing that can be trusted."""
    where = directory()
    if where is None:
        return None
    try:
        raw = trusted(where, f"{digest(key)}.py")
    except OSError:
        return None
    head, _, text = raw.decode(errors="replace").partition("\n")
    return text if head == heading(key, text) else None


def heading(key: str, text: str) -> str:
    """The first line of a file."""
    return f"# symroof {__version__} {fingerprint()} {digest(key)} {digest(text)}"


def trusted(where: Path, name: str) -> bytes:
    """The bytes of a file that is the user's own and nobody else's. Raises OSError for any other."""
    own(os.stat(where), 0o022)
    descriptor = os.open(where / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        told = os.fstat(descriptor)
        own(told, 0o077)
        if not stat.S_ISREG(told.st_mode) or told.st_size > MAX_BYTES:
            raise OSError(f"{name} is no file of formulas")
        return file.read(MAX_BYTES)


def own(told: os.stat_result, others: int) -> None:
    """Raise OSError for what is another user's, or has any of the permissions `others`."""
    if told.st_uid != os.geteuid() or told.st_mode & others:
        raise OSError("it is not the user's own")


def write(key: str, text: str) -> None:
    """Keep a text under a key, whole or not at all; where that cannot be, nothing is."""
    where = directory()
    if where is None:
        return
    from symroof.files import beside

    with suppress(OSError):
        where.mkdir(0o700, parents=True, exist_ok=True)
        own(os.stat(where), 0o022)
        with beside(where / f"{digest(key)}.py", private=True) as file:
            file.write(f"{heading(key, text)}\n{text}".encode())
