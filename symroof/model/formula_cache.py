"""Compiled formulas on disk, in the user's cache directory; a file is used only if this installation wrote it.

SYMROOF_CACHE_DIR sets another directory, SYMROOF_CACHE=0 turns the cache off. A file name is the digest of a key and
the fingerprint of the installation, so installations share a directory without replacing each other's files. A file is
used if only its user can read or write it, no other user can write to its directory, and its first lines hold the
fingerprint, the digest of the rest and the key; any other file is ignored and rewritten. Windows does not report
owners: there ownership and permissions are not checked, and the user's profile is trusted to be private. Where nothing
can be written, or the package cannot be listed (in a zip archive), nothing is cached.
"""

import os
import stat
import sys
from contextlib import suppress
from functools import cache
from importlib.util import source_hash

from symroof.version import __version__

MAX_BYTES = 16 * 2**20
MAX_FILES, MAX_DAYS = 1000, 90  # of other installations: how many files stay, and for how long
# Folders that no formula comes from: descriptions are part of the key, the others build on compiled formulas.
OUTSIDE = (
    "families",
    "parallel",
    "performance",
    "training",
    "sweeps",
    "solving",
    "analysis",
    "render",
    "export",
    "plots",
    "cli",
)


def cache_directory() -> str:
    """Where compiled formulas are stored; empty where the cache is off or no absolute path is known."""
    if os.environ.get("SYMROOF_CACHE") == "0":
        return ""
    if custom := os.environ.get("SYMROOF_CACHE_DIR"):
        return custom
    path = os.path.join(*user_directory())
    return path if os.path.isabs(path) else ""


def user_directory() -> tuple[str, ...]:
    """The directory in the user's caches: of Windows, of macOS, or by the XDG Base Directory Specification."""
    if sys.platform == "win32":
        return os.environ.get("LOCALAPPDATA", ""), "symroof", "cache"
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches"), "symroof"
    return os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "symroof"


@cache
def fingerprint() -> str:
    """The digest of this installation's version and its modules' paths, sizes and times. Raises OSError in a zip."""
    modules = []
    folders = [os.path.dirname(os.path.dirname(__file__))]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    modules.append(f"{entry.path} {status.st_size} {status.st_mtime_ns}")
                elif "." not in entry.name and entry.name not in ("__pycache__", *OUTSIDE) and entry.is_dir():
                    folders.append(entry.path)
    return text_digest("\n".join(sorted(modules)))


def text_digest(text: str) -> str:
    """The digest of a text. It detects damage, not malice: owner and permissions protect against that."""
    return source_hash(text.encode()).hex()


def cache_file(where: str, key: str) -> str:
    """The file of a key, as this installation names it."""
    return os.path.join(where, f"{text_digest(key)}-{fingerprint()}.py")


def file_content(key: str, text: str) -> str:
    """The content of the file that stores a text under a key."""
    body = f"# {key}\n{text}"
    return f"# symroof {__version__} {fingerprint()} {text_digest(body)}\n{body}"


def read_cached(key: str) -> str | None:
    """The text stored under a key; None where there is none, or none that can be trusted."""
    where = cache_directory()
    if not where:
        return None
    try:
        content = read_trusted(where, cache_file(where, key)).decode(errors="replace")
        text = content.split("\n", 2)[-1]
        return text if content == file_content(key, text) else None
    except OSError:
        return None


def read_trusted(where: str, path: str) -> bytes:
    """The bytes of a regular file that is private to the user. Raises OSError for any other."""
    require_private(os.stat(where), 0o022)
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))  # those the system has
    descriptor = os.open(path, os.O_RDONLY | sum(flags))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        require_private(status, 0o077)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            raise OSError(f"{path} is not a file of formulas")
        return file.read(MAX_BYTES)


def require_private(status: os.stat_result, others: int) -> None:
    """Raise OSError for another user's file, or one with any of the permissions `others`, where there are owners."""
    if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & others):
        raise OSError("it is not private to the user")


def write_cached(key: str, text: str) -> None:
    """Store a text under a key, whole or not at all; where that fails, nothing is stored."""
    where = cache_directory()
    if not where:
        return
    from pathlib import Path

    from symroof.files import write_atomically

    with suppress(OSError):
        path, content = cache_file(where, key), file_content(key, text)
        os.makedirs(where, 0o700, exist_ok=True)
        require_private(os.stat(where), 0o022)
        with write_atomically(Path(path), private=True) as file:
            file.write(content.encode())
        remove_old(where)


def remove_old(where: str) -> None:
    """Delete files that other installations wrote more than MAX_DAYS ago, and the oldest of more than MAX_FILES."""
    import re
    import time

    name = re.compile(r"[0-9a-f]{16}(-[0-9a-f]{16})?\.py|\.symroof\.\w+")
    with os.scandir(where) as entries:
        others = [x for x in entries if name.fullmatch(x.name) and not x.name.endswith(f"-{fingerprint()}.py")]
        ages = sorted((time.time() - x.stat(follow_symlinks=False).st_mtime, x.path) for x in others)
    for i, (age, path) in enumerate(ages):
        if i >= MAX_FILES or age > MAX_DAYS * 24 * 3600:
            with suppress(OSError):
                os.unlink(path)
