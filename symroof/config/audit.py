"""Which keys of a config a result uses, which take a default, which are ignored and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.config.ignored_keys import reason_ignored


@dataclass(frozen=True)
class KeyStatus:
    """A key of a config, its value, and its status: used, defaulted, ignored or unknown."""

    key: str
    value: Any
    status: str
    reason: str = ""


def audit(config: Config, architecture: Architecture) -> tuple[KeyStatus, ...]:
    """The status of every key once the config has been read: used keys first, unknown ones last.

    A key that was looked up and is absent is `defaulted` where the architecture has a default for it.
    """
    origins: dict[str, list[str]] = {}
    for symbol, origin in architecture.origin.items():
        origins.setdefault(origin.removesuffix(" by default"), []).append(symbol)
    statuses = Auditor(architecture, origins).entries(config.data, config.read)
    return tuple(sorted(statuses, key=lambda x: ORDER.index(x.status)))


@dataclass(frozen=True)
class Auditor:
    """An architecture, and its symbols by the key that each is read from."""

    architecture: Architecture
    origins: Mapping[str, list[str]]

    def entries(self, data: Mapping[str, Any], read: Mapping[str, Any], prefix: str = "") -> Iterator[KeyStatus]:
        """The keys of one object and of the objects in it that were read."""
        for key, value in data.items():
            if isinstance(value, Mapping) and isinstance(read.get(key), Mapping):
                yield from self.entries(value, read[key], f"{prefix}{key}.")
            else:
                yield KeyStatus(prefix + key, value, *self.status(key, data, read, prefix))
        for key, default in read.items():
            if key not in data and default is not None and not isinstance(default, Mapping):
                yield KeyStatus(prefix + key, default, "defaulted", self.symbols(key))

    def status(self, key: str, data: Mapping[str, Any], read: Mapping[str, Any], prefix: str) -> tuple[str, str]:
        """The status of a key that is there, and why; for a used key, the symbols that it sets."""
        if key in read or (key in ALWAYS and prefix in PARTS):
            return "used", self.symbols(key)
        if key in ALWAYS:
            return "ignored", "of a part: that of the whole is used"
        if any(key in data[x] for x, y in read.items() if isinstance(y, Mapping) and isinstance(data.get(x), Mapping)):
            return "ignored", "repeated in the text model's config, which is used"
        reason = reason_ignored(key, data[key], self.architecture)
        return ("ignored" if reason else "unknown"), reason

    def symbols(self, key: str) -> str:
        """The symbols that a key sets."""
        return ", ".join(self.origins.get(key, ()))


ORDER = ("used", "defaulted", "ignored", "unknown")
ALWAYS = ("model_type", "dtype", "torch_dtype", "quantization_config")  # read by the precision of a report
PARTS = ("", "text_config.")  # where these are read
