"""What turns one structure into another: one flag of the frame, sublayer or flag of a sublayer at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from symroof.architecture.structure import Structure, Sublayer

FLAG_FIELDS = ("kind", "wiring")  # fields of a sublayer that have flags; the others are names of its symbols

# Sublayers that correspond have one name, else one slot and kind, else one slot.
CORRESPONDENCES: tuple[Callable[[Sublayer], Any], ...] = (
    lambda x: x.name,
    lambda x: (x.slot, type(x.kind)),
    lambda x: x.slot,
)


@dataclass(frozen=True)
class StructureChange:
    """One change: its name, text before and after, the part of the structure before and after.

    `inherited` maps symbols of the part after to those of the part before whose values they take first.
    """

    name: str
    before: str
    after: str
    old: Structure | None
    new: Structure | None
    inherited: Mapping[str, str] = field(default_factory=dict)


def structure_changes(left: Structure, right: Structure) -> Iterator[StructureChange]:
    """The changes that turn a structure into another, in order."""
    yield from frame_changes(replace(left, sublayers=()), replace(right, sublayers=()))
    for x, y in corresponding_sublayers(left, right):
        yield from sublayer_changes(x, y)


def frame_changes(left: Structure, right: Structure) -> Iterator[StructureChange]:
    """The changes of what is around the sublayers: flags of the frame, then the layers that predict further tokens."""
    for name, before, after in field_changes(left.frame, right.frame):
        changed = replace(left, frame=replace(left.frame, **{name: getattr(right.frame, name)}))
        yield StructureChange(f"model: {name}", before, after, left, changed)
        left = changed
    if left != right:
        yield StructureChange("multi-token prediction", "", "", left, right)


def corresponding_sublayers(left: Structure, right: Structure) -> list[tuple[Sublayer | None, Sublayer | None]]:
    """Pairs of sublayers that correspond to one another; None for the partner of one without."""
    ours, theirs = list(left.sublayers), list(right.sublayers)
    pairs: list[tuple[Sublayer | None, Sublayer | None]] = []
    for key in CORRESPONDENCES:
        for x in list(ours):
            if y := next((y for y in theirs if key(y) == key(x)), None):
                pairs.append((x, y))
                ours.remove(x)
                theirs.remove(y)
    return [*pairs, *((x, None) for x in ours), *((None, y) for y in theirs)]


def sublayer_changes(x: Sublayer | None, y: Sublayer | None) -> Iterator[StructureChange]:
    """The changes that turn a sublayer into another, one flag at a time where both are of one kind."""
    if x is None or y is None or type(x.kind) is not type(y.kind):
        yield StructureChange("sublayers", *sublayer_names(x, y), single_sublayer(x), single_sublayer(y))
        return
    renamed = replace(y, kind=x.kind, wiring=x.wiring)
    if renamed != x:
        yield symbols_change(x, renamed)
    yield from flag_changes(renamed, y)


def sublayer_names(x: Sublayer | None, y: Sublayer | None) -> tuple[str, str]:
    """The names of two sublayers; those of their kinds where both have one name."""
    if x and y and x.name == y.name:
        return type(x.kind).__name__, type(y.kind).__name__
    return x.name if x else "none", y.name if y else "none"


def symbols_change(x: Sublayer, y: Sublayer) -> StructureChange:
    """The change of a sublayer's name and symbols; the new symbols take the values of the former ones first."""
    bases = {base for base, _ in (*x.symbols, *y.symbols)}
    symbols = {y.symbol(base): x.symbol(base) for base in bases} | {y.layers: x.layers, y.distinct: x.distinct}
    inherited = {new: old for new, old in symbols.items() if new and old}
    names = (x.name, y.name) if x.name != y.name else ("", "")
    return StructureChange(f"{y.name}: symbols", *names, single_sublayer(x), single_sublayer(y), inherited)


def flag_changes(x: Sublayer, y: Sublayer) -> Iterator[StructureChange]:
    """The changes of the flags of a sublayer's kind and wiring."""
    for part in FLAG_FIELDS:
        for name, before, after in field_changes(getattr(x, part), getattr(y, part)):
            flags = replace(getattr(x, part), **{name: getattr(getattr(y, part), name)})
            changed = replace(x, **{part: flags})
            yield StructureChange(f"{y.name}: {name}", before, after, single_sublayer(x), single_sublayer(changed))
            x = changed


def single_sublayer(x: Sublayer | None) -> Structure | None:
    """A structure of one sublayer; None for none."""
    return None if x is None else Structure((x,))


def field_changes(x: Any, y: Any) -> Iterator[tuple[str, str, str]]:
    """(name, text before, text after) of the fields in which two records of a type differ."""
    for each in fields(x):
        before, after = (getattr(z, each.name) for z in (x, y))
        if before != after:
            yield each.name, flag_text(before), flag_text(after)


def flag_text(x: Any) -> str:
    """A flag as text."""
    return {True: "yes", False: "no", "": "none"}.get(x, str(x))
