"""Blocks in words."""

from symroof.architecture.structure import Structure, Sublayer

WORDS = {"sliding": "sliding-window"}  # of a block's name, where they differ from it


def block_in_words(name: str) -> str:
    """The name of a block: `sliding-window attention` for sliding_attention."""
    return " ".join(WORDS.get(x, x) for x in name.split("_"))


def sublayers_of(name: str, structure: Structure) -> list[Sublayer]:
    """The sublayers of a structure whose block has that name."""
    return [x for x in structure.every if x.name == name]
