"""Machines that models run on: rates, memory, bandwidth, link and power. Plain data, no sympy.

The built-in ones are in machines.toml, with what was read where; a user's are a file of the same form or one line of
text. Rates are dense peaks, a link is what a device sends in one direction, and what is not published is None.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pkgutil import get_data
from typing import Any

from symroof.dtypes import BITS, canonical
from symroof.errors import UnknownName, UsageError, shorten
from symroof.hardware import toml_tables
from symroof.hardware.toml_tables import Table
from symroof.units import NumberWithUnit

Number = int | float
ANY = "peak"  # the rate of every format that has none of its own
# Format -> format whose rate it multiplies at: scales of blocks are no elements.
RATED = {"mxfp8": "fp8", "mxfp6": "fp6", "mxfp4": "fp4", "nvfp4": "fp4"}
RATE = NumberWithUnit(("FLOP/s", "FLOPS", "OP/s", "OPS"), 10**6, "FLOP/s, such as 990T or 990e12")
SPEED = NumberWithUnit(("B/s", "B"), 10**6, "bytes a second, such as 3.35TB/s or 3.35e12")
RATES = dict.fromkeys((*(name for name in BITS if name not in RATED), ANY), RATE)
QUANTITIES = {
    **RATES,
    "vector": RATE,
    "memory": NumberWithUnit(("B",), 2**20, "bytes, such as 80GiB or 80e9"),
    "bandwidth": SPEED,
    "link": SPEED,
    "power": NumberWithUnit(("W",), 1, "watts, such as 700"),
}
ABOUT = ("vendor", "year", "source", "confidence", "unsourced", "notes", "aliases")
CONFIDENCE = ("A", "B", "C")


@dataclass(frozen=True)
class Machine:
    """A machine, or `count` of them: FLOP/s, bytes, bytes a second and watts of all together, and what is known of it.

    `peaks` are dense FLOP/s of matmuls by format; `vector` those of elementwise operations, in fp32, None where none
    is published. `link` is what one device sends, one direction. `confidence` is A (two sources that agree), B (one,
    or an exact ratio), C (derived), empty for a user's; for the fields of `unsourced` no source was read.
    """

    name: str
    vendor: str
    year: int | None
    peaks: Mapping[str, Number]
    vector: Number | None
    memory: int
    bandwidth: Number
    link: Number | None
    power: Number | None
    source: str
    confidence: str
    notes: tuple[str, ...]
    count: int = 1
    unsourced: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The name, and how many where it is more than one: `4 x h100-sxm`."""
        return self.name if self.count == 1 else f"{self.count} x {self.name}"

    def times(self, n: int) -> "Machine":
        """`n` of it under ideal tensor parallelism: all adds up but the link, which stays a device's."""
        if n < 1:
            raise UsageError(f"{shorten(n)} machines: give at least 1")
        return replace(
            self,
            peaks={form: rate * n for form, rate in self.peaks.items()},
            vector=None if self.vector is None else self.vector * n,
            memory=self.memory * n,
            bandwidth=self.bandwidth * n,
            power=None if self.power is None else self.power * n,
            count=self.count * n,
        )

    def peak(self, form: str) -> Number:
        """Dense FLOP/s of matmuls in a format. Raises UsageError where the machine has none, UnknownName."""
        name = canonical(form)
        found = self.peaks.get(RATED.get(name, name), self.peaks.get(ANY))
        if found is None:
            known = ", ".join(self.peaks)
            raise UsageError(
                f"{self.name} has no rate for matmuls in {name}: choose one that it has with --compute FORMAT ({known})"
            )
        return found

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON has them."""
        return asdict(self)


def told(table: Table, name: str, source: str) -> Machine:
    """The machine that a table describes; `source` is where it is from, if the table names none."""
    found = {key: table.number(key, quantity) for key, quantity in QUANTITIES.items()}
    peaks = {key: rate for key in RATES if (rate := found[key]) is not None}
    memory, bandwidth, confidence = found["memory"], found["bandwidth"], " ".join(table.texts("confidence"))
    lacking = [key for key in ("memory", "bandwidth") if found[key] is None]
    lacking += [] if peaks else [f"rate ({ANY}, for all formats, or one each: bf16, fp16, fp8, ...)"]
    if memory is None or bandwidth is None or lacking:
        raise table.fail(f"there is no {' and no '.join(lacking)}: add {'it' if len(lacking) == 1 else 'them'}")
    if confidence not in ("", *CONFIDENCE):
        raise table.fail(f"confidence is {shorten(confidence)!r}: give {', '.join(CONFIDENCE)} or none")
    return Machine(
        name=shorten(name, 40),
        vendor=" ".join(table.texts("vendor")),
        year=table.year("year"),
        peaks=peaks,
        vector=found["vector"],
        memory=int(memory),
        bandwidth=bandwidth,
        link=found["link"],
        power=found["power"],
        source="; ".join(table.texts("source")) or source,
        confidence=confidence,
        notes=table.texts("notes"),
        unsourced=table.texts("unsourced"),
        aliases=table.texts("aliases"),
    )


def all_told(found: Mapping[str, Table], source: str) -> dict[str, Machine]:
    """The machines of a file's tables by name. Raises ConfigError."""
    for table in found.values():
        table.known((*QUANTITIES, *ABOUT))
    return {title: told(table, title, source) for title, table in found.items()}


