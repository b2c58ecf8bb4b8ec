"""Machines that models run on: rates, memory, bandwidth, link and power. Plain data, no sympy.

Built-in machines are in machines.toml, with the source of every figure; users add a file of the same format or one line
of text. Rates are dense peaks, `link` is one device's bandwidth in one direction, and unpublished figures are None.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any

from symroof.dtypes import BITS, format_name, permitted_formats
from symroof.errors import UnknownName, UsageError, shorten
from symroof.files import package_data
from symroof.hardware import toml_tables
from symroof.hardware.toml_tables import TomlTable
from symroof.results import Result
from symroof.units import NumberWithUnit, iec, si

Number = int | float
ANY = "peak"  # the rate of every format without a separate rate
# Format -> format whose rate its matmuls run at: scales of blocks do not count as elements.
RATED = {"mxfp8": "fp8", "mxfp6": "fp6", "mxfp4": "fp4", "nvfp4": "fp4"}
RATE = NumberWithUnit(("FLOP/s", "FLOPS", "OP/s", "OPS"), 10**6, "FLOP/s, such as 990T or 990e12")
SPEED = NumberWithUnit(("B/s", "B"), 10**6, "bytes per second, such as 3.35TB/s or 3.35e12")
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


@dataclass(frozen=True, repr=False)
class Machine(Result):
    """A machine, or `count` of them: FLOP/s, bytes, bytes per second and watts of all together, and their sources.

    `peaks` are dense FLOP/s of matmuls by format; `vector` those of elementwise operations in fp32, None where not
    published. `link` is one device's bandwidth in one direction. `confidence` is A (two sources that agree), B (one, or
    an exact ratio), C (derived), empty for a user's machine; the fields in `unsourced` have no source.
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

    def __repr__(self) -> str:
        rates = ", ".join(self.peaks)
        return f"<symroof machine {self.label}: {iec(self.memory)}, {si(self.bandwidth)}B/s, rates for {rates}>"

    @property
    def label(self) -> str:
        """The name, with the number of machines if there are several: `4 x h100-sxm`."""
        return self.name if self.count == 1 else f"{self.count} x {self.name}"

    def times(self, n: int) -> "Machine":
        """`n` machines under ideal tensor parallelism: all figures are sums, except `link`, which is per device."""
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

    def rate(self, name: str) -> Number | None:
        """Dense FLOP/s of matmuls in a format of `BITS`; None where the machine has no rate for it."""
        return self.peaks.get(RATED.get(name, name), self.peaks.get(ANY))

    def fastest(self, operands: Sequence[str]) -> str:
        """The format of the highest rate among those that any operand's format permits; that of an operand, if equal.

        Kernels convert operands: with an fp8 cache and bf16 activations attention runs in fp8. Raises UsageError where
        the machine has a rate for none of them.
        """
        permitted = [x for name in operands for x in permitted_formats(RATED.get(name, name))]
        rates = {x: rate for x in (*operands, *permitted) if (rate := self.rate(x)) is not None}
        if not rates:
            raise self._no_rate(operands[0])
        return max(rates, key=lambda x: rates[x])

    def peak(self, form: str) -> Number:
        """Dense FLOP/s of matmuls in a format. Raises UnknownName, or UsageError where the machine has no rate."""
        name = format_name(form)
        rate = self.rate(name)
        if rate is None:
            raise self._no_rate(name)
        return rate

    def _no_rate(self, name: str) -> UsageError:
        known = ", ".join(self.peaks)
        return UsageError(
            f"{self.name} has no rate for matmuls in {name}: choose one that it has with --compute FORMAT ({known})"
        )

    def to_dict(self) -> dict[str, Any]:
        """All fields, as JSON data."""
        return asdict(self)


def machine_from_table(table: TomlTable, name: str, source: str) -> Machine:
    """The machine that a table describes; `source` is its source, if the table names none."""
    figures = {key: table.number(key, quantity) for key, quantity in QUANTITIES.items()}
    peaks = {key: rate for key in RATES if (rate := figures[key]) is not None}
    memory, bandwidth = required_figures(table, figures, bool(peaks))
    return Machine(
        name=shorten(name, 40),
        vendor=" ".join(table.texts("vendor")),
        year=table.year("year"),
        peaks=peaks,
        vector=figures["vector"],
        memory=int(memory),
        bandwidth=bandwidth,
        link=figures["link"],
        power=figures["power"],
        source="; ".join(table.texts("source")) or source,
        confidence=confidence_of(table),
        notes=table.texts("notes"),
        unsourced=table.texts("unsourced"),
        aliases=table.texts("aliases"),
    )


