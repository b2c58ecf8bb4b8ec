"""Numbers as people write them, with SI and IEC prefixes and a unit: 80GiB, 3.35TB/s, 990T, 700W."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

SI = {prefix: 1000**i for i, prefix in enumerate("kMGTPE", 1)}
IEC = {f"{prefix}i": 1024**i for i, prefix in enumerate("KMGTPE", 1)}
PREFIXES = {"": 1, **SI, **IEC}
WRITTEN = re.compile(rf"(\d+(?:_\d+)*(?:\.\d+)?(?:[eE][-+]?\d{{1,2}})?) ?({'|'.join([*IEC, *SI])}|)([a-zA-Z/]*)", re.A)
MOST = 10**30


@dataclass(frozen=True)
class Quantity:
    """What a number measures: how its unit can be written, the least it can be, and what an error asks for."""

    units: tuple[str, ...]
    least: int
    must: str

    def read(self, written: object) -> int | float | None:
        """The number, whole where it is; None where it is not so written or out of range. Case matters: B is no b."""
        found = WRITTEN.fullmatch(str(written)[:64].strip()) if isinstance(written, str | int | Decimal) else None
        if not found or isinstance(written, bool) or found[3] not in ("", *self.units):
            return None
        value = Fraction(found[1].replace("_", "")) * PREFIXES[found[2]]
        if not self.least <= value <= MOST:
            return None
        return int(value) if value.denominator == 1 else float(value)
