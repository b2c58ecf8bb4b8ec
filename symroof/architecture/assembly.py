"""Parts of layers, sorted into kinds of sublayers whose sizes are symbols.

Sizes on which all kinds agree share one symbol; where they differ the symbols carry a kind's name: h_full and
h_swa, f_mlp1 and f_mlp2.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Structure, Sublayer, Wiring
from symroof.records import frozen

# How the names of kinds are written in symbols; other names as they are.
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
class Found:
    """A part, the slot it stands in (-1: ahead of all layers), and how many layers have it."""

    part: Part
    slot: int
    layers: Size
    at: Sequence[int] = ()  # the layers that have it
    whole: bool = True  # every layer has some part in this slot


@frozen
class Named:
    """A found part under a name of its own, as its block and as the suffix of its symbols."""

    found: Found
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
    """The architecture whose layers have a part of every slot each, in that order.

    `once`: parts that stand ahead of all layers; `last`: after them; `sizes`: those of the whole model, by symbol.
    """
    found = [Found(part, -1, Size(1, "")) for part in once]
    for number, slot in enumerate(slots):
        found += sorted_out(slot, number, layers)
    found += [Found(part, -1, Size(1, "")) for part in last]
    kinds = named(found)
    values = {"L": layers, **sizes}
    own = symbols(kinds, values)
    sublayers = tuple(sublayer(x, values, layers, own[x.name], frame) for x in kinds)
    origin = {name: x.origin for name, x in values.items()}
    layout = {x.name: x.found.at for x in kinds}
    return Architecture(family, Structure(sublayers, frame), {k: int(x) for k, x in values.items()}, origin, layout)


def sorted_out(slot: Part | Pattern, number: int, layers: Size) -> list[Found]:
    """The different parts of a slot in order of appearance, each with its number of layers."""
    if isinstance(slot, Part):
        return [Found(slot, number, layers, range(layers))]
    alike = {id(part): part for part in slot.parts}
    places: dict[Part, list[int]] = {}
    for key, found in positions(map(id, slot.parts)).items():
        if (part := alike[key]) is not None:
            places.setdefault(part, []).extend(found)
    whole = None not in slot.parts
    return [
        Found(part, number, layers if len(at) == layers else Size(len(at), slot.origin), at, whole)
        for part, at in places.items()
    ]


def positions(keys: Iterable[int]) -> dict[int, list[int]]:
    """Where each key stands."""
    found: dict[int, list[int]] = {}
    for i, key in enumerate(keys):
        found.setdefault(key, []).append(i)
    return found


def named(found: list[Found]) -> list[Named]:
    """Names that tell the kinds apart: those that several parts share are numbered."""
    shared = Counter(x.part.name for x in found)
    seen: Counter[str] = Counter()
    kinds = []
    for x in found:
        name = x.part.name
        seen[name] += 1
        number = str(seen[name]) if shared[name] > 1 else ""
        suffix = SUFFIXES.get(name, name.replace("_", "")) + number
        kinds.append(Named(x, f"{name}_{number}" if number else name, suffix))
    return kinds


def symbols(kinds: list[Named], values: dict[str, Size]) -> dict[str, tuple[tuple[str, str], ...]]:
    """The own symbols of each kind by its name; every size is added to `values`."""
    alike: dict[str, dict[int, str]] = {}  # base symbol -> value -> the suffix of the first kind that has it
    for x in kinds:
        for base, value in x.found.part.sizes:
            alike.setdefault(base, {}).setdefault(value, x.suffix)
    own = {}
    for x in kinds:
        names = [
            (base, base if len(alike[base]) == 1 else f"{base}_{alike[base][value]}", value)
            for base, value in x.found.part.sizes
        ]
        own[x.name] = tuple((base, name) for base, name, _ in names if name != base)
        for _, name, value in names:
            values.setdefault(name, Size(value, dict(own[x.name]).get(value.origin, value.origin)))
    return own


def sublayer(
    kind: Named, values: dict[str, Size], layers: Size, own: tuple[tuple[str, str], ...], frame: Frame
) -> Sublayer:
    """The kind as part of a structure; the number of its layers is added to `values` where it is its own."""
    part, count = kind.found.part, ""
    if kind.found.slot >= 0:
        count = "L" if kind.found.layers == layers else f"L_{kind.suffix}"
        values.setdefault(count, kind.found.layers)
    distinct = "" if part.distinct is None else f"U_{kind.suffix}"
    if part.distinct is not None:
        values[distinct] = part.distinct
    return Sublayer(
        part.kind,
        kind.name,
        count,
        kind.suffix,
        own,
        part.wiring or Wiring(frame.norm),
        distinct,
        kind.found.slot,
        kind.found.whole,
        part.kept,
    )
