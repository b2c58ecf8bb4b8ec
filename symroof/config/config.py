"""A model's config: from the built-in catalogue, a file, a directory, a dict or the hub. Plain data, no sympy.

`Config` checks a value before it returns it; every error names the key and the config that lacks it or has it
wrong. No text of a config is ever evaluated, imported or run.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from math import isfinite
from typing import Any

from symroof.architecture.structure import MAX_SIZE, Size
from symroof.config.catalogue import built_in_alias, built_in_models, catalogue_entry, provenance_warnings
from symroof.dtypes import without_alias
from symroof.errors import ConfigError, SymroofError, UnknownName, UsageError, quoted_value, shorten
from symroof.records import frozen

MAX_LAYERS = 10**4  # reading and quantising go layer by layer: 0.1 ms each at most
LONGEST = 300  # characters of what is wrong with a config
TRACEBACK = "SYMROOF_TRACEBACK"  # an environment variable
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


@frozen
class Config:
    """The keys of one config, the model's name, and the source of both; `read` records look-ups for audits."""

    data: Mapping[str, Any]
    name: str
    source: str
    read: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)  # key looked up -> default used
    assumed: frozenset[str] = frozenset()  # keys that the file lacks and the config's class has defaults for
    warnings: tuple[str, ...] = ()  # what a reader of its results has to know about where it is from

    def fail(self, what: str) -> ConfigError:
        """The error to raise for this config; `what` says what is wrong with it."""
        return ConfigError(f"{self.source}: {shorten(what, LONGEST)}")

    def wrong(self, key: str, must: str) -> ConfigError:
        """The error to raise for a key's value; `must` says what it must be."""
        if key not in self.data:
            return self.fail(f"key {key!r} is missing: add it, {must}")
        return self.fail(f"key {key!r} is {quoted_value(self.data[key])}: it must be {must}")

    def has(self, key: str) -> bool:
        """Whether the key is present with a value; null counts as absent, as in transformers."""
        self.read.setdefault(key, self.data[key] if key in self.assumed else None)
        return self.data.get(key) is not None

    def says(self, key: str) -> bool:
        """Whether the key is present, with a value or null."""
        self.read.setdefault(key, None)
        return key in self.data

    def spelling(self, *keys: str) -> str:
        """The spelling of a key that has a value, the first of `keys` if none has. Values must not contradict."""
        present = [key for key in keys if self.has(key)]
        for key in present[1:]:
            if self.data[key] != self.data[present[0]]:
                one, other = (f"{x!r} ({quoted_value(self.data[x])})" for x in (present[0], key))
                raise self.fail(f"keys {one} and {other} contradict each other: keep one")
        return present[0] if present else keys[0]

    def _default(self, key: str, default: Any) -> Any:
        """The default for an absent key, recorded for audits."""
        self.read[key] = default
        return default

    def number(self, *keys: str, absent: int | None = None, least: int = 1, most: int = MAX_SIZE) -> int:
        """A whole number from `least` to `most` under one of the spellings; `absent` where all are absent."""
        key = self.spelling(*keys)
        value = self.data[key] if self.has(key) else self._default(key, absent)
        if value is None:
            raise self.fail(f"key {key!r} is missing: add it, a whole number of at least {least}")
        if not (is_whole(value) and least <= value <= most):
            raise self.wrong(key, f"a whole number from {least} to {most}")
        return value  # type: ignore[no-any-return]

    def size(self, *keys: str, absent: int | None = None, most: int = MAX_SIZE) -> Size:
        """`number`, together with the key it is read from."""
        value = self.number(*keys, absent=absent, most=most)
        key = self.spelling(*keys)
        return Size(value, key if self.has(key) and key not in self.assumed else f"{key} by default")

    def flag(self, *keys: str, absent: bool) -> bool:
        """True or false; `absent` where all spellings of the key are absent."""
        key = self.spelling(*keys)
        value = self.data[key] if self.has(key) else self._default(key, absent)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def text(self, *keys: str, absent: str = "") -> str:
        """A string; `absent` where all spellings of the key are absent."""
        key = self.spelling(*keys)
        value = self.data[key] if self.has(key) else self._default(key, absent or None)
        if not isinstance(value, str | None):
            raise self.wrong(key, "a string")
        return value or ""

    def real(self, *keys: str, absent: float | None = None, least: float = -MAX_SIZE, most: float = MAX_SIZE) -> float:
        """A number, whole or not, from `least` to `most`; `absent` where all spellings of the key are absent."""
        key = self.spelling(*keys)
        value = self.data[key] if self.has(key) else self._default(key, absent)
        if value is None:
            raise self.fail(f"key {key!r} is missing: add it, a number of at least {least}")
        if self.has(key) and not (is_number(value) and least <= value <= most):
            raise self.wrong(key, f"a number from {least} to {most}")
        return value  # type: ignore[no-any-return]

    def optional_number(self, *keys: str, least: float = -MAX_SIZE, most: float = MAX_SIZE) -> float | None:
        """`real`; None where all spellings of the key are absent or null."""
        return self.real(*keys, least=least, most=most) if any(map(self.has, keys)) else None

    def array(self, key: str) -> list[Any]:
        """A list of anything; empty where the key is absent or null."""
        value = self.data[key] if self.has(key) else []
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def array_of(self, key: str, valid: Callable[[Any], bool], must: str) -> list[Any]:
        """A list of `valid` values, each of which is what the error says that it `must` be."""
        values = self.array(key)
        for value in values:
            if not valid(value):
                raise self.fail(f"key {key!r} lists {quoted_value(value)}: each must be {must}")
        return values

    def whole_numbers(self, key: str, least: int = 0, most: int = MAX_SIZE) -> list[int]:
        """A list of whole numbers from `least` to `most`; empty where the key is absent or null."""
        return self.array_of(
            key, lambda x: is_whole(x) and least <= x <= most, f"a whole number from {least} to {most}"
        )

    def reals(self, key: str, least: float = -MAX_SIZE, most: float = MAX_SIZE) -> list[float]:
        """A list of numbers, whole or not, from `least` to `most`; empty where the key is absent or null."""
        return self.array_of(key, lambda x: is_number(x) and least <= x <= most, f"a number from {least} to {most}")

    def flags(self, key: str) -> list[bool]:
        """A list of true and false, or 1 and 0; empty where the key is absent or null."""
        return [bool(x) for x in self.array_of(key, lambda x: isinstance(x, int) and x in (0, 1), "a 0 or 1")]

    def words(self, key: str, known: Collection[str] = ()) -> list[str]:
        """A list of strings, each among the `known` ones if there are any; empty where the key is absent or null."""
        must = f"one of {', '.join(known)}" if known else "a string"
        return self.array_of(key, lambda x: isinstance(x, str) and (not known or x in known), must)

    def nested(self, key: str) -> "Config":
        """The config under `key`, such as text_config."""
        value = self.data.get(key)
        if not isinstance(value, Mapping):
            raise self.fail(f"key {key!r} is missing or not an object: this model_type has its sizes in it")
        read = self.read.get(key)
        if not isinstance(read, dict):
            read = self.read[key] = {}
        return Config(value, self.name, f"{self.source}, {key}", read)

    def table(self, key: str) -> Mapping[str, Any]:
        """The whole object under `key`, all of whose keys count as used."""
        self.nested(key)
        self.read[key] = None
        return dict(self.data[key])

    def check_finite(self) -> None:
        """Raises ConfigError for NaN and infinities, which JSON's readers take, in a key that was looked up."""
        for key, inner in self.read.items():
            value = self.data.get(key)
            if isinstance(inner, dict) and isinstance(value, Mapping):
                Config(value, self.name, f"{self.source}, {key}", inner).check_finite()
            elif not all(isfinite(x) for x in (value if isinstance(value, list) else [value]) if isinstance(x, float)):
                raise self.fail(f"key {key!r} holds NaN or an infinity: give a finite number")

    def with_defaults(self, absent: Mapping[str, Any], **fixed: Any) -> "Config":
        """This config with the keys of `absent` where it lacks them, and those of `fixed` in place of its values."""
        assumed = self.assumed | (absent.keys() - self.data.keys())
        return replace(self, data={**absent, **self.data, **fixed}, assumed=assumed)

    def parts(self) -> list["Config"]:
        """This config, and its text_config if it has one."""
        return [self, self.nested("text_config")] if isinstance(self.data.get("text_config"), Mapping) else [self]

    def dtype(self) -> str:
        """The format that weights are stored in; empty where the config names none."""
        named = {without_alias(part.text(key)) for part in self.parts() for key in ("dtype", "torch_dtype")} - {""}
        if len(named) > 1:
            raise self.fail(
                f"dtype and torch_dtype contradict each other: {' and '.join(map(quoted_value, sorted(named)))}"
            )
        return named.pop() if named else ""

    def quantization(self) -> str:
        """The quant_method of its quantization_config; empty where it has none."""
        for part in self.parts():
            if part.has("quantization_config"):
                quant = part.data["quantization_config"]
                method = quant.get("quant_method") if isinstance(quant, Mapping) else None
                return shorten(method, 30) if isinstance(method, str) and method else "unnamed"
        return ""