def required_figures(table: TomlTable, figures: Mapping[str, Number | None], rated: bool) -> tuple[Number, Number]:
    """Memory and bandwidth of a machine. Raises the table's error where either, or any rate, is missing."""
    memory, bandwidth = figures["memory"], figures["bandwidth"]
    missing = [key for key in ("memory", "bandwidth") if figures[key] is None]
    missing += [] if rated else [f"rate ({ANY}, for all formats, or one each: bf16, fp16, fp8, ...)"]
    if memory is None or bandwidth is None or missing:
        raise table.fail(f"there is no {' and no '.join(missing)}: add {'it' if len(missing) == 1 else 'them'}")
    return memory, bandwidth


def confidence_of(table: TomlTable) -> str:
    """How well a machine's figures are sourced: one of CONFIDENCE, or empty."""
    confidence = " ".join(table.texts("confidence"))
    if confidence not in ("", *CONFIDENCE):
        raise table.fail(f"confidence is {shorten(confidence)!r}: give {', '.join(CONFIDENCE)} or none")
    return confidence


def machines_from_tables(tables: Mapping[str, TomlTable], source: str) -> dict[str, Machine]:
    """The machines of a file's tables by name. Raises ConfigError."""
    for table in tables.values():
        table.check_keys((*QUANTITIES, *ABOUT))
    return {title: machine_from_table(table, title, source) for title, table in tables.items()}


@cache
def built_in_machines() -> dict[str, Machine]:
    """The built-in machines by name."""
    text = package_data("symroof.hardware", "machines.toml")
    return machines_from_tables(toml_tables.parse_tables(text, "machines.toml"), "machines.toml")


def machine(name: str, known: Mapping[str, Machine] | None = None) -> Machine:
    """A machine by its name or an alias, in any case, built in or one of `known`. Raises UnknownName."""
    machines = [*built_in_machines().values(), *(known or {}).values()]
    by_name = {spelling.lower(): x for x in machines for spelling in (*x.aliases, x.name)}
    match = by_name.get(name.lower().replace("_", "-")) or by_name.get(name.lower())
    if not match:
        raise UnknownName("machine", name, {x.name for x in machines}, " (`symroof machines` lists them)")
    return match


def inline_machine(text: str) -> Machine:
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
    table = TomlTable(data, where, UsageError)
    table.check_keys(("name", *QUANTITIES))
    return machine_from_table(table, data.get("name", "machine"), "--machine")


def machines_from_file(path: str) -> dict[str, Machine]:
    """The machines of a TOML file in the format of machines.toml, by name. Raises UsageError, ConfigError."""
    return machines_from_tables(toml_tables.read_tables(path), shorten(path, 200))


def machines_from_options(
    on: Sequence[str], inline: Sequence[str], machine_file: str | None, gpus: int
) -> tuple[Machine, ...]:
    """The machines of --on, --machine and --machine-file (the whole file without --on), `gpus` of each.

    Raises UsageError where there is none, or where two have the same name.
    """
    in_file = machines_from_file(machine_file) if machine_file else {}
    machines = [machine(name, in_file) for name in on] if on else [*in_file.values()]
    machines += map(inline_machine, inline)
    if not machines:
        raise UsageError(NO_MACHINE)
    twice = [name for name, n in Counter(x.name for x in machines).items() if n > 1]
    if twice:
        raise UsageError(f"two machines are called {twice[0]!r}: leave one out, or give --machine a name: name=...")
    return tuple(x.times(gpus) for x in machines)


NO_MACHINE = (
    "no machine is named: give --on h100-sxm (`symroof machines` lists them), --machine-file FILE"
    " or --machine peak=990e12,bandwidth=3.35e12,memory=80GiB"
)


def machines_of_vendor(vendor: str = "") -> tuple[Machine, ...]:
    """All built-in machines, or those of a vendor, whose name may be in any case. Raises UnknownName."""
    vendors = {x.vendor.lower(): x.vendor for x in built_in_machines().values()}
    if vendor and vendor.lower() not in vendors:
        raise UnknownName("vendor", vendor, vendors.values())
    return tuple(x for x in built_in_machines().values() if vendor.lower() in ("", x.vendor.lower()))
