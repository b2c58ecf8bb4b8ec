"""A model's config in a file or a directory of the user's; plain data."""

import json
from pathlib import Path
from typing import Any

from symroof.errors import ConfigError, UsageError, described, shorten

MAX_BYTES = 16 * 2**20  # the largest real config.json known is 0.4 MiB


def existing(text: str) -> Path | None:
    """The path, where something is there; `~` is the user's home."""
    try:
        path = Path(text).expanduser()
        return path if text and path.exists() else None
    except PermissionError as error:
        raise ConfigError(f"{shorten(text, 200)}: cannot be read: {error.strerror}; give a path that can") from error
    except (OSError, RuntimeError, ValueError):  # a name too long, no such user, a NUL: nothing can be there
        return None


def read(path: str | Path) -> tuple[dict[str, Any], str]:
    """The object in a file, or in the config.json of a directory, and what it is named after: directory or file."""
    path = Path(path)
    if path.is_dir():
        if not (path / "config.json").exists():
            raise UsageError(f"{shorten(path, 200)} holds no config.json: give the model's directory or its file")
        path = path / "config.json"
    name = path.parent.resolve().name if path.name == "config.json" else path.stem
    return read_model(path), shorten(name)


def read_model(path: Path) -> dict[str, Any]:
    """The object in a config.json, and the quantization_config that modelopt keeps in a file of its own beside it."""
    data, beside = read_json(path), path.with_name("hf_quant_config.json")
    if path.name == "config.json" and beside.exists() and "quantization_config" not in data:
        quant = read_json(beside)
        data["quantization_config"] = quant.get("quantization", quant)
    return data


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of at most MAX_BYTES."""
    where = shorten(path, 200)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read: {error.strerror}; give a config.json that can") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{where}: larger than {MAX_BYTES >> 20} MiB: this is no config.json")
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except RecursionError as error:
        raise ConfigError(f"{where}: nested too deep to be a config.json") from error
    except ValueError as error:
        raise ConfigError(f"{where}: no valid JSON: {shorten(error, 100)}; give a model's config.json") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: holds {described(data)}, not an object of config keys: give a model's config.json")
    return data
