"""Numbers with units: parsing (80 GiB, 3.35TB/s, 5 ms, 990T, 128k) and formatting (14.96 GiB, 16.08 G).

SI prefixes are powers of 1000, IEC prefixes powers of 1024: 128k is 128,000, 128Ki is 131,072. A FLOP is a count, and
counts have no unit.
"""

import re
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from symroof.errors import UnknownName, UsageError, shorten
from symroof.records import frozen

SI = ("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q")
IEC = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
LARGE = {prefix: base**i for base, prefixes in ((1024, IEC), (1000, SI)) for i, prefix in enumerate(prefixes)}
SMALL = {prefix: Fraction(1, 1000**i) for i, letters in enumerate(("m", "uµ", "n", "p"), 1) for prefix in letters}
NUMBER = r"([0-9]+(?:_[0-9]+)*(?:\.[0-9]+)?|\.[0-9]+)(?:[eE]([-+]?[0-9]{1,2}))?(?![0-9.])"  # compiled where it is used
GROUPED = r"(?<![\w.,])[0-9]{1,3}(?:,[0-9]{3})+(?![\w.,])"  # digits in groups, as numbers are printed: 1,048,576
COUNT_CURE = "give one such as 4096, 4_096, 1e6, 128k (128,000) or 128Ki (131,072)"
UNIT_NAME = r" ?([A-Za-zµ]+(?:/[A-Za-z]+)?|/s\b)"
LARGEST_NUMBER = 10**30
LONGEST = 60  # characters of a number that is read


class Unit(NamedTuple):
    """The exponents of bytes, seconds and joules in a unit."""

    byte: Fraction = Fraction(0)
    second: Fraction = Fraction(0)
    joule: Fraction = Fraction(0)

    def by(self, other: "Unit", sign: int = 1) -> "Unit":
        """The unit of a product, or of a quotient where `sign` is -1."""
        return Unit(*(x + sign * y for x, y in zip(self, other, strict=True)))

    def to(self, power: Fraction) -> "Unit":
        """The unit of a power."""
        return Unit(*(x * power for x in self))

    def __str__(self) -> str:
        above, below = (
            [
                name + (f"^{abs(x)}" if abs(x) != 1 else "")
                for name, x in zip(DIMENSIONS, self, strict=True)
                if s * x > 0
            ]
            for s in (1, -1)
        )
        return "/".join([" ".join(above) or "1", *below])

    @property
    def in_words(self) -> str:
        """Its name in errors: "a count", "in bytes"."""
        return "a count" if self == COUNT else f"in {self}"


DIMENSIONS = ("bytes", "seconds", "joules")
COUNT, BYTE, SECOND, JOULE = Unit(), Unit(byte=Fraction(1)), Unit(second=Fraction(1)), Unit(joule=Fraction(1))
BASE_UNITS = {
    "B": BYTE,
    "byte": BYTE,
    "bytes": BYTE,
    "FLOP": COUNT,
    "FLOPs": COUNT,
    "s": SECOND,
    "J": JOULE,
    "W": JOULE.by(SECOND, -1),
    "B/s": BYTE.by(SECOND, -1),
    "byte/s": BYTE.by(SECOND, -1),
    "FLOP/s": COUNT.by(SECOND, -1),
    "/s": COUNT.by(SECOND, -1),
    "FLOP/B": COUNT.by(BYTE, -1),
    "FLOP/byte": COUNT.by(BYTE, -1),
    "J/FLOP": JOULE,
    "J/byte": JOULE.by(BYTE, -1),
    "": COUNT,
}
IN_IEC = ("", "B", "B/s")
IN_SMALL = ("s", "J", "W", "J/FLOP", "J/byte")


@cache
def prefixed_units() -> dict[str, tuple[Fraction, Unit | None]]:
    """Every unit with every prefix: its factor and base unit, None for a prefix without a unit."""
    units: dict[str, tuple[Fraction, Unit | None]] = {}
    for name, unit in BASE_UNITS.items():
        small = SMALL if name in IN_SMALL else {}
        large = {p: factor for p, factor in LARGE.items() if p in SI or name in IN_IEC}
        units |= {p + name: (Fraction(x), unit if name else None) for p, x in (large | small).items() if p + name}
    return units | {f"K{name}": units[f"k{name}"] for name in ("B", "B/s")}


def unit_at(text: str, at: int) -> tuple[Fraction, Unit | None, int]:
    """The factor and unit that follow a number in a text at an index, and the index after them.

    Without a unit: a factor of 1 and None. Raises UnknownName for any other word.
    """
    match = re.compile(UNIT_NAME).match(text, at)
    if not match:
        return Fraction(1), None, at
    name, known = match[1], prefixed_units()
    if name not in known:
        name = name.partition("/")[0]
    if name not in known:
        raise UnknownName("unit", name, known)
    return *known[name], match.start(1) + len(name)


