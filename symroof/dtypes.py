"""Element formats: exact bits per element, including block scales."""

from collections.abc import Iterable
from fractions import Fraction

from symroof.errors import UnknownName
from symroof.records import frozen

BITS: dict[str, Fraction] = {
    "fp64": Fraction(64),
    "fp32": Fraction(32),
    "tf32": Fraction(32),  # stored as fp32; matmuls use 19 bits
    "bf16": Fraction(16),
    "fp16": Fraction(16),
    "fp8": Fraction(8),
    "int8": Fraction(8),
    "fp6": Fraction(6),
    "fp4": Fraction(4),
    "int4": Fraction(4),
    "int3": Fraction(3),
    "int2": Fraction(2),
    # OCP Microscaling Formats v1.0: one 8-bit scale for each block of 32 elements
    "mxfp8": Fraction(8 * 32 + 8, 32),
    "mxfp6": Fraction(6 * 32 + 8, 32),
    "mxfp4": Fraction(4 * 32 + 8, 32),
    # NVIDIA NVFP4: one 8-bit scale for each block of 16 elements
    "nvfp4": Fraction(4 * 16 + 8, 16),
}

ALIASES = {
    "float64": "fp64",
    "double": "fp64",
    "float32": "fp32",
    "float": "fp32",
    "tensorfloat32": "tf32",
    "bfloat16": "bf16",
    "float16": "fp16",
    "half": "fp16",
    "float8": "fp8",
    "float8_e4m3fn": "fp8",
    "float8_e5m2": "fp8",
    "fp8_e4m3": "fp8",
    "fp8_e5m2": "fp8",
    "uint8": "int8",
    "uint4": "int4",
}


def without_alias(name: str) -> str:
    """The name without its aliases: `torch.bfloat16`, `bfloat16` and `BF16` are `bf16`."""
    lower = name.lower().removeprefix("torch.")
    return ALIASES.get(lower, lower)


def format_name(name: str) -> str:
    """The format's name in `BITS`. Raises UnknownName."""
    canonical = without_alias(name)
    if canonical not in BITS:
        raise UnknownName("format", name, BITS)
    return canonical


def bytes_per_element(name: str) -> Fraction:
    """Exact bytes per element: mxfp4 is 17/32."""
    return BITS[format_name(name)] / 8


@frozen
class Format:
    """A format's name, and its bytes per element, including scales.

    `inputs`: for weights, the format that matmul inputs are converted to; empty where they are not converted.
    `mix`: for a mean of formats, each format with its share of elements.
    """

    name: str
    bytes: Fraction
    inputs: str = ""
    mix: tuple[tuple["Format", Fraction], ...] = ()

    @property
    def element(self) -> str:
        """The type of an element: the name without the description of scales."""
        return self.name.partition(",")[0]


def format_of(name: str) -> Format:
    """A format of `BITS`. Raises UnknownName."""
    return Format(format_name(name), bytes_per_element(name))


def scaled_format(name: str, bits: int | Fraction, block: int, extra: int | Fraction, blocks: str = "groups") -> Format:
    """`bits` per element, and `extra` bits of scale and zero point per block of elements."""
    return Format(f"{name}, {blocks} of {block}", (bits + Fraction(extra) / block) / 8)


def integer_format(bits: int, group: int, zero_point: bool) -> Format:
    """Integers of `bits`, with a scale of 16 bits and a zero point of `bits` per group; without groups, neither."""
    if group < 1:
        return Format(f"int{bits}", Fraction(bits, 8))
    return scaled_format(f"int{bits}", bits, group, 16 + (bits if zero_point else 0))


def affine_format(bits: int, group: int, packed: Fraction | None = None) -> Format:
    """Integers of `bits`, `packed` into more if given, with a scale and a zero point of 16 bits each per group."""
    if group < 1:
        return Format(f"int{bits}", Fraction(packed or bits) / 8)
    return scaled_format(f"int{bits}", packed or bits, group, 2 * 16)


def permitted_formats(name: str) -> list[str]:
    """The formats without block scales that elements of such a format can be multiplied in: itself, all wider ones, and
    for a float the floats as wide: fp32 as tf32, which frameworks do. Types that are only stored, such as llama.cpp's,
    can be unpacked to all that int4 can.
    """
    name = name if name in BITS else "int4"
    width, integer = BITS[name], name.startswith("int")
    as_wide = [x for x in BITS if BITS[x] == width and not (integer or x.startswith("int"))]
    wider = [x for x in BITS if BITS[x] > width and BITS[x].denominator == 1]
    return [name, *as_wide, *wider]


def operand_formats(operands: Iterable[Format]) -> list[tuple[tuple[str, ...], Fraction]]:
    """The types of elements that products of all these operands have, and the share of products with those types."""
    products: list[tuple[tuple[str, ...], Fraction]] = [((), Fraction(1))]
    for operand in operands:
        parts = operand.mix or ((operand, Fraction(1)),)
        products = [((*names, *types_of(x)), share * part) for names, share in products for x, part in parts]
    return products


def types_of(form: Format) -> tuple[str, ...]:
    """The type of a format's elements, and that of the inputs which are converted for them."""
    return (form.element, format_name(form.inputs)) if form.inputs else (form.element,)


def product_formats(weights: Format, others: Format) -> dict[str, Fraction]:
    """The type that products of `weights` and `others` are computed in, and its share: the wider of the two; that of
    the others where weights have a type that is only stored.
    """
    shares: dict[str, Fraction] = {}
    for form, share in weights.mix or ((weights, Fraction(1)),):
        other = format_of(form.inputs) if form.inputs else others
        name = form.element if form.bytes > other.bytes and form.element in BITS else other.element
        shares[name] = shares.get(name, Fraction(0)) + share
    return shares
