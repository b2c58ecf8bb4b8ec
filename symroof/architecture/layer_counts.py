"""Sizes that follow others: how the kinds of a stack share its layers where L, or the number of one kind, moves."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symroof.architecture.structure import Architecture, Sublayer
from symroof.errors import UsageError, listed_names

FOLLOWS = "follows L"  # the origin of a number of layers
SUMS_OVER_DEPTH = ("N_mix", "X_mix", "Y_mix")  # sizes that are counted layer by layer: no formula in L


def following_counts(architecture: Architecture, moved: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of layers that follow those in `moved`, which are numbers or formulas by symbol.

    The kinds in one place of a layer add up to L, which stays as it is unless it is moved. A kind that has the first
    layers and no others (first_k_dense_replace) stays where there are several more; those share what is left in the
    ratio that they have. Where some layers have nothing in that place, each kind has the same share of L as before.
    Raises UsageError where L moves and other sizes depend on it that are not moved.
    """
    if "L" in moved and (sums := [x for x in SUMS_OVER_DEPTH if x in architecture.sizes and x not in moved]):
        raise UsageError(f"L cannot change without {listed_names(sums)}, counted layer by layer: name them too")
    following: dict[str, Any] = {}
    for parts in architecture.structure.slots():
        if "L" in moved or any(x.layers in moved for x in parts):
            following |= shared_counts(architecture, parts, {**following, **moved})
    return following


def following_sizes(architecture: Architecture, moved: Mapping[str, Any]) -> dict[str, Any]:
    """The sizes that follow those in `moved`: those that the config defines as equal to one, and with L its kinds."""
    equal = {x: moved[of] for x, of in architecture.origin.items() if of in moved and x not in moved}
    return equal | (following_counts(architecture, {**equal, **moved}) if "L" in moved else {})


def with_layers_of_kinds(architecture: Architecture, sizes: Mapping[str, int]) -> Architecture:
    """The architecture with other sizes; with L, the numbers of layers of its kinds follow where they stay whole.

    Raises UsageError for sizes that it cannot have.
    """
    counts = following_counts(architecture, sizes) if "L" in sizes else {}
    if not counts or any(Fraction(x).denominator > 1 or x < 1 for x in counts.values()):
        return architecture.with_sizes(sizes)
    changed = architecture.with_sizes({**{x: int(n) for x, n in counts.items()}, **sizes})
    return replace(changed, origin={**changed.origin, **dict.fromkeys(counts, FOLLOWS)})


def layers_that_followed(architecture: Architecture) -> tuple[str, ...]:
    """A sentence on the numbers of layers that followed L; none where none did."""
    followed = [f"{x} = {n}" for x, n in architecture.sizes.items() if architecture.origin.get(x) == FOLLOWS]
    return (f"with L = {architecture.sizes['L']}: {', '.join(followed)}",) if followed else ()


def shared_counts(architecture: Architecture, parts: Iterable[Sublayer], moved: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of layers of the parts of one place that are not moved."""
    sizes = architecture.sizes
    others = {x.layers: x for x in parts if x.layers not in {*moved, "L"}}
    layers = moved.get("L", sizes["L"])
    if not all(x.whole for x in parts):
        return {x: layers * Fraction(sizes[x], sizes["L"]) for x in others} if "L" in moved else {}
    first = [x for x in others if len(others) > 1 and has_first_layers(architecture, others[x])]
    sharing = [x for x in others if x not in first]
    left = layers - sum(sizes[x] for x in first) - sum(moved[x] for x in counts_of(parts) if x in moved and x != "L")
    before = sum(sizes[x] for x in sharing)
    return {x: sizes[x] for x in first} | {x: left * Fraction(sizes[x], before) for x in sharing}


def counts_of(parts: Iterable[Sublayer]) -> tuple[str, ...]:
    """The symbols of their numbers of layers, each once."""
    return tuple(dict.fromkeys(x.layers for x in parts))


def kinds_of_layers(architecture: Architecture, count: str) -> tuple[str, ...]:
    """The symbols of the other numbers of layers that add up to L with this one; empty where it is none of several."""
    slots = (counts_of(x) for x in architecture.structure.slots() if all(y.whole for y in x))
    return next((tuple(x for x in counts if x != count) for counts in slots if count in counts), ())


def has_first_layers(architecture: Architecture, x: Sublayer) -> bool:
    """Whether a sublayer is in the first layers and in no others."""
    layers = tuple(architecture.layout.get(x.name, ()))
    return layers != () and layers == tuple(range(len(layers)))
