"""A quoted number: what it counts, its value, and the digits it is written with; plain data, no sympy."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symroof.errors import UnknownName, UsageError, shorten
from symroof.units import GROUPED, NumberWithUnit

QUOTED = {
    "flops": NumberWithUnit(("FLOP", "FLOPs", "FLOPS"), 1, "FLOP"),
    "params": NumberWithUnit((), 1, "parameters"),
    "kv": NumberWithUnit(("B", "byte", "bytes"), 1, "bytes of keys and values"),
}


@dataclass(frozen=True)
class Quote:
    """A quoted number: its quantity, its text, its value, and by how much rounding can have changed it."""

    quantity: str
    written: str
    value: Fraction
    within: Fraction

    @property
    def counts(self) -> str:
        """What it counts."""
        return QUOTED[self.quantity].must

    def agrees(self, value: Any) -> bool:
        """Whether a value rounds to the digits quoted."""
        return abs(Fraction(value) - self.value) <= self.within

    def ratio(self, value: Any) -> float:
        """A value over the number quoted."""
        return float(Fraction(value) / self.value)


def quote(text: str) -> Quote:
    """The number that `flops=1.57e10`, `params=8.03B` or `kv=327.68kB` quotes. Raises UsageError and UnknownName."""
    name, equals, written = (x.strip() for x in text.partition("="))
    if not equals:
        raise UsageError(f"{shorten(text)!r} quotes nothing: write it as flops=1.57e10, params=8.03e9 or kv=131072")
    if name not in QUOTED:
        raise UnknownName("quantity", name, QUOTED)
    return read_number(name, written)


def read_number(name: str, written: str) -> Quote:
    """The number quoted for a quantity; of parameters, B is a billion, as in the names of models."""
    digits_only = re.sub(GROUPED, lambda grouped: grouped[0].replace(",", ""), written)
    billions = re.sub(r"(?<=\d) ?[Bb]$", "G", digits_only) if name == "params" else digits_only
    value, digits = QUOTED[name].read(billions), re.match(r"[\d_]+(?:\.(\d+))?", billions)
    if value is None or digits is None:
        raise UsageError(f"{name}={shorten(written)}: write a number of {QUOTED[name].must}, such as 1.57e10 or 15.7G")
    exact, mantissa = Fraction(str(value)), Fraction(digits[0].replace("_", ""))
    return Quote(name, written, exact, exact / mantissa / 10 ** len(digits[1] or "") / 2)