@contextmanager
def reading(config: Config) -> Iterator[None]:
    """Turns an exception that nothing foresaw into a ConfigError that asks for a report; off where TRACEBACK is set."""
    try:
        yield
    except SymroofError:
        raise
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        what = f"symroof fails on this config ({type(error).__name__}: {shorten(error)})"
        raise config.fail(f"{what}: please report it, with the traceback that {TRACEBACK}=1 shows") from error


def is_whole(value: object) -> bool:
    """Whether a value of a config is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether a value of a config is a finite number."""
    return is_whole(value) or (isinstance(value, float) and isfinite(value))


def load_config(model: str | os.PathLike[str] | Mapping[str, Any]) -> Config:
    """The config of `model`: a catalogue name, a file, a directory with a config.json, a hub id, or a dict.

    A hub id that a built-in model lists is answered by that model, which a warning says. Raises UnknownName
    or another UsageError where no model has that name, ConfigError where it cannot be read, HubError where it cannot be
    downloaded.
    """
    if isinstance(model, Mapping):
        return config_of_dict(model)
    text = os.fspath(model)
    if isinstance(model, str) and text.lower() in built_in_models():
        return config_of_catalogue(text.lower())
    from symroof.config import files

    if path := files.existing_path(text):
        data, name = files.read_config(path)
        return Config(data, name, shorten(path, 200))
    if text.endswith(".json") or text.startswith((".", "/", "~")) or "\\" in text:
        raise UsageError(f"no file {shorten(text, 200)!r}: give the path of a config.json or its directory")
    if name := built_in_alias(text) if isinstance(model, str) else "":
        return config_of_catalogue(name, text)
    if HUB_ID.fullmatch(text):
        return config_of_hub(text)
    hint = " (`symroof models` lists them; a file, a directory or a hub id org/name is possible too)"
    raise UnknownName("model", text, built_in_models(), hint)


def config_of_dict(data: Mapping[str, Any]) -> Config:
    """The config in a dict, named by its _name_or_path or model_type."""
    name = next((x for x in map(data.get, ("_name_or_path", "model_type")) if isinstance(x, str) and x), "model")
    return Config(data, shorten(name), "the given dict")


def config_of_catalogue(name: str, typed: str = "") -> Config:
    """The config of a built-in model, by its name; `typed` is what the user gave where that is another one."""
    entry = catalogue_entry(name)
    said = provenance_warnings(name, entry["grade"], typed)
    return Config(entry["config"], name, f"catalogue: {entry['source']}", warnings=said)


def config_of_hub(model: str) -> Config:
    """The config of a model on the Hugging Face hub."""
    from symroof.config import files, hub

    return Config(files.read_config(hub.download(model, files.MAX_BYTES))[0], model, f"hub: {model}")
