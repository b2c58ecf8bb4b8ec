"""A model's config from a local file or directory; plain data."""

import json
from pathlib import Path
from typing import Any

from symroof.errors import ConfigError, UsageError, quoted_value, shorten

MAX_BYTES = 16 * 2**20  # the largest real config.json known is 0.4 MiB


def existing_path(text: str) -> Path | None:
    """The path, if it exists; `~` is the user's home directory. Raises ConfigError where access is denied."""
    try:
        path = Path(text).expanduser()
        return path if text and path.exists() else None
    except PermissionError as error:
        raise ConfigError(f"{shorten(text, 200)}: cannot be read: {error.strerror}; give a path that can") from error
    except (OSError, RuntimeError, ValueError):  # a name too long, no such user, a NUL: no file can exist there
        return None


def read_config(path: str | Path) -> tuple[dict[str, Any], str]:
    """The object in a file or in a directory's config.json, and the model's name: that of the directory or file."""
    path = Path(path)
    if path.is_dir():
        if not (path / "config.json").exists():
            raise UsageError(f"{shorten(path, 200)} holds no config.json: give the model's directory or its file")
        path = path / "config.json"
    name = path.parent.resolve().name if path.name == "config.json" else path.stem
    return read_with_quantization(path), shorten(name)


def read_with_quantization(path: Path) -> dict[str, Any]:
    """The object in a config.json, with the quantization_config that modelopt writes to a separate file next to it."""
    data, quant_path = read_json(path), path.with_name("hf_quant_config.json")
    if path.name == "config.json" and quant_path.exists() and "quantization_config" not in data:
        quant = read_json(quant_path)
        data["quantization_config"] = quant.get("quantization", quant)
    return data


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file of at most MAX_BYTES."""
    where = shorten(path, 200)
    data = parse_json(read_bytes(path), where)
    if not isinstance(data, dict):
        what = f"holds {quoted_value(data)}, not an object of config keys"
        raise ConfigError(f"{where}: {what}: give a model's config.json")
    return data


def read_bytes(path: Path) -> bytes:
    """The content of a file of at most MAX_BYTES."""
    where = shorten(path, 200)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read: {error.strerror}; give a config.json that can") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{where}: larger than {MAX_BYTES >> 20} MiB: this is not a config.json")
    return raw


def parse_json(raw: bytes, where: str) -> Any:
    """The value of a JSON text. Raises ConfigError, which names `where` it is from."""
    try:
        return json.loads(raw.decode("utf-8-sig"))
    except RecursionError as error:
        raise ConfigError(f"{where}: nested too deep to be a config.json") from error
    except ValueError as error:
        raise ConfigError(f"{where}: not valid JSON: {shorten(error, 100)}; give a model's config.json") from error
