"""What a step runs on: machines, the format of matmuls, and the fractions of peak achieved; plain data, no sympy."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from symroof.dtypes import format_name
from symroof.errors import ConfigError, UsageError, shorten
from symroof.hardware import toml_tables
from symroof.hardware.machines import Machine
from symroof.hardware.machines import machine as machine_by_name
from symroof.hardware.toml_tables import TomlTable
from symroof.quantization.precision import Precision
from symroof.results import Result

# Classes of operators that may achieve different fractions of a machine's peaks.
CLASSES = {
    "matmul": "projections, dense and shared feed-forward networks, routers, the head",
    "experts": "routed experts",
    "attention": "scores and values, indexers",
    "recurrence": "scans of recurrent states",
    "elementwise": "norms, activations, rotations, residuals, lookups",
}
CORES = {
    "attention_core": "attention",
    "indexer_core": "attention",
    "recurrence_core": "recurrence",
    "routed_experts": "experts",
}


def operator_class(role: str, matmul: Any) -> str:
    """The class of an operator, by its role and whether it has matmul FLOP."""
    return CORES.get(role, "matmul") if matmul else "elementwise"


@dataclass(frozen=True)
class Reach:
    """The fractions of peak FLOP/s (mfu) and of peak bandwidth (mbu) achieved, each from LEAST to 1."""

    mfu: Fraction = Fraction(1)
    mbu: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        for name in ("mfu", "mbu"):
            peak_fraction(name, getattr(self, name))


LEAST = 1e-6


def peak_fraction(name: str, value: Any) -> Fraction:
    """A fraction of a peak as an exact number. Raises UsageError unless it is from LEAST to 1."""
    fraction = exact_within(value, LEAST, 1)
    if fraction is None:
        raise UsageError(f"{name} {shorten(value)}: give a fraction of the peak, from {LEAST} to 1, such as 0.7")
    return fraction


def exact_within(value: Any, least: float, most: float) -> Fraction | None:
    """A number as an exact fraction; None if it is not a number from `least` to `most`."""
    number = isinstance(value, int | float | Fraction | Decimal) and not isinstance(value, bool) and value == value
    return Fraction(str(value)) if number and least <= value <= most else None


@dataclass(frozen=True, repr=False)
class Platform(Result):
    """A machine or several, and how they are used.

    `compute`: the format all matmuls run in; empty for the wider format of each matmul's operands. `reach`: fractions
    of peak by class of operators, 1 for classes left out. `overhead`: launch time of an operator, in seconds. `joules`:
    per FLOP and per byte if known; otherwise energy is full power while a unit is busy: no bound, since it is also used
    while none is.
    """

    machine: Machine
    compute: str = ""
    reach: Mapping[str, Reach] = field(default_factory=dict)
    overhead: Fraction = Fraction(0)
    joules: tuple[Fraction, Fraction] | None = None

    def __repr__(self) -> str:
        return f"<symroof platform {self.label}: {'at the peaks' if self.ideal else 'an estimate'}>"

    @property
    def label(self) -> str:
        """The machine's name, with the number of machines if there are several."""
        return self.machine.label

    @property
    def ideal(self) -> bool:
        """Whether times are at the peaks: bounds, not estimates."""
        return not self.overhead and all(x == Reach() for x in self.reach.values())

    def to_dict(self) -> dict[str, Any]:
        """How the machine is used, as JSON data."""
        reach = {name: {"mfu": float(x.mfu), "mbu": float(x.mbu)} for name, x in self.reach.items() if x != Reach()}
        return {"compute": self.compute or None, "overhead_s": float(self.overhead), "reach": reach}

    def formats(self, width: str, precision: Precision) -> dict[str, Fraction]:
        """The formats that matmuls of an operator with weights of a width run in, and the share of each."""
        return {format_name(self.compute): Fraction(1)} if self.compute else precision.product_formats(width)

    def fastest_formats(self, operands: Iterable[str], precision: Precision) -> dict[str, Fraction]:
        """The fastest formats that matmuls of activations with elements of these widths may run in, and their shares.

        `compute` where it is given.
        """
        if self.compute:
            return {format_name(self.compute): Fraction(1)}
        shares: dict[str, Fraction] = {}
        for names, share in precision.operand_formats(operands):
            fastest = self.machine.fastest(names)
            shares[fastest] = shares.get(fastest, Fraction(0)) + share
        return shares

    def peak(self, shares: Mapping[str, Fraction]) -> Any:
        """FLOP/s over a mix of formats. Raises UsageError for a format that the machine has no rate for."""
        seconds = sum(share / Fraction(self.machine.peak(name)) for name, share in shares.items())
        return 1 / Fraction(seconds)

    def energies(self, rates: Mapping[str, Any]) -> dict[str, Any]:
        """The symbols of an operator's energy, by name; empty where neither joules nor power are known."""
        if self.joules:
            flop, byte = self.joules
            return {"e_F": flop, "e_v": flop, "e_W": byte}
        if self.machine.power is None:
            return {}
        power = Fraction(self.machine.power)
        each = {"e_F": ("F", "u_F"), "e_v": ("F_v", "u_F"), "e_W": ("W", "u_W")}
        return {name: power / (rates[peak] * rates[part]) for name, (peak, part) in each.items()}

    def rates(self, role: str, matmul: Any, width: str, precision: Precision) -> dict[str, Any]:
        """The symbols of an operator's time, by name. Without a published vector rate, vector FLOP take no time."""
        machine = self.machine
        reach = self.reach.get(operator_class(role, matmul), Reach())
        peak = self.peak(self.formats(width, precision)) if matmul else 1  # 0 FLOP take no time at any rate
        vector = math.inf if machine.vector is None else Fraction(machine.vector)
        hardware = {"F": peak, "F_v": vector, "W": Fraction(machine.bandwidth)}
        return {**hardware, "u_F": reach.mfu, "u_W": reach.mbu, "t_0": self.overhead}

    def bounding_rates(self, matmul: Any, operands: Iterable[str], precision: Precision) -> dict[str, Any]:
        """The symbols of an operator's least time, by name: peaks, matmuls at the fastest of `fastest_formats`."""
        peak = self.peak(self.fastest_formats(operands, precision)) if matmul else 1
        vector = math.inf if self.machine.vector is None else Fraction(self.machine.vector)
        return {"F": peak, "F_v": vector, "W": Fraction(self.machine.bandwidth), "u_F": 1, "u_W": 1, "t_0": 0}


