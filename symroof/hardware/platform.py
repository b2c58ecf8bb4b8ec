"""What a step runs on: machines, the format that matmuls run in, and how near to their peaks; plain data, no sympy."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from symroof.dtypes import canonical
from symroof.errors import ConfigError, UsageError, shorten
from symroof.hardware import toml_tables
from symroof.hardware.machines import Machine
from symroof.hardware.machines import machine as named
from symroof.hardware.toml_tables import Table
from symroof.quantization.precision import Precision

# Classes of operators that may reach different parts of a machine's peaks.
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
    """The class of an operator, by its role and whether it multiplies matrices."""
    return CORES.get(role, "matmul") if matmul else "elementwise"


@dataclass(frozen=True)
class Reach:
    """The parts of peak FLOP/s (mfu) and of peak bandwidth (mbu) that are reached, each from LEAST to 1."""

    mfu: Fraction = Fraction(1)
    mbu: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        for name in ("mfu", "mbu"):
            part(name, getattr(self, name))


LEAST = 1e-6


def part(name: str, value: Any) -> Fraction:
    """A part of a peak as an exact number. Raises UsageError unless it is from LEAST to 1."""
    found = within(value, LEAST, 1)
    if found is None:
        raise UsageError(f"{name} {shorten(value)}: give a part of the peak, from {LEAST} to 1, such as 0.7")
    return found


def within(value: Any, least: float, most: float) -> Fraction | None:
    """A number as an exact one; None for what is none, or not from `least` to `most`."""
    number = isinstance(value, int | float | Fraction | Decimal) and not isinstance(value, bool) and value == value
    return Fraction(str(value)) if number and least <= value <= most else None


@dataclass(frozen=True)
class Platform:
    """A machine or several, and how it is used.

    `compute`: the format all matmuls run in; empty for the wider format of what each multiplies. `reach`: by class
    of operators, peaks where a class is left out. `overhead`: seconds that launching an operator takes. `joules`:
    of a FLOP and of a byte, where they are known; else full power for as long as a unit is busy, an upper bound.
    """

    machine: Machine
    compute: str = ""
    reach: Mapping[str, Reach] = field(default_factory=dict)
    overhead: Fraction = Fraction(0)
    joules: tuple[Fraction, Fraction] | None = None

    @property
    def label(self) -> str:
        """The machine's name, and how many where it is more than one."""
        return self.machine.label

    @property
    def ideal(self) -> bool:
        """Whether times are those at the peaks: bounds, and no estimates."""
        return not self.overhead and all(x == Reach() for x in self.reach.values())

    def to_dict(self) -> dict[str, Any]:
        """How the machine is used, as JSON has it."""
        reach = {name: {"mfu": float(x.mfu), "mbu": float(x.mbu)} for name, x in self.reach.items() if x != Reach()}
        return {"compute": self.compute or None, "overhead_s": float(self.overhead), "reach": reach}

    def formats(self, width: str, precision: Precision) -> dict[str, Fraction]:
        """The formats that an operator with weights of that width multiplies in, and the share of each."""
        return {canonical(self.compute): Fraction(1)} if self.compute else precision.multiplied(width)

    def peak(self, shares: Mapping[str, Fraction]) -> Any:
        """FLOP/s over a mix of formats. Raises UsageError for one that the machine has no rate for."""
        seconds = sum(share / Fraction(self.machine.peak(name)) for name, share in shares.items())
        return 1 / Fraction(seconds)

    def energies(self, rates: Mapping[str, Any]) -> dict[str, Any]:
        """The symbols of an operator's energy, by name; nothing where neither joules nor the power are known."""
        if self.joules:
            flop, byte = self.joules
            return {"e_F": flop, "e_v": flop, "e_W": byte}
        if self.machine.power is None:
            return {}
        power = Fraction(self.machine.power)
        each = {"e_F": ("F", "u_F"), "e_v": ("F_v", "u_F"), "e_W": ("W", "u_W")}
        return {name: power / (rates[peak] * rates[part]) for name, (peak, part) in each.items()}

    def rates(self, role: str, matmul: Any, width: str, precision: Precision) -> dict[str, Any]:
        """The symbols of an operator's time, by name. Where no vector rate is published its work takes no time."""
        machine = self.machine
        reach = self.reach.get(operator_class(role, matmul), Reach())
        peak = self.peak(self.formats(width, precision)) if matmul else 1  # no matmul takes no time at any rate
        vector = math.inf if machine.vector is None else Fraction(machine.vector)
        return {
            "F": peak,
            "F_v": vector,
            "W": Fraction(machine.bandwidth),
            "u_F": reach.mfu,
            "u_W": reach.mbu,
            "t_0": self.overhead,
        }


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

    `machine`: as it is, or a built-in one's name. `joules`: of a FLOP and of a byte moved, both or neither.

    Raises UsageError for what cannot be, ConfigError for a file that cannot be read.
    """
    if calibration is not None and (mfu is not None or mbu is not None):
        raise UsageError("a calibration file says what is reached: give it, or --mfu and --mbu, not both")
    launch = within(overhead, 0, 1)
    if launch is None:
        raise UsageError(f"overhead {shorten(overhead)}: give seconds, from 0 to 1, such as 5e-6")
    on = named(machine) if isinstance(machine, str) else machine
    one = Reach(*(part(name, 1 if x is None else x) for name, x in (("mfu", mfu), ("mbu", mbu))))
    reach = calibrated(calibration, on.name) if calibration is not None else dict.fromkeys(CLASSES, one)
    return Platform(on, canonical(compute) if compute else "", reach, launch, energies(joules))


Place = str | Machine | Platform


def placed(on: Place) -> Platform:
    """The platform of a built-in machine's name or of a machine, at its peaks; a platform as it is."""
    return on if isinstance(on, Platform) else platform(on)


def energies(joules: tuple[float | None, float | None]) -> tuple[Fraction, Fraction] | None:
    """Joules of a FLOP and of a byte as exact numbers; None where neither is given."""
    flop, byte = joules
    if flop is None and byte is None:
        return None
    if flop is None or byte is None:
        raise UsageError("joules of a FLOP and of a byte go together: give both, or neither")
    if not (0 <= flop < 1 and 0 <= byte < 1):
        raise UsageError(
            f"joules {shorten(flop)} a FLOP, {shorten(byte)} a byte: give numbers such as 0.5e-12 and 30e-12"
        )
    return Fraction(str(flop)), Fraction(str(byte))


def calibrated(path: str | Path, name: str) -> dict[str, Reach]:
    """What a machine reaches by class of operators, from a TOML file: [h100-sxm.matmul] mfu = 0.7, mbu = 0.85.

    A class that is left out reaches the peaks. Raises UsageError where there is no file, ConfigError for its mistakes.
    """
    found = toml_tables.read(str(path))
    if name not in found:
        known = ", ".join(map(shorten, found))
        raise ConfigError(
            f"{shorten(path, 200)}: has no table for {name} (it has: {known}); write [{name}.matmul] with mfu and mbu"
        )
    table = found[name]
    table.known(CLASSES)
    return {kind: reached(kind, table) for kind in CLASSES}


def reached(kind: str, table: Table) -> Reach:
    """One class's row of a machine's table."""
    row = table.data.get(kind, {"mfu": 1})
    if not isinstance(row, Mapping) or not row:
        raise table.fail(f"class {kind}: give mfu, mbu or both")
    told = Table(row, f"{table.where}, {kind}", ConfigError)
    told.known(("mfu", "mbu"))
    try:
        return Reach(**{key: part(key, value) for key, value in row.items()})
    except UsageError as error:
        raise told.fail(str(error)) from error
