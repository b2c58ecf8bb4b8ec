"""A scheme: formats in order, each with the modules that have it; and the formats that several methods share.

Formats have exact bytes per element, including scales and zero points of blocks and groups, but not per-tensor or
per-channel scales (0.1 % of 8-bit weights at most).
"""

from fractions import Fraction

from symroof.config.config import Config
from symroof.dtypes import Format, format_of
from symroof.quantization.module_names import Matcher, matches_all, module_matcher
from symroof.records import frozen

FP8 = "fp8"  # quant_method of blocks of fp8, and of fp8 tensors


@frozen
class Scheme:
    """Formats in order, each with the modules that have it; modules left out have the checkpoint's dtype."""

    method: str
    groups: tuple[tuple[Format, Matcher], ...]
    left_out: Matcher
    head: bool = False  # whether the method quantises the head too
    embedding: bool = False  # whether it quantises the embedding too
    cache: str = ""  # format of the KV cache, empty where the checkpoint names none


def linear_layers(quant: Config, form: Format, method: str) -> Scheme:
    """One format for all linear layers except `modules_to_not_convert`."""
    return Scheme(method, ((form, matches_all),), module_matcher(quant, quant.array("modules_to_not_convert")))


def fp8_format(quant: Config) -> Format:
    """fp8, with a scale of 4 bytes (1 where it is an exponent) for each block of weight_block_size."""
    block = quant.array("weight_block_size")
    if not block:
        return format_of("fp8")
    if len(block) != 2 or not all(isinstance(x, int) and 0 < x <= 4096 for x in block):
        raise quant.wrong("weight_block_size", "two whole numbers from 1 to 4096")
    return Format(f"fp8, scales of {block[0]} x {block[1]}", 1 + Fraction(4, block[0] * block[1]))
