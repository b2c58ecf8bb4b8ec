"""Compiled formulas on disk, in the user's cache directory; what is there is used only if this installation wrote it.

SYMROOF_CACHE_DIR is another directory, SYMROOF_CACHE=0 is none. A file counts when it is the user's own and nobody
else's to read or write, in a directory that nobody else can write to, and its first lines have the package's
fingerprint, the digest of the rest, and the key; any other is ignored, and made again. Where the system tells no
owners, or nothing can be written, nothing is kept.
"""

import os
import stat
from contextlib import suppress
from functools import cache
from importlib.util import source_hash

from symroof.version import __version__

MAX_BYTES = 16 * 2**20
OUTSIDE = ("cli", "families", "plots", "render", "export")  # folders that formulas do not come from


def directory() -> str:
    """Where compiled formulas are kept; empty where they are not."""
    if os.environ.get("SYMROOF_CACHE") == "0" or not hasattr(os, "geteuid"):
        return ""
    if own := os.environ.get("SYMROOF_CACHE_DIR"):
        return own
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(home, "symroof") if os.path.isabs(home) else ""


@cache
def fingerprint() -> str:
    """What tells this installation from any other: version, and name, size and time of each of its modules."""
    found = []
    rest = [os.path.dirname(os.path.dirname(__file__))]
    while rest:
        with os.scandir(rest.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    told = entry.stat()
                    found.append(f"{entry.path} {told.st_size} {told.st_mtime_ns}")
                elif "." not in entry.name and entry.name not in ("__pycache__", *OUTSIDE) and entry.is_dir():
                    rest.append(entry.path)
    return digest("\n".join(sorted(found)))


def digest(text: str) -> str:
    """The digest of a text, which tells damage and chance, not malice: from that, owner and permissions keep."""
    return source_hash(text.encode()).hex()


def place(where: str, key: str) -> str:
    """The file of a key."""
    return os.path.join(where, f"{digest(key)}.py")


def framed(key: str, text: str) -> str:
    """A text as its file has it."""
    kept = f"# {key}\n{text}"
    return f"# symroof {__version__} {fingerprint()} {digest(kept)}\n{kept}"


def read(key: str) -> str | None:
    """What was kept under a key; None where nothing is, or nothing that can be trusted."""
    where = directory()
    if not where:
        return None
    try:
        found = trusted(where, place(where, key)).decode(errors="replace")
    except OSError:
        return None
    text = found.split("\n", 2)[-1]
    return text if found == framed(key, text) else None


def trusted(where: str, path: str) -> bytes:
    """The bytes of a file that is the user's own and nobody else's. Raises OSError for any other."""
    own(os.stat(where), 0o022)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        told = os.fstat(descriptor)
        own(told, 0o077)
        if not stat.S_ISREG(told.st_mode) or told.st_size > MAX_BYTES:
            raise OSError(f"{path} is no file of formulas")
        return file.read(MAX_BYTES)


def own(told: os.stat_result, others: int) -> None:
    """Raise OSError for what is another user's, or has any of the permissions `others`."""
    if told.st_uid != os.geteuid() or told.st_mode & others:
        raise OSError("it is not the user's own")


def write(key: str, text: str) -> None:
    """Keep a text under a key, whole or not at all; where that cannot be, nothing is."""
    where = directory()
    if not where:
        return
    from pathlib import Path

    from symroof.files import beside

    with suppress(OSError):
        os.makedirs(where, 0o700, exist_ok=True)
        own(os.stat(where), 0o022)
        with beside(Path(place(where, key)), private=True) as file:
            file.write(framed(key, text).encode())
