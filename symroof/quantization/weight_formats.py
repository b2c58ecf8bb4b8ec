"""The formats that weights can be given in: element formats, and the usual schemes of quantisers by their names.

A scheme quantises the matrices of the layers, as quantisers do; embedding, head, norms and routers stay as they are,
except in the mixes of llama.cpp. Sources: the defaults of AutoAWQ, GPTQ, compressed-tensors' presets W4A16, W8A16,
W8A8 and NVFP4, bitsandbytes, hqq, BitNet b1.58, DeepSeek-V3's blocks; llama.cpp in `gguf`.
"""

from dataclasses import replace
from fractions import Fraction
from functools import cache

from symroof.dtypes import BITS, Format, format_of, integer_format, without_alias
from symroof.errors import UnknownName, UsageError

WHOLE = ("fp64", "fp32", "tf32", "bf16", "fp16")  # formats of all weights, not of matrices alone

GROUPS = "in groups of 128 with a scale of 16 bits"
CHANNELS = "with a scale per tensor or channel, which is not counted"
# Name -> the format of matrices, and how it is stored.
SCHEMES: dict[str, tuple[Format, str]] = {
    "fp8": (format_of("fp8"), CHANNELS),
    "fp8_block": (
        Format("fp8, scales of 128 x 128", 1 + Fraction(4, 128 * 128), "fp8"),
        "with a scale of 4 bytes per block of 128 x 128; inputs are converted to fp8",
    ),
    "fp8_dynamic": (replace(format_of("fp8"), inputs="fp8"), f"{CHANNELS}; inputs are converted to fp8"),
    "int8": (format_of("int8"), CHANNELS),
    "w8a8": (replace(format_of("int8"), inputs="int8"), f"{CHANNELS}; inputs are converted to int8"),
    "fp6": (format_of("fp6"), CHANNELS),
    "fp4": (Format("fp4, blocks of 64", Fraction(4 * 64 + 32, 8 * 64)), "in blocks of 64 with a scale of 32 bits"),
    "nf4": (Format("nf4, blocks of 64", Fraction(4 * 64 + 32, 8 * 64)), "in blocks of 64 with a scale of 32 bits"),
    "nf4_double": (
        Format("nf4, blocks of 64, scales quantised", (4 + Fraction(8 * 256 + 32, 64 * 256)) / 8),
        "in blocks of 64 with a scale of 8 bits, and 32 bits per 256 scales",
    ),
    "int4": (integer_format(4, 128, zero_point=False), GROUPS),
    "int3": (integer_format(3, 128, zero_point=False), GROUPS),
    "int2": (integer_format(2, 128, zero_point=False), GROUPS),
    "awq": (integer_format(4, 128, zero_point=True), f"{GROUPS} and a zero point of 4"),
    "gptq": (integer_format(4, 128, zero_point=True), f"{GROUPS} and a zero point of 4"),
    "hqq": (
        Format("int4, groups of 64", Fraction(4 * 64 + 32, 8 * 64)),
        "in groups of 64 with a scale and a zero point of 16 bits",
    ),
    "mxfp8": (format_of("mxfp8"), "in blocks of 32 with a scale of 8 bits"),
    "mxfp6": (format_of("mxfp6"), "in blocks of 32 with a scale of 8 bits"),
    "mxfp4": (format_of("mxfp4"), "in blocks of 32 with a scale of 8 bits"),
    "nvfp4": (format_of("nvfp4"), "in blocks of 16 with a scale of 8 bits"),
    "w4a4": (
        replace(format_of("nvfp4"), inputs="nvfp4"),
        "in blocks of 16 with a scale of 8 bits; inputs are converted to nvfp4",
    ),
    "bitnet": (
        Format("int2, ternary", Fraction(2, 8), "int8"),
        "ternary, four a byte, with one scale a matrix; inputs are converted to int8",
    ),
}
ALIASES = {
    "w4a16": "int4",
    "w8a16": "int8",
    "int8_w8a8": "w8a8",
    "fp8_w8a8": "fp8_dynamic",
    "fp8_tensor": "fp8_dynamic",
    "fp8_channel": "fp8_dynamic",
    "bnb_nf4": "nf4",
    "bnb_fp4": "fp4",
    "bnb_int8": "w8a8",
    "nvfp4_w4a4": "w4a4",
    "q2_k_m": "q2_k",
    "q3_k": "q3_k_m",
    "q4_k": "q4_k_m",
    "q5_k": "q5_k_m",
}

# Block types of llama.cpp (ggml-common.h) -> bytes of a block, elements in it.
BLOCKS = {
    "q4_0": (18, 32),
    "q4_1": (20, 32),
    "q5_0": (22, 32),
    "q5_1": (24, 32),
    "q8_0": (34, 32),
    "iq4_nl": (18, 32),
    "q2_k": (84, 256),
    "q3_k": (110, 256),
    "q4_k": (144, 256),
    "q5_k": (176, 256),
    "q6_k": (210, 256),
    "iq4_xs": (136, 256),
}
# File types of llama.cpp -> the type of matrices that no rule names.
GGUF = {
    **dict.fromkeys(("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q6_k", "q2_k", "iq4_nl", "iq4_xs"), ""),
    **{f"q{bits}_k_{size}": f"q{bits}_k" for bits, sizes in ((3, "sml"), (4, "sm"), (5, "sm")) for size in sizes},
}
NAMES = (*WHOLE, *SCHEMES, *GGUF)


def weights_name(name: str) -> str:
    """The name of a format of weights without its aliases. Raises UnknownName."""
    plain = without_alias(name).replace("-", "_")
    canonical = ALIASES.get(plain, plain)
    if canonical not in NAMES and canonical not in BITS:
        raise UnknownName("format", name, NAMES)
    return canonical


def element_format(name: str) -> Format:
    """A format of all elements. Raises UnknownName, or UsageError for one that only weights can have."""
    try:
        return format_of(name)
    except UnknownName:
        plain = without_alias(name).replace("-", "_")
        if ALIASES.get(plain, plain) in NAMES:
            raise UsageError(f"{plain} is a format of weights: give it as weights, not for all elements") from None
        raise


@cache
def block_format(name: str) -> Format:
    """The format of a block type of llama.cpp."""
    size, elements = BLOCKS[name]
    return Format(name, Fraction(size, elements))