def number_value(match: re.Match[str]) -> Fraction:
    """The exact value of a match of NUMBER."""
    return Fraction(match[1].replace("_", "")) * Fraction(10) ** int(match[2] or 0)


def whole_number(text: str) -> int | None:
    """A count as users write it: 4096, 4_096, 4,096, 1e6, 8k (8,000), 8Ki (8,192); None for anything else."""
    if len(text) > LONGEST:
        return None
    digits = text.replace(",", "") if re.fullmatch(GROUPED, text) else text
    match = re.match(NUMBER, digits)
    factor = LARGE.get(digits[match.end() :].removeprefix(" ")) if match else None
    number = number_value(match) * factor if match and factor else Fraction(1, 2)
    return int(number) if number.denominator == 1 else None


def part_of_one(text: str) -> Fraction | None:
    """A part as users write it: 0.4, .4, 40%; None for anything else, and for what is not from 0 to 1."""
    match = re.match(NUMBER, text) if len(text) <= LONGEST else None
    divisor = {"": 1, "%": 100}.get(text[match.end() :].removeprefix(" ")) if match else None
    part = number_value(match) / divisor if match and divisor else Fraction(-1)
    return part if 0 <= part <= 1 else None


def list_items(text: str) -> list[str]:
    """What commas, semicolons or spaces separate in a list of numbers.

    Raises UsageError where a comma may be within a number: 1,048,576 is one or three, and 2048,016 is none.
    """
    if match := re.search(rf"{GROUPED}|(?<=,)0[0-9][0-9](?![\w.])", text):
        both = f"write {match[0].replace(',', '')} for one, '{match[0].replace(',', ' ')}' for a list"
        raise UsageError(f"{shorten(text)!r} is one number or a list of them: {both}")
    return [x for x in re.split(r"[,;\s]+", text) if x]


@frozen
class NumberWithUnit:
    """A number in user input: the spellings of its unit, its least value, and what an error says to give (`must`)."""

    units: tuple[str, ...]
    least: int
    must: str

    def read(self, value: object) -> int | float | None:
        """The number, an int where it is whole; None where it is malformed or out of range. Case matters: B, not b."""
        text = str(value)[:64].strip() if isinstance(value, str | int | Decimal) else ""
        match = re.match(NUMBER, text)
        if not match or isinstance(value, bool):
            return None
        word = text[match.end() :].removeprefix(" ")
        factors = [x for p, x in LARGE.items() if word.startswith(p) and word[len(p) :] in ("", *self.units)]
        number = number_value(match) * max(factors, default=0)
        if not self.least <= number <= LARGEST_NUMBER:
            return None
        return int(number) if number.denominator == 1 else float(number)


def with_prefix(x: Any, base: int, prefixes: tuple[str, ...]) -> tuple[str, str]:
    """The number with two decimals, and its prefix ("16.08", "G"), from `prefixes` that are powers of `base`."""
    numerator, denominator = (x, 1) if type(x) is int else Fraction(x).as_integer_ratio()
    size, step = 200 * abs(numerator), 0
    while size >= (200 * base - 1) * denominator and step < len(prefixes) - 1:  # rounds to 1.00 of the next prefix
        denominator, step = denominator * base, step + 1
    if abs(numerator) >= 10**6 * denominator:
        return f"{Decimal(numerator) / Decimal(denominator):.2e}", prefixes[step]
    return f"{numerator / denominator:.2f}", prefixes[step]


def si(x: Any) -> str:
    """A count: `16.08 G`."""
    return " ".join(with_prefix(x, 1000, SI)).rstrip()


def iec(x: Any) -> str:
    """Bytes: `14.96 GiB`."""
    number, prefix = with_prefix(x, 1024, IEC)
    return f"{number} {prefix}B"


def si_cell(x: Any) -> str:
    """A count, padded so that right-aligned cells align on the decimal point."""
    number, prefix = with_prefix(x, 1000, SI)
    return f"{number} {prefix:<1}"


def iec_cell(x: Any) -> str:
    """Bytes, padded so that right-aligned cells align on the decimal point."""
    number, prefix = with_prefix(x, 1024, IEC)
    return f"{number} {prefix + 'B':<3}"


def ratio_text(x: Any) -> str:
    """Operational intensity, or any ratio; a dash for None."""
    return "-" if x is None else f"{float(x):.3f}"


def duration(x: Any) -> str:
    """Seconds: `12.34 ms`."""
    value, unit = float(x), "s"
    for smaller in ("ms", "us", "ns"):
        if value >= 1 or not value:
            break
        value, unit = value * 1000, smaller
    return f"{value:,.2f} {unit}"


def duration_cell(x: Any) -> str:
    """Seconds, padded so that right-aligned cells align on the decimal point; a dash for none."""
    if not x:
        return "-   "
    number, unit = duration(x).split()
    return f"{number} {unit:<2}"


def percent(x: Any) -> str:
    """A share: `12.3 %`."""
    return f"{100 * float(x):.1f} %"
