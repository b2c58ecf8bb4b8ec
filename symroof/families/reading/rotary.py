"""Which part of each attention head is rotated: all of it, a fraction, or nothing."""

from dataclasses import replace
from typing import TYPE_CHECKING

from symroof.architecture.structure import Size
from symroof.config.config import Config
from symroof.families.reading.keys import PARTIAL_ROTARY, positive_number
from symroof.families.reading.parts import Sizes

if TYPE_CHECKING:
    from symroof.architecture.kinds.attention import Attention


def rotary_part(config: Config, h: Size, layer_type: str = "", absent: float = 1.0) -> tuple[str, dict[str, Size]]:
    """Attention.rotary of heads of size h, and their size h_r if only a part of each is rotated.

    Read from partial_rotary_factor, `absent` by default. rope_parameters may hold it, also per layer type; a layer type
    that is null there has no rotary embedding.
    """
    rope = _rope_parameters(config, layer_type)
    if rope is None:
        return "", {}
    where = rope if rope.has(PARTIAL_ROTARY) else config
    h_r = int(h * positive_number(where, PARTIAL_ROTARY, absent, 1))
    return ("full", {}) if h_r == h else ("partial", {"h_r": Size(h_r, PARTIAL_ROTARY)})


def _rope_parameters(config: Config, layer_type: str) -> Config | None:
    """rope_parameters, of that layer type if listed by type; None if null there; the config itself if absent."""
    if not config.has("rope_parameters"):
        return config
    rope = config.nested("rope_parameters")
    if not layer_type or layer_type not in rope.data:
        return rope
    return None if rope.data[layer_type] is None else rope.nested(layer_type)


def with_rotary(
    config: Config, kind: "Attention", sizes: Sizes, layer_type: str = "", absent: float = 1.0
) -> "tuple[Attention, Sizes]":
    """The attention and its sizes, with as much of each head rotated as the config says; see `rotary_part`."""
    rotary, part = rotary_part(config, sizes["h"], layer_type, absent)
    return replace(kind, rotary=rotary), {**sizes, **part}
