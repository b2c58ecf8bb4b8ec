"""Which layer has routed experts and which a dense feed-forward network."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from symroof.architecture.structure import Part, Pattern, Size, Wiring
from symroof.config.config import MAX_LAYERS, Config
from symroof.families.reading.parts import experts, gated_mlp, layers

if TYPE_CHECKING:
    from symroof.architecture.kinds.experts import Experts

LayerSet = tuple[Collection[int], str]  # numbers of layers, and the config key that says so
WIDTH = "moe_intermediate_size"


def moe_or_dense(
    config: Config, moe_layers: LayerSet, moe: Callable[[], Part], dense: Callable[[], Part] | None = None
) -> Part | Pattern:
    """Experts in `moe_layers`, a dense network in the others (`gated_mlp` unless `dense` is given).

    Neither is read from the config where no layer has it.
    """
    chosen, origin = moe_layers
    count = layers(config)
    dense = dense or (lambda: gated_mlp(config))
    if len(chosen) in (0, count):
        return moe() if chosen else dense()
    routed, mlp = moe(), dense()
    return Pattern([routed if i in chosen else mlp for i in range(count)], origin)


def moe_with_shared(
    config: Config,
    moe_layers: LayerSet,
    kind: "Experts",
    key: str,
    absent: int = 0,
    dense_bias: bool = False,
    wiring: Wiring | None = None,
) -> Part | Pattern:
    """`experts_with_shared` in `moe_layers`, a dense network in the others."""
    return moe_or_dense(
        config,
        moe_layers,
        lambda: experts_with_shared(config, kind, key, absent, wiring=wiring),
        lambda: gated_mlp(config, dense_bias, wiring),
    )


def experts_with_shared(
    config: Config,
    kind: "Experts",
    key: str,
    absent: int = 0,
    width: str = WIDTH,
    wiring: Wiring | None = None,
) -> Part:
    """Routed experts beside as many shared ones as `key` says, all of the same width."""
    shared = shared_width(config, key, width, absent)
    return experts(config, replace(kind, shared=shared is not None), width, shared, wiring)


def experts_with_one_shared(config: Config, kind: "Experts", wiring: Wiring | None = None) -> Part:
    """Routed experts beside a shared one of width shared_expert_intermediate_size."""
    shared = config.size("shared_expert_intermediate_size")
    return experts(config, replace(kind, shared=True), shared=shared, wiring=wiring)


def shared_width(config: Config, key: str, width: str, absent: int = 0) -> Size | None:
    """The total width of as many shared experts as `key` says, each of `width`; None if there are none."""
    count = config.number(key, absent=absent, least=0)
    return Size(count * config.size(width), f"{key} x {width}") if count else None


def all_but_first(config: Config, key: str = "first_k_dense_replace", absent: int | None = None) -> LayerSet:
    """All layers but the first few, as many as `key` says."""
    count = layers(config)
    return range(min(config.number(key, absent=absent, least=0), count), count), key


def all_but_first_by_frequency(config: Config, absent: int | None = None) -> LayerSet:
    """Of the layers after the first first_k_dense_replace, those whose number is a multiple of moe_layer_freq."""
    chosen, key = all_but_first(config, absent=absent)
    step = config.number("moe_layer_freq", absent=1)
    return [i for i in chosen if i % step == 0], key if step == 1 else "moe_layer_freq"


def sparse_layers(config: Config, absent: Iterable[int], origin: str) -> LayerSet:
    """The layers that mlp_layer_types calls sparse, else `absent`, which follows from the key `origin`."""
    key = "mlp_layer_types"
    if not config.has(key):
        return set(absent), origin
    names = config.array(key)
    if len(names) != layers(config) or any(x not in ("dense", "sparse") for x in names):
        raise config.fail(f"key {key!r} must hold dense or sparse for each of the {layers(config)} layers")
    return {i for i, x in enumerate(names) if x == "sparse"}, key


def every_sparse_step(config: Config) -> LayerSet:
    """Every decoder_sparse_step-th layer, except those in mlp_only_layers."""
    step = config.number("decoder_sparse_step", absent=1)
    dense = config.whole_numbers("mlp_only_layers", most=MAX_LAYERS)
    return {i for i in range(layers(config)) if (i + 1) % step == 0 and i not in dense}, "decoder_sparse_step"
