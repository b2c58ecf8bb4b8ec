"""The built-in models as table rows; plain data, no sympy.

Numbers of parameters and cache sizes are stored in the catalogue beside the configs; the tests recompute them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import MAX_SIZE, Architecture
from symroof.config.catalogue import built_in_models, catalogue_entry
from symroof.config.config import Config, load_config
from symroof.errors import UnknownName
from symroof.families.registry import read_architecture

FIGURES = (
    "name",
    "family",
    "parameters",
    "active",
    "layers",
    "context",
    "attention",
    "cache_bytes_per_token",
    "cache_bytes_at_context",
    "grade",
    "source",
)
TEXT = ("text_config", "thinker_config", "llm_config", "language_config")  # nested configs of text models
CONTEXT = (
    "max_position_embeddings",
    "seq_length",
    "n_positions",
    "max_seq_len",
    "max_sequence_length",
    "model_max_length",
)


def catalogue_rows(family: str = "") -> list[tuple[Any, ...]]:
    """A row of FIGURES per built-in model, or per model of one family. Raises UnknownName."""
    rows = [_catalogue_row(name) for name in built_in_models()]
    families = {row[1] for row in rows}
    if family and family.lower() not in families:
        raise UnknownName("family of built-in models", family, families)
    return [row for row in rows if family.lower() in ("", row[1])]


def _catalogue_row(name: str) -> tuple[Any, ...]:
    """The FIGURES of one built-in model."""
    entry, config = catalogue_entry(name), load_config(name)
    architecture = read_architecture(config)
    layers, context, mixers = architecture.sizes["L"], longest_context(config), _token_mixers(architecture)
    sizes = (entry["parameters"], entry["active"], layers, context)
    held = (entry["cache_per_token"], entry["cache_at_context"])
    return (name, architecture.family, *sizes, mixers, *held, entry["grade"], entry["source"])


def longest_context(config: Config) -> int | None:
    """The longest context in the config; None if it gives none."""
    return next((x for x in _contexts(config.data) if isinstance(x, int) and 0 < x <= MAX_SIZE), None)


def _contexts(data: Mapping[str, Any]) -> Iterator[Any]:
    """The values of keys of CONTEXT, those of the innermost text model first."""
    for inner in (data[key] for key in TEXT if isinstance(data.get(key), Mapping)):
        yield from _contexts(inner)
    yield from (data.get(key) for key in CONTEXT)


def _token_mixers(architecture: Architecture) -> str:
    """The kinds of sublayers that mix tokens, with their number of layers where not all layers have them."""
    mixers = [x for x in architecture.structure.sublayers if x.layers and not isinstance(x.kind, FeedForward | Experts)]
    return ", ".join(x.name if x.layers == "L" else f"{architecture.sizes[x.layers]} {x.name}" for x in mixers)
