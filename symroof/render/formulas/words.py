"""Blocks and symbols in words."""

from symroof import symbols as s
from symroof.architecture.structure import Structure, Sublayer

WORDS = {"sliding": "sliding-window"}  # of a block's name, where they differ from it


def block_in_words(name: str) -> str:
    """The name of a block: `sliding-window attention` for sliding_attention."""
    return " ".join(WORDS.get(x, x) for x in name.split("_"))


def symbol_in_words(name: str, structure: Structure) -> str:
    """What a symbol means; of one with a kind's suffix, in which layers: `layers with sliding-window attention`."""
    entry = s.entry(name)
    of = [x for x in structure.every if x.suffix and name == f"{entry.base}_{x.suffix}"]
    if not of:
        return entry.meaning
    blocks = ", ".join(dict.fromkeys(block_in_words(x.name) for x in of))
    return f"layers with {blocks}" if entry.base == "L" else f"{s.entry(entry.base).meaning}, {blocks}"


def sublayers_of(name: str, structure: Structure) -> list[Sublayer]:
    """The sublayers of a structure whose block has that name."""
    return [x for x in structure.every if x.name == name]
