"""A model's config: from the built-in catalogue, a file, a directory, a dict or the hub. Plain data, no sympy.

`Config` hands out values only after checking them; every message names the key and the config it is missing
from or wrong in. Nothing a config says is ever evaluated, imported or run.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import field, replace
from functools import cache
from pkgutil import get_data
from typing import Any

from symroof.architecture.structure import MAX_SIZE, Size
from symroof.dtypes import plain
from symroof.errors import ConfigError, UnknownName, UsageError, described, shorten
from symroof.records import frozen

MAX_LAYERS = 10**6
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


@frozen
class Config:
    """One config's keys, the name of the model it belongs to, and where it came from; `read` is kept for audits."""

    data: Mapping[str, Any]
    name: str
    source: str
    read: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)  # key asked for -> default it took
    assumed: frozenset[str] = frozenset()  # keys that are not its own but its class's

    def fail(self, what: str) -> ConfigError:
        """The error that says `what` is wrong with this config."""
        return ConfigError(f"{self.source}: {what}")

    def wrong(self, key: str, must: str) -> ConfigError:
        """The error that says what a key's value must be."""
        return self.fail(f"key {key!r} is {described(self.data[key])}: it must be {must}")

    def has(self, key: str) -> bool:
        """Whether the key is there with a value; null counts as absent, as it does for transformers."""
        self.read.setdefault(key, None)
        return self.data.get(key) is not None

    def says(self, key: str) -> bool:
        """Whether the key is there, be it null."""
        self.read.setdefault(key, None)
        return key in self.data

    def spelling(self, *keys: str) -> str:
        """Which of several spellings of one key has a value, the first where none has. They must not contradict."""
        found = [key for key in keys if self.has(key)]
        for key in found[1:]:
            if self.data[key] != self.data[found[0]]:
                one, other = (f"{x!r} ({described(self.data[x])})" for x in (found[0], key))
                raise self.fail(f"keys {one} and {other} contradict each other: keep one")
        return found[0] if found else keys[0]

    def number(self, *keys: str, absent: int | None = None, least: int = 1, most: int = MAX_SIZE) -> int:
        """A whole number from `least` to `most` under one of the spellings; `absent` where none is there."""
        key = self.spelling(*keys)
        if not self.has(key):
            if absent is None:
                raise self.fail(f"key {key!r} is missing: add it, a whole number of at least {least}")
            self.read[key] = absent
            return absent
        value = self.data[key]
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(key, f"a whole number from {least} to {most}")
        return value

    def size(self, *keys: str, absent: int | None = None, most: int = MAX_SIZE) -> Size:
        """`number`, with the key it came from."""
        value = self.number(*keys, absent=absent, most=most)
        key = self.spelling(*keys)
        return Size(value, key if self.has(key) and key not in self.assumed else f"{key} by default")

    def flag(self, *keys: str, absent: bool) -> bool:
        """True or false; `absent` where no spelling of the key is there."""
        key = self.spelling(*keys)
        if not self.has(key):
            self.read[key] = absent
            return absent
        value = self.data[key]
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def text(self, *keys: str, absent: str = "") -> str:
        """A string; `absent` where no spelling of the key is there."""
        key = self.spelling(*keys)
        if not self.has(key):
            self.read[key] = absent or None
            return absent
        value = self.data[key]
        if not isinstance(value, str):
            raise self.wrong(key, "a string")
        return value

    def listed(self, key: str) -> list[Any]:
        """A list; empty where the key is absent."""
        value = self.data[key] if self.has(key) else []
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def nested(self, key: str) -> "Config":
        """The config under `key`, such as text_config."""
        value = self.data.get(key)
        if not isinstance(value, Mapping):
            raise self.fail(f"key {key!r} is missing or no object: this model_type keeps its sizes in it")
        read = self.read.get(key)
        if not isinstance(read, dict):
            read = self.read[key] = {}
        return Config(value, self.name, f"{self.source}, {key}", read)

    def table(self, key: str) -> Mapping[str, Any]:
        """The object under `key`, taken whole."""
        self.nested(key)
        self.read[key] = None
        return dict(self.data[key])

    def filled(self, absent: Mapping[str, Any], **fixed: Any) -> "Config":
        """This config with the keys of `absent` that it lacks, and with those of `fixed` whatever it says."""
        assumed = self.assumed | (absent.keys() - self.data.keys())
        return replace(self, data={**absent, **self.data, **fixed}, assumed=assumed)

    def parts(self) -> list["Config"]:
        """This config, and its text_config where it has one."""
        return [self, self.nested("text_config")] if isinstance(self.data.get("text_config"), Mapping) else [self]

    def dtype(self) -> str:
        """The format the weights are kept in; empty where the config says nothing."""
        named = {plain(part.text(key)) for part in self.parts() for key in ("dtype", "torch_dtype")} - {""}
        if len(named) > 1:
            raise self.fail(
                f"dtype and torch_dtype contradict each other: {' and '.join(map(described, sorted(named)))}"
            )
        return named.pop() if named else ""

    def quantization(self) -> str:
        """The quant_method of its quantization_config; empty where it has none."""
        for part in self.parts():
            if part.has("quantization_config"):
                found = part.data["quantization_config"]
                method = found.get("quant_method") if isinstance(found, Mapping) else None
                return shorten(method, 30) if isinstance(method, str) and method else "unnamed"
        return ""


def load_config(model: str | os.PathLike[str] | Mapping[str, Any]) -> Config:
    """The config of `model`: a catalogue name, a file, a directory with a config.json, a hub id, or a dict.

    Raises UsageError (UnknownName) for what cannot be found, ConfigError for what cannot be read, HubError
    for what cannot be downloaded.
    """
    if isinstance(model, Mapping):
        named = next((x for x in map(model.get, ("_name_or_path", "model_type")) if isinstance(x, str) and x), "model")
        return Config(model, shorten(named), "the given dict")
    text = os.fspath(model)
    if isinstance(model, str) and text.lower() in built_in():
        name, kept = text.lower(), entry(text.lower())
        return Config(kept["config"], name, f"catalogue: {kept['source']}")
    from symroof.config import files

    if path := files.existing(text):
        data, name = files.read(path)
        return Config(data, name, shorten(path, 200))
    if text.endswith(".json") or text.startswith((".", "/", "~")) or "\\" in text:
        raise UsageError(f"no file {shorten(text, 200)!r}: give the path of a config.json or its directory")
    if HUB_ID.fullmatch(text):
        from symroof.config.hub import download

        return Config(files.read(download(text, files.MAX_BYTES))[0], text, f"hub: {text}")
    told = " (`symroof models` lists them; a file, a directory or a hub id org/name serves too)"
    raise UnknownName("model", text, built_in(), told)


@cache
def built_in() -> dict[str, str]:
    """The built-in models: name -> its entry in the catalogue, a line of the file, as it is written."""
    data = get_data("symroof.config", "catalogue.json") or b""
    lines = (line.partition(": ") for line in data.decode().splitlines()[1:-1])
    return {name.strip(' "'): text.rstrip(",") for name, _, text in lines}


@cache
def entry(name: str) -> dict[str, Any]:
    """What the catalogue has of one built-in model: source, figures, config."""
    return dict(json.loads(built_in()[name]))


def catalogue() -> dict[str, dict[str, Any]]:
    """The built-in models: name -> entry."""
    return {name: entry(name) for name in built_in()}