def platform(
    machine: str | Machine,
    compute: str | None = None,
    mfu: float | None = None,
    mbu: float | None = None,
    overhead: float = 0,
    calibration: str | Path | None = None,
    joules: tuple[float | None, float | None] = (None, None),
) -> Platform:
    """A platform with one mfu and mbu for all operators, or those of a calibration file; overhead in seconds.

    `machine`: a built-in machine's name, or a machine. `joules`: per FLOP and per byte moved, both or neither.

    Raises UsageError for an argument out of range, ConfigError for a file that cannot be read.
    """
    on = machine_by_name(machine) if isinstance(machine, str) else machine
    launch = exact_within(overhead, 0, 1)
    if launch is None:
        raise UsageError(f"overhead {shorten(overhead)}: give seconds, from 0 to 1, such as 5e-6")
    reach = reach_by_class(on.name, mfu, mbu, calibration)
    return Platform(on, format_name(compute) if compute else "", reach, launch, joules_per_unit(joules))


def reach_by_class(name: str, mfu: float | None, mbu: float | None, calibration: str | Path | None) -> dict[str, Reach]:
    """The fractions of peak by class of operators: one mfu and mbu for all, or those of a calibration file."""
    if calibration is None:
        one = Reach(*(peak_fraction(key, 1 if x is None else x) for key, x in (("mfu", mfu), ("mbu", mbu))))
        return dict.fromkeys(CLASSES, one)
    if mfu is not None or mbu is not None:
        raise UsageError("a calibration file has the fractions of peak: give it, or --mfu and --mbu, not both")
    return read_calibration(calibration, name)


def check_energy_known(on: Platform) -> None:
    """Raises UsageError where neither joules nor power are known."""
    if not on.joules and on.machine.power is None:
        raise UsageError(f"no power is published for {on.machine.label}, and its energy is not known")


Place = str | Machine | Platform


def as_platform(on: Place) -> Platform:
    """A platform unchanged; a machine, or a built-in machine's name, as a platform at its peaks."""
    return on if isinstance(on, Platform) else platform(on)


def joules_per_unit(joules: tuple[float | None, float | None]) -> tuple[Fraction, Fraction] | None:
    """Joules per FLOP and per byte as exact numbers; None where neither is given."""
    flop, byte = joules
    if flop is None and byte is None:
        return None
    if flop is None or byte is None:
        raise UsageError("joules per FLOP and per byte go together: give both, or neither")
    if not (0 <= flop < 1 and 0 <= byte < 1):
        raise UsageError(
            f"joules {shorten(flop)} per FLOP, {shorten(byte)} per byte: give numbers such as 0.5e-12 and 30e-12"
        )
    return Fraction(str(flop)), Fraction(str(byte))


def read_calibration(path: str | Path, name: str) -> dict[str, Reach]:
    """The fractions of peak by class of operators, from a TOML file: [h100-sxm.matmul] mfu = 0.7, mbu = 0.85.

    A class that is left out is at the peaks. Raises UsageError where there is no file, ConfigError for its mistakes.
    """
    tables = toml_tables.read_tables(str(path))
    if name not in tables:
        known = ", ".join(map(shorten, tables))
        raise ConfigError(
            f"{shorten(path, 200)}: has no table for {name} (it has: {known}); write [{name}.matmul] with mfu and mbu"
        )
    tables[name].check_keys(CLASSES)
    return {kind: reach_of_class(kind, tables[name]) for kind in CLASSES}


def reach_of_class(kind: str, table: TomlTable) -> Reach:
    """The fractions of peak of one class of operators, from a machine's table."""
    row = table.data.get(kind, {"mfu": 1})
    if not isinstance(row, Mapping) or not row:
        raise table.fail(f"class {kind}: give mfu, mbu or both")
    fractions = TomlTable(row, f"{table.where}, {kind}", ConfigError)
    fractions.check_keys(("mfu", "mbu"))
    try:
        return Reach(**{key: peak_fraction(key, value) for key, value in row.items()})
    except UsageError as error:
        raise fractions.fail(str(error)) from error
