"""What a result takes of a config: keys used, keys the architecture filled in, keys left aside and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.config.ignored_keys import ignored


@dataclass(frozen=True)
class Entry:
    """A key of a config, its value, and what became of it: used, defaulted, ignored or unknown."""

    key: str
    value: Any
    status: str
    reason: str = ""


def audit(config: Config, architecture: Architecture) -> tuple[Entry, ...]:
    """What became of every key, once the config was read: those used first, those not understood last.

    A key asked for and absent is `defaulted` where the architecture has a value of its own for it.
    """
    origins: dict[str, list[str]] = {}
    for symbol, origin in architecture.origin.items():
        origins.setdefault(origin.removesuffix(" by default"), []).append(symbol)
    found = list(Auditor(architecture, origins).entries(config.data, config.read))
    order = ("used", "defaulted", "ignored", "unknown")
    return tuple(sorted(found, key=lambda x: order.index(x.status)))


@dataclass(frozen=True)
class Auditor:
    """An architecture, and its symbols by the key that each is from."""

    architecture: Architecture
    origins: Mapping[str, list[str]]

    def entries(self, data: Mapping[str, Any], read: Mapping[str, Any], prefix: str = "") -> Iterator[Entry]:
        """The keys of one object and of the objects in it that were read."""
        inner = [data[key] for key, x in read.items() if isinstance(x, Mapping) and isinstance(data.get(key), Mapping)]
        for key, value in data.items():
            name = prefix + key
            if isinstance(value, Mapping) and isinstance(read.get(key), Mapping):
                yield from self.entries(value, read[key], f"{name}.")
            elif key in read or key in ALWAYS:
                yield Entry(name, value, "used", self.told(key))
            elif any(key in x for x in inner):
                yield Entry(name, value, "ignored", "said again of the text model, which counts")
            else:
                reason = ignored(key, value, self.architecture)
                yield Entry(name, value, "ignored" if reason else "unknown", reason)
        for key, default in read.items():
            if key not in data and default is not None and not isinstance(default, Mapping):
                yield Entry(prefix + key, default, "defaulted", self.told(key))

    def told(self, key: str) -> str:
        """The symbols that a key gives."""
        return ", ".join(self.origins.get(key, ()))


ALWAYS = ("model_type", "dtype", "torch_dtype", "quantization_config")  # read by the precision of a report
