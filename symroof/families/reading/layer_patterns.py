"""Which layers have which part: attention with and without a window, feed-forward networks dense and routed."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from symroof.architecture.structure import Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.parts import attention, choose, layer_types, layers, rotated

if TYPE_CHECKING:
    from symroof.architecture.kinds.attention import Attention

FULL, SLIDING = "full_attention", "sliding_attention"
Sizes = Mapping[str, Size]


def window(config: Config, absent: int | None = None, key: str = "sliding_window") -> Size:
    """The window; where the key is absent the family's own, null is none."""
    return config.size(key, absent=None if config.says(key) else absent)


def uniform(
    config: Config,
    kind: "Attention",
    sizes: Sizes,
    used: bool = True,
    own: int | None = None,
    wiring: Wiring | None = None,
) -> Part:
    """The same attention in all layers: with a window where sliding_window is set and `used`; absent it is `own`."""
    if not used or not (config.has("sliding_window") or (own and not config.says("sliding_window"))):
        return attention(kind, sizes, wiring=wiring)
    return attention(replace(kind, mask="sliding"), {**sizes, "w": window(config, own)}, wiring=wiring)


def alternating(
    config: Config,
    full: "Attention",
    sizes: Sizes,
    absent: Sequence[str],
    origin: str,
    own: int | None = None,
    sliding: "Attention | None" = None,
    sliding_sizes: Sizes | None = None,
    wiring: Wiring | None = None,
) -> Pattern:
    """Full or sliding attention by layer_types, else by `absent`, which follows from `origin`.

    `own` is the family's window; `sliding` and `sliding_sizes` say in what the layers with one differ otherwise.
    """
    names, origin = layer_types(config, absent, origin)
    for name in set(names) - {FULL, SLIDING}:
        raise config.fail(f"key {origin!r} holds {name!r}: known here are {FULL}, {SLIDING}")
    parts = {}
    if FULL in names:
        parts[FULL] = attention(full, sizes, FULL if SLIDING in names else "", wiring)
    if SLIDING in names:
        kind, w = replace(sliding or full, mask="sliding"), {"w": window(config, own)}
        parts[SLIDING] = attention(kind, w | dict(sliding_sizes or sizes), wiring=wiring)
    return choose(config, names, parts, origin)


def turned(
    config: Config, kind: "Attention", sizes: Sizes, layer_type: str = "", absent: float = 1.0
) -> "tuple[Attention, Sizes]":
    """The attention with as much of a head rotated as the config says for a type of layer."""
    rotary, part = rotated(config, sizes["h"], layer_type, absent)
    return replace(kind, rotary=rotary), {**sizes, **part}


def by_heads(
    config: Config,
    kind: "Attention",
    sizes: Sizes,
    types: tuple[list[str], str],
    heads: Sequence[Size],
    own: int | None,
) -> Pattern:
    """Full or sliding attention by layer, each with its own number of heads; `own` is the family's window."""
    names, origin = types
    parts = {}
    for name, H_q in set(zip(names, heads, strict=False)):
        if name not in (FULL, SLIDING):
            raise config.fail(f"key {origin!r} holds {name!r}: known here are {FULL}, {SLIDING}")
        found, its = turned(config, kind, {**sizes, "H_q": H_q}, name)
        if name == SLIDING:
            found, its = replace(found, mask="sliding"), {**its, "w": window(config, own)}
        parts[name, H_q] = attention(found, its, FULL if name == FULL and SLIDING in names else "")
    return choose(config, list(zip(names, heads, strict=False)), parts, origin)


def numbers(config: Config, key: str, absent: Sequence[int], least: int = 0) -> list[Size]:
    """A whole number for each layer, listed under `key`; or one number for all; else `absent`."""
    if not config.has(key):
        return [Size(x, f"{key} by default") for x in absent]
    if not isinstance(config.data[key], list):
        return [Size(config.number(key, least=least), key)] * len(absent)
    values = [int(x) if isinstance(x, float) and x.is_integer() else x for x in config.listed(key)]
    if len(values) != len(absent) or any(isinstance(x, bool) or not isinstance(x, int) or x < least for x in values):
        raise config.fail(f"key {key!r} must list a whole number from {least} for each of the {len(absent)} layers")
    return [Size(x, key) for x in values]


def every(count: int, step: int) -> list[str]:
    """Sliding attention, but full attention in each `step`-th layer."""
    return [FULL if (i + 1) % step == 0 else SLIDING for i in range(count)]


def routed(
    config: Config, which: tuple[Collection[int], str], moe: Callable[[], Part], dense: Callable[[], Part]
) -> Part | Pattern:
    """Experts in the layers `which` names with the key that says so, a dense network in the others.

    Only the part that there is gets read.
    """
    chosen, origin = which
    count = layers(config)
    if len(chosen) in (0, count):
        return moe() if chosen else dense()
    parts = {True: moe(), False: dense()}
    return Pattern([parts[i in chosen] for i in range(count)], origin)


def after_first(
    config: Config, key: str = "first_k_dense_replace", absent: int | None = None
) -> tuple[Collection[int], str]:
    """All layers but the first few."""
    count = layers(config)
    return range(min(config.number(key, absent=absent, least=0), count), count), key


def sparse(config: Config, absent: Iterable[int], origin: str) -> tuple[Collection[int], str]:
    """The layers that mlp_layer_types calls sparse, else `absent`, which follows from `origin`."""
    key = "mlp_layer_types"
    if not config.has(key):
        return set(absent), origin
    names = config.listed(key)
    if len(names) != layers(config) or any(x not in ("dense", "sparse") for x in names):
        raise config.fail(f"key {key!r} must hold dense or sparse for each of the {layers(config)} layers")
    return {i for i, x in enumerate(names) if x == "sparse"}, key


def stepped(config: Config) -> tuple[Collection[int], str]:
    """Every decoder_sparse_step-th layer except those in mlp_only_layers."""
    step = config.number("decoder_sparse_step", absent=1)
    only = config.listed("mlp_only_layers")
    if any(isinstance(i, bool) or not isinstance(i, int) for i in only):
        raise config.wrong("mlp_only_layers", "a list of numbers of layers")
    return {i for i in range(layers(config)) if (i + 1) % step == 0 and i not in only}, "decoder_sparse_step"


def several(config: Config, key: str, width: str, absent: int = 0) -> Size | None:
    """The width of shared experts taken together, as many as `key` says, each of `width`; None for none."""
    count = config.number(key, absent=absent, least=0)
    return Size(count * config.size(width), f"{key} x {width}") if count else None
