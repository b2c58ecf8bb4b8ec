"""The families: model_type -> the function that reads its config."""

from collections.abc import Callable

from symroof.architecture import Architecture
from symroof.config import Config
from symroof.errors import shorten, suggestion
from symroof.models import llama, llama4

FAMILIES: dict[str, Callable[[Config], Architecture]] = {
    "llama": llama.read,
    "llama4": llama4.read_wrapper,
    "llama4_text": llama4.read,
}


def read(config: Config) -> Architecture:
    """The architecture a config describes. Raises ConfigError for an unknown model_type."""
    family = config.text("model_type")
    if family in FAMILIES:
        architecture = FAMILIES[family](config)
        if fault := architecture.contradiction():
            raise config.fail(fault)
        return architecture
    known = "known: " + ", ".join(FAMILIES)
    if not family:
        raise config.fail(f"key 'model_type' is missing: add it; {known}")
    near = suggestion(family, FAMILIES)
    cure = f"; did you mean {near!r}?" if near else ""
    raise config.fail(f"unknown model_type {shorten(family)!r}{cure} ({known})")
