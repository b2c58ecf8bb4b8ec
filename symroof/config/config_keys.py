"""Keys of a config in place of symbols: hidden_size for d, where one size of the model is what the key says."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.errors import UsageError, listed_names, shorten

# Keys that sizes are computed with, which are no sizes themselves.
FACTORS = (
    "model_type",
    "n_shared_experts",
    "expand",
    "mamba_expand",
    "partial_rotary_factor",
    "attn_res_block_size",
    "n_layers_per_attn_res_block",
    "compress_rates",
    "compress_ratios",
)


def by_symbol(names: Mapping[str, Any], config: Config, architecture: Architecture) -> dict[str, Any]:
    """Values by symbol, from values by symbol or key. Raises UsageError for two values of a symbol."""
    named: dict[str, Any] = {}
    for name, value in names.items():
        symbol = name if name in architecture.sizes else symbol_of_key(name, config, architecture) or name
        if symbol in named:
            raise UsageError(f"{symbol} is given twice, by its symbol and a key of the config: leave one out")
        named[symbol] = value
    return named


def symbol_of_key(key: str, config: Config, architecture: Architecture) -> str:
    """The symbol of the size that a key of the config says, in the architecture as it was read; empty where none does.

    Raises UsageError for a key that several sizes are read from, or that a size is only made of.
    """
    values, sizes = [*key_values(key, config.data)], architecture.sizes
    origins = {x: of.removesuffix(" by default") for x, of in architecture.origin.items()}
    exact = [x for x, of in origins.items() if of == key and (not values or sizes[x] in values)]
    if exact:
        return the_only(key, exact, config)
    made = [x for x, of in origins.items() if key in re.findall(r"\w+", of)]
    if made:
        how = listed_names(f"{x} = {sizes[x]}" for x in made)
        raise UsageError(f"{key} is only part of a size in {shorten(config.name)}, of {how}: name the size")
    meant = [] if key in FACTORS else symbols_read_from(key, sizes)
    return the_only(key, [x for x in meant if not values or sizes[x] in values], config)


def key_values(key: str, data: Mapping[str, Any]) -> Iterator[Any]:
    """The values of a key in a config and in the objects in it, those of towers left out."""
    for name, value in data.items():
        if name == key:
            yield value
        elif isinstance(value, Mapping) and not re.search("vision|audio", name):
            yield from key_values(key, value)


def symbols_read_from(key: str, sizes: Iterable[str]) -> list[str]:
    """The sizes that are commonly read from a key, as the vocabulary says; L alone where there are L_full and L_swa."""
    from symroof import symbols

    bases = {x: symbols.entry(x).base for x in sizes if key in symbols.entry(x).keys}
    return [x for x, base in bases.items() if x == base or base not in bases]


def the_only(key: str, named: list[str], config: Config) -> str:
    """The one symbol that was named; empty for none. Raises UsageError for several."""
    if len(named) > 1:
        raise UsageError(f"{key} gives {listed_names(named)} of {shorten(config.name)}: name one of them")
    return "".join(named)