@cache
def catalogue() -> dict[str, Machine]:
    """The built-in machines by name."""
    return all_told(
        toml_tables.parse(get_data("symroof.hardware", "machines.toml") or b"", "machines.toml"), "machines.toml"
    )


def machine(name: str, known: Mapping[str, Machine] | None = None) -> Machine:
    """A machine by its name or an alias, in any case, built in or one of `known`. Raises UnknownName."""
    machines = [*catalogue().values(), *(known or {}).values()]
    named = {spelled.lower(): x for x in machines for spelled in (*x.aliases, x.name)}
    found = named.get(name.lower().replace("_", "-")) or named.get(name.lower())
    if not found:
        raise UnknownName("machine", name, {x.name for x in machines}, " (`symroof machines` lists them)")
    return found


def inline(text: str) -> Machine:
    """The machine of `peak=990e12,bandwidth=3.35e12,memory=80GiB`; `name=` names it. Raises UsageError."""
    data: dict[str, str] = {}
    where = f"--machine {shorten(text, 80)}"
    for part in text.split(","):
        key, _, value = (x.strip() for x in part.partition("="))
        if not (key and value):
            raise UsageError(f"{where}: {shorten(part)!r} is not KEY=VALUE: give peak=...,bandwidth=...,memory=...")
        if key in data:
            raise UsageError(f"{where}: {shorten(key)} is given twice: keep one")
        data[key] = value
    table = Table(data, where, UsageError)
    table.known(("name", *QUANTITIES))
    return told(table, data.get("name", "machine"), "--machine")


def from_file(path: str) -> dict[str, Machine]:
    """The machines of a TOML file of the form of machines.toml, by name. Raises UsageError, ConfigError."""
    return all_told(toml_tables.read(path), shorten(path, 200))


def chosen(on: Sequence[str], inline_texts: Sequence[str], file: str | None, gpus: int) -> tuple[Machine, ...]:
    """The machines of --on, --machine and --machine-file (all of it without --on), `gpus` of each.

    Raises UsageError where none is asked for, or two would be called the same.
    """
    known = from_file(file) if file else {}
    found = [machine(name, known) for name in on] if on else [*known.values()]
    found += map(inline, inline_texts)
    if not found:
        raise UsageError(
            "no machine is named: give --on h100-sxm (`symroof machines` lists them), --machine-file FILE"
            " or --machine peak=990e12,bandwidth=3.35e12,memory=80GiB"
        )
    twice = [name for name, n in Counter(x.name for x in found).items() if n > 1]
    if twice:
        raise UsageError(f"two machines are called {twice[0]!r}: leave one out, or name what --machine gives: name=...")
    return tuple(x.times(gpus) for x in found)


def of_vendor(vendor: str = "") -> tuple[Machine, ...]:
    """The built-in machines, or those of a vendor, in any case. Raises UnknownName."""
    vendors = {x.vendor.lower(): x.vendor for x in catalogue().values()}
    if vendor and vendor.lower() not in vendors:
        raise UnknownName("vendor", vendor, vendors.values())
    return tuple(x for x in catalogue().values() if vendor.lower() in ("", x.vendor.lower()))
