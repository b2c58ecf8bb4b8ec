"""Units of numbers as people write them: 80 GiB, 3.35 TB/s, 5 ms. A FLOP is a count, and counts have no unit."""

import re
from fractions import Fraction
from typing import NamedTuple

from symroof.errors import UnknownName
from symroof.quantities import IEC, SI


class Unit(NamedTuple):
    """The powers of bytes, seconds and joules that something is measured in."""

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
            [name + (f"^{abs(x)}" if abs(x) != 1 else "") for name, x in zip(NAMES, self, strict=True) if sign * x > 0]
            for sign in (1, -1)
        )
        return "/".join([" ".join(above) or "1", *below])

    @property
    def told(self) -> str:
        """What is measured in it, in words."""
        return "a count" if self == COUNT else f"in {self}"


NAMES = ("bytes", "seconds", "joules")
COUNT, BYTE, SECOND, JOULE = Unit(), Unit(byte=Fraction(1)), Unit(second=Fraction(1)), Unit(joule=Fraction(1))
BASE = {
    "B": BYTE, "byte": BYTE, "bytes": BYTE, "FLOP": COUNT, "FLOPs": COUNT, "s": SECOND, "J": JOULE,
    "W": JOULE.by(SECOND, -1), "B/s": BYTE.by(SECOND, -1), "byte/s": BYTE.by(SECOND, -1),
    "FLOP/s": COUNT.by(SECOND, -1), "FLOP/B": COUNT.by(BYTE, -1), "FLOP/byte": COUNT.by(BYTE, -1),
    "J/FLOP": JOULE, "J/byte": JOULE.by(BYTE, -1), "": COUNT,
}  # fmt: skip
SMALL = {prefix: Fraction(1, 1000**i) for i, prefixes in enumerate(("m", "uµ", "n", "p"), 1) for prefix in prefixes}
WORD = re.compile(r" ?([A-Za-zµ]+(?:/[A-Za-z]+)?)")


def _known() -> dict[str, tuple[Fraction, Unit | None]]:
    """Every unit with its prefixes: its factor, and what it measures; None for a prefix alone."""
    found: dict[str, tuple[Fraction, Unit | None]] = {name: (Fraction(1), x) for name, x in BASE.items() if name}
    for name, x in BASE.items():
        prefixes: dict[str, Fraction] = {p: Fraction(factor) for p, factor in SI.items()}
        if name in ("", "B", "B/s"):
            prefixes |= {p: Fraction(factor) for p, factor in IEC.items()}
        if name in ("s", "J", "W", "J/FLOP", "J/byte"):
            prefixes |= SMALL
        found |= {p + name: (factor, x if name else None) for p, factor in prefixes.items()}
    return found


KNOWN = _known()


def measured(text: str, at: int) -> tuple[Fraction, Unit | None, int]:
    """The factor and unit that follow a number at a place in a text, and where they end.

    No unit is a factor of 1 and any unit. Raises UnknownName for a word that is no unit.
    """
    found = WORD.match(text, at)
    if not found:
        return Fraction(1), None, at
    name = found[1]
    if name not in KNOWN:
        name = name.partition("/")[0]
    if name not in KNOWN:
        raise UnknownName("unit", name, KNOWN)
    return *KNOWN[name], found.start(1) + len(name)
