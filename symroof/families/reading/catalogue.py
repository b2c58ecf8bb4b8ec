"""The built-in models as rows; plain data, no sympy.

Parameters and cache are kept in the catalogue beside the configs, and the tests compute them anew.
"""

from typing import Any

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture
from symroof.config.config import Config, built_in, entry, load_config
from symroof.errors import UnknownName
from symroof.families.registry import read

FIGURES = (
    "name",
    "family",
    "parameters",
    "active",
    "layers",
    "context",
    "attention",
    "cache_bytes_per_token",
    "source",
)
CONTEXT = ("max_position_embeddings", "seq_length", "n_positions", "max_seq_len", "max_sequence_length")


def rows(family: str = "") -> list[tuple[Any, ...]]:
    """A row of FIGURES for every built-in model, or every one of a family. Raises UnknownName."""
    found = [row(name) for name in built_in()]
    families = {x[1] for x in found}
    if family and family.lower() not in families:
        raise UnknownName("family of built-in models", family, families)
    return [x for x in found if family.lower() in ("", x[1])]


def row(name: str) -> tuple[Any, ...]:
    """The figures of one built-in model."""
    kept, config = entry(name), load_config(name)
    architecture = read(config)
    return (
        name,
        architecture.family,
        kept["parameters"],
        kept["active"],
        architecture.sizes["L"],
        context(config),
        mixers(architecture),
        kept["cache_per_token"],
        kept["source"],
    )


def context(config: Config) -> int | None:
    """The longest context that the config names."""
    found = [part.data.get(key) for part in reversed(config.parts()) for key in CONTEXT]
    return next((x for x in found if isinstance(x, int)), None)


def mixers(architecture: Architecture) -> str:
    """The kinds of sublayers that mix tokens, each with its layers where it is not in all."""
    found = [x for x in architecture.structure.sublayers if x.layers and not isinstance(x.kind, FeedForward | Experts)]
    return ", ".join(x.name if x.layers == "L" else f"{architecture.sizes[x.layers]} {x.name}" for x in found)
