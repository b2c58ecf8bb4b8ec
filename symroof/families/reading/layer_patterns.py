"""Which layer has which attention: full, with a window, or both in turn."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from symroof.architecture.structure import MAX_SIZE, Part, Pattern, Size, Wiring
from symroof.config.config import Config, is_whole
from symroof.errors import shorten
from symroof.families.reading.keys import size_unless_null
from symroof.families.reading.parts import LayerTypes, Sizes, attention, choose, layer_types
from symroof.families.reading.rotary import with_rotary

if TYPE_CHECKING:
    from symroof.architecture.kinds.attention import Attention

# Types of layers, and the block names of their attention.
FULL, SLIDING = "full_attention", "sliding_attention"
LINEAR, INDEXED = "linear_attention", "indexed_attention"


def window(config: Config, absent: int | None = None, key: str = "sliding_window") -> Size:
    """The window in tokens; `absent` is the default where the key is absent, not where it is null."""
    return size_unless_null(config, key, absent)


def with_window(
    config: Config, kind: "Attention", sizes: Sizes, default_window: int | None = None
) -> "tuple[Attention, Sizes]":
    """The attention and its sizes, with a window."""
    return replace(kind, mask="sliding"), {**sizes, "w": window(config, default_window)}


def uniform_attention(
    config: Config,
    kind: "Attention",
    sizes: Sizes,
    used: bool = True,
    default_window: int | None = None,
    wiring: Wiring | None = None,
) -> Part:
    """The same attention in all layers, with a window if `used` and sliding_window is set or has a default."""
    if not used or not (config.has("sliding_window") or (default_window and not config.says("sliding_window"))):
        return attention(kind, sizes, wiring=wiring)
    return attention(*with_window(config, kind, sizes, default_window), wiring=wiring)


def full_and_sliding(
    config: Config,
    full: "Attention",
    sizes: Sizes,
    absent: Sequence[str],
    origin: str,
    default_window: int | None = None,
    sliding: "Attention | None" = None,
    sliding_sizes: Sizes | None = None,
    wiring: Wiring | None = None,
) -> Pattern:
    """Full or sliding attention per layer: by layer_types, else by `absent`, which follows from the key `origin`.

    `sliding` and `sliding_sizes` are given where layers with a window differ in more than the window.
    """
    names, origin = full_or_sliding_types(config, absent, origin)
    parts = {}
    if FULL in names:
        parts[FULL] = attention(full, sizes, FULL if SLIDING in names else "", wiring)
    if SLIDING in names:
        kind, w = replace(sliding or full, mask="sliding"), {"w": window(config, default_window)}
        parts[SLIDING] = attention(kind, w | dict(sliding_sizes or sizes), wiring=wiring)
    return choose(config, names, parts, origin)


def full_or_sliding_types(config: Config, absent: Sequence[str], origin: str) -> tuple[list[str], str]:
    """`layer_types` that are all full_attention or sliding_attention. Raises ConfigError for others."""
    names, origin = layer_types(config, absent, origin)
    check_full_or_sliding(config, names, origin)
    return names, origin


def check_full_or_sliding(config: Config, names: Iterable[str], origin: str) -> None:
    """Raises ConfigError for a type of layer that is neither full_attention nor sliding_attention."""
    for name in set(names) - {FULL, SLIDING}:
        raise config.fail(f"key {origin!r} holds {shorten(name, 40)!r}: known here are {FULL}, {SLIDING}")


def full_and_sliding_by_heads(
    config: Config,
    kind: "Attention",
    sizes: Sizes,
    types: LayerTypes,
    heads: Sequence[Size],
    default_window: int | None,
) -> Pattern:
    """Full or sliding attention per layer, where layers also differ in their number of query heads."""
    names, origin = types
    check_full_or_sliding(config, names, origin)
    cells = list(zip(names, heads, strict=False))
    full_name = FULL if SLIDING in names else ""
    parts = {}
    for name, H_q in set(cells):
        rotated, head_sizes = with_rotary(config, kind, {**sizes, "H_q": H_q}, name)
        if name == SLIDING:
            rotated, head_sizes = with_window(config, rotated, head_sizes, default_window)
        parts[name, H_q] = attention(rotated, head_sizes, full_name if name == FULL else "")
    return choose(config, cells, parts, origin)


def full_every(count: int, step: int) -> list[str]:
    """Sliding attention in all of `count` layers but every `step`-th, which has full attention."""
    return [FULL if (i + 1) % step == 0 else SLIDING for i in range(count)]


def numbers_by_layer(config: Config, key: str, absent: Sequence[int], least: int = 0) -> list[Size]:
    """A whole number per layer: a list under `key`, or one number for all layers; `absent` where the key is absent."""
    if not config.has(key):
        return [Size(x, f"{key} by default") for x in absent]
    if not isinstance(config.data[key], list):
        return [Size(config.number(key, least=least), key)] * len(absent)
    values = [int(x) if isinstance(x, float) and x.is_integer() else x for x in config.array(key)]
    if len(values) != len(absent) or not all(is_whole(x) and least <= x <= MAX_SIZE for x in values):
        raise config.fail(f"key {key!r} must list a whole number from {least} for each of the {len(absent)} layers")
    return [Size(x, key) for x in values]
