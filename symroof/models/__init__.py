"""The families: model_type -> the function that reads its config."""

from symroof.architecture import Architecture
from symroof.config import Config
from symroof.errors import shorten, suggestion
from symroof.models.lineages import FAMILIES

__all__ = ["FAMILIES", "read"]

# Of configs that were published without a model_type: the class they name instead.
NAMELESS = {"MiniCPM3ForCausalLM": "minicpm3"}


def nameless(config: Config) -> str:
    """The family that a config's architectures stand for; empty where they do not."""
    return next((NAMELESS[x] for x in config.listed("architectures") if isinstance(x, str) and x in NAMELESS), "")


def read(config: Config, further: bool = False) -> Architecture:
    """The architecture a config describes, with layers that predict `further` ahead or without.

    Raises ConfigError for an unknown model_type, UsageError where there are no such layers or nobody knows them.
    """
    found = described(config)
    if not further:
        return found
    from symroof.models import mtp

    return mtp.extended(config, found)


def described(config: Config) -> Architecture:
    """The architecture that the family's reader finds."""
    family = config.text("model_type") or nameless(config)
    if family in FAMILIES:
        architecture = FAMILIES[family](config)
        if fault := architecture.contradiction():
            raise config.fail(fault)
        return architecture
    from symroof.models.refused import REFUSED

    if reason := REFUSED.get(family):
        raise config.fail(f"model_type {family!r} is not covered: {reason}")
    listed = f"`symroof families` lists the {len(FAMILIES)} known ones"
    if not family:
        raise config.fail(f"key 'model_type' is missing: add it; {listed}")
    near = suggestion(family, FAMILIES)
    cure = f"; did you mean {near!r}?" if near else ""
    raise config.fail(f"unknown model_type {shorten(family)!r}{cure} ({listed})")
