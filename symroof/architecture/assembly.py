"""From the parts of every layer to the distinct sublayers of a structure, whose sizes are symbols.

A size that is the same in all sublayers has one symbol; where sizes differ, the symbols have the sublayers' suffixes:
h_full and h_swa, f_mlp1 and f_mlp2.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Structure, Sublayer, Wiring
from symroof.records import frozen

# Name of a sublayer -> suffix of its symbols, where it is not the name itself.
SUFFIXES = {
    "attention": "attn",
    "full_attention": "full",
    "sliding_attention": "swa",
    "chunked_attention": "chunk",
    "linear_attention": "lin",
    "indexed_attention": "dsa",
    "sparse_attention": "sparse",
    "compressed_sparse_attention": "csa",
    "heavily_compressed_attention": "hca",
}


@frozen
class SlotPart:
    """A part, its slot in a layer (-1: before or after all layers), and how many layers have it."""

    part: Part
    slot: int
    layers: Size
    at: Sequence[int] = ()  # the layers that have it
    whole: bool = True  # every layer has some part in this slot


@frozen
class NamedPart:
    """A part with a unique name, that of its block, and the suffix of its symbols."""

    place: SlotPart
    name: str
    suffix: str


def assemble(
    family: str,
    layers: Size,
    slots: tuple[Part | Pattern, ...],
    frame: Frame,
    once: tuple[Part, ...] = (),
    last: tuple[Part, ...] = (),
    **sizes: Size,
) -> Architecture:
    """The architecture whose layers have one part of every slot each, in that order.

    `once`: parts before all layers; `last`: after them; `sizes`: those of the whole model, by symbol.
    """
    places = [SlotPart(part, -1, Size(1, "")) for part in once]
    for number, slot in enumerate(slots):
        places += distinct_parts(slot, number, layers)
    places += [SlotPart(part, -1, Size(1, "")) for part in last]
    parts = name_parts(places)
    values = {"L": layers, **sizes}
    symbols = assign_symbols(parts, values)
    sublayers = tuple(build_sublayer(x, values, symbols[x.name], frame) for x in parts)
    origin = {name: x.origin for name, x in values.items()}
    layout = {x.name: x.place.at for x in parts}
    return Architecture(family, Structure(sublayers, frame), {k: int(x) for k, x in values.items()}, origin, layout)


def distinct_parts(slot: Part | Pattern, number: int, layers: Size) -> list[SlotPart]:
    """The distinct parts of a slot in order of appearance, each with its number of layers."""
    if isinstance(slot, Part):
        return [SlotPart(slot, number, layers, range(layers))]
    whole = None not in slot.parts
    return [
        SlotPart(part, number, layers if len(at) == layers else Size(len(at), slot.origin), at, whole)
        for part, at in layers_by_part(slot.parts).items()
    ]


def layers_by_part(parts: Sequence[Part | None]) -> dict[Part, list[int]]:
    """The layers that have each distinct part; equal parts are one. By identity first: hashing a part is slow."""
    by_id = {id(part): part for part in parts}
    layers: dict[Part, list[int]] = {}
    for key, at in positions_by_key(map(id, parts)).items():
        if (part := by_id[key]) is not None:
            layers.setdefault(part, []).extend(at)
    return layers


def positions_by_key(keys: Iterable[int]) -> dict[int, list[int]]:
    """The positions of each key."""
    positions: dict[int, list[int]] = {}
    for i, key in enumerate(keys):
        positions.setdefault(key, []).append(i)
    return positions


def name_parts(places: list[SlotPart]) -> list[NamedPart]:
    """The parts under unique names: a name that several parts have is numbered."""
    total = Counter(x.part.name for x in places)
    seen: Counter[str] = Counter()
    parts = []
    for x in places:
        name = x.part.name
        seen[name] += 1
        number = str(seen[name]) if total[name] > 1 else ""
        suffix = SUFFIXES.get(name, name.replace("_", "")) + number
        parts.append(NamedPart(x, f"{name}_{number}" if number else name, suffix))
    return parts


def assign_symbols(parts: list[NamedPart], values: dict[str, Size]) -> dict[str, tuple[tuple[str, str], ...]]:
    """By name of a part: (base symbol, symbol) of the sizes that have suffixes. Adds every size to `values`."""
    suffixes = suffixes_by_value(parts)
    symbols = {}
    for x in parts:
        names = {base: with_suffix(base, value, suffixes[base]) for base, value in x.place.part.sizes}
        renamed = {base: name for base, name in names.items() if name != base}
        symbols[x.name] = tuple(renamed.items())
        for base, value in x.place.part.sizes:
            values.setdefault(names[base], Size(value, renamed.get(value.origin, value.origin)))
    return symbols


def suffixes_by_value(parts: list[NamedPart]) -> dict[str, dict[int, str]]:
    """Base symbol -> value -> suffix of the first part that has it."""
    suffixes: dict[str, dict[int, str]] = {}
    for x in parts:
        for base, value in x.place.part.sizes:
            suffixes.setdefault(base, {}).setdefault(value, x.suffix)
    return suffixes


def with_suffix(base: str, value: int, suffixes: Mapping[int, str]) -> str:
    """The symbol of a size, by the suffixes of its base symbol's values: the base symbol where there is one value."""
    return base if len(suffixes) == 1 else f"{base}_{suffixes[value]}"


def build_sublayer(
    named: NamedPart, values: dict[str, Size], symbols: tuple[tuple[str, str], ...], frame: Frame
) -> Sublayer:
    """The part as a sublayer of a structure. Adds its numbers of layers and of sets of weights to `values`."""
    part, place, layers, distinct = named.place.part, named.place, "", ""
    if place.slot >= 0:
        layers = "L" if place.layers == values["L"] else f"L_{named.suffix}"
        values.setdefault(layers, place.layers)
    if part.distinct is not None:
        distinct = f"U_{named.suffix}"
        values[distinct] = part.distinct
    wiring = part.wiring or Wiring(frame.norm)
    names = (part.kind, named.name, layers, named.suffix, symbols)
    return Sublayer(*names, wiring, distinct, place.slot, place.whole, part.logits_only)
