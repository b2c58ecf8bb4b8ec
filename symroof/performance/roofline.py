"""How long a step takes on a machine, operator by operator, and what bounds it.

`to_dict` and `roofline --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    report               the step's report, as `symroof report --json` has it, without its rows
    machine              as `symroof machines --json` has it, and count
    setting              compute (format of all matmuls, or null for the wider of their operands'), overhead_s,
                         reach: mfu and mbu by class of operators, where they are below the peaks
    memory               weights, cache, activations, needed, available: bytes; fits
    rows                 path, role, layers, formats {format: share}; of one layer flops, bytes, intensity, ridge
                         (FLOP per byte at which it turns compute-bound); of all layers matmul_s, vector_s, memory_s,
                         time_s, share of the total; bound: compute, memory or launch
    totals               time_s: one operator after another; fused_s: the same with elementwise operators fused into
                         their neighbours, and launched with them; lower_bound_s: matmuls and memory at once, at the
                         peaks, elementwise work and activations free; bound: which of the two; estimate: whether
                         time_s is short of the peaks
    crossovers           (on one machine) name, told, symbol, value (null for never), left and right (closed forms
                         that meet there)

Several machines are {schema: symroof.rooflines/1, rooflines: [...], refused: [{machine, error}]}.

Figures are of the whole batch and all machines together; several are taken to share every operator evenly and
for nothing (ideal tensor parallelism).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symroof.cost import rule_names
from symroof.cost.timing import Seconds, seconds
from symroof.hardware.platform import Place, Platform, placed
from symroof.model.model import Model, chosen
from symroof.model.report import Report, Row, by_path, plain
from symroof.performance import capacity
from symroof.version import __version__

SCHEMA = "symroof.roofline/1"


@dataclass(frozen=True)
class Timed:
    """One operator on a machine: its row of the report, the formats it multiplies in, and seconds in one layer.

    `ideal` are its seconds at the machine's peaks.
    """

    row: Row
    formats: Mapping[str, Fraction]
    seconds: Seconds
    ideal: Seconds

    @property
    def time(self) -> Any:
        """Seconds in all its layers."""
        return self.seconds.time * self.row.layers

    @property
    def bound(self) -> str:
        """What takes longest: compute, memory, or its launch."""
        took = self.seconds
        if took.time > 2 * max(took.compute, took.memory):
            return "launch"
        return "compute" if took.compute > took.memory else "memory"

    @property
    def ridge(self) -> Any:
        """FLOP per byte at which it turns compute-bound; None where it computes or moves nothing."""
        took, intensity = self.seconds, self.row.cost.intensity
        return intensity * took.memory / took.compute if took.compute and intensity else None

    def to_dict(self, total: Any) -> dict[str, Any]:
        """The schema's row."""
        row, took, n = self.row, self.seconds, self.row.layers
        return {
            "path": row.path,
            "role": row.role,
            "layers": n,
            "formats": {name: float(share) for name, share in self.formats.items()},
            "flops": plain(row.cost.flops),
            "bytes": plain(row.cost.moved),
            "intensity": plain(row.cost.intensity),
            "ridge": plain(self.ridge),
            "matmul_s": float(took.matmul * n),
            "vector_s": float(took.vector * n),
            "memory_s": float(took.memory * n),
            "time_s": float(self.time),
            "share": float(self.time / total) if total else 0.0,
            "bound": self.bound,
        }


@dataclass(frozen=True, repr=False)
class Roofline:
    """A step of a model on a platform: rows in dataflow order, and `fused` seconds where elementwise operators are."""

    report: Report
    platform: Platform
    rows: tuple[Timed, ...]
    fused: Any

    def __getitem__(self, path: str) -> Timed:
        """The row of an operator, by its path: `roofline["mlp/down"]`. Raises UnknownName."""
        return by_path(self.rows, lambda x: x.row.path, path)

    @property
    def time(self) -> Any:
        """Seconds of one operator after another."""
        return sum(row.time for row in self.rows)

    @property
    def units(self) -> dict[str, Any]:
        """Seconds at the peaks that matmuls and memory take at least: memory moves weights and cache, no activations.

        Elementwise operations are left out: packed formats run them at a multiple of the rate that is published.
        """
        machine = self.platform.machine
        kept = (x.row.all for x in self.rows)
        moved = sum(x.weight_read + x.cache_read + x.cache_write for x in kept)
        return {
            "compute": sum(x.ideal.matmul * x.row.layers for x in self.rows),
            "memory": moved / Fraction(machine.bandwidth),
        }

    @property
    def lower(self) -> Any:
        """Seconds that no schedule can undercut: of the unit that is busy longest."""
        return max(self.units.values())

    @property
    def bound(self) -> str:
        """The unit that is busy longest."""
        units = self.units
        return max(units, key=lambda name: units[name])

    @property
    def ranked(self) -> "Roofline":
        """The same, the operators that take longest first."""
        return replace(self, rows=tuple(sorted(self.rows, key=lambda x: -x.time)))

    @property
    def need(self) -> capacity.Need:
        """Bytes that the step keeps."""
        return capacity.need(self.report)

    @property
    def fits(self) -> bool:
        """Whether that is no more than the memory there is."""
        return bool(self.need.total <= self.platform.machine.memory)

    def to_dict(self) -> dict[str, Any]:
        """The roofline in the schema that this module documents."""
        report = {key: x for key, x in self.report.to_dict().items() if key != "rows"}
        total, machine = self.time, self.platform.machine
        return {
            "schema": SCHEMA,
            "symroof": __version__,
            "report": report,
            "machine": machine.to_dict(),
            "setting": self.platform.to_dict(),
            "memory": {**self.need.to_dict(), "available": plain(machine.memory), "fits": self.fits},
            "rows": [row.to_dict(total) for row in self.rows],
            "totals": {
                "time_s": float(total),
                "fused_s": float(self.fused),
                "lower_bound_s": float(self.lower),
                "bound": self.bound,
                "estimate": not self.platform.ideal,
            },
        }

    def __repr__(self) -> str:
        told = f"{float(self.time):.4g} s, at least {float(self.lower):.4g} s ({self.bound})"
        return f"<symroof roofline of {self.report.model} on {self.platform.machine.label}: {told}>"

    def __str__(self) -> str:
        from symroof.render.results.roofline import render

        return render(self)


def roofline(
    model: Model, on: Place, rules: Any = "standard", logits: str | None = None, anyway: bool = False, **step: Any
) -> Roofline:
    """The time of one step on a machine, by name or as it is, or a platform; `step` is what `Model.report` takes.

    Raises DoesNotFit where weights, cache and activations are more than the machine's memory, unless `anyway`.
    """
    names, platform = chosen(rules, logits), placed(on)
    report = model.report(rules=names, **step)
    if not anyway:
        capacity.check(model, platform.machine, [{**step, "rules": names}])
    rows = tuple(timed(row, report, platform) for row in report.rows)
    fused = fusing(names)
    if fused == names:
        return Roofline(report, platform, rows, sum(x.time for x in rows))
    other = model.report(rules=fused, **step)
    return Roofline(report, platform, rows, sum(timed(row, other, platform).time for row in other.rows))


def fusing(names: tuple[str, ...]) -> tuple[str, ...]:
    """The rules with elementwise operators fused; as they are, for sets that are kept as they are."""
    if rule_names.RULEBOOK[names[0]].tool or "fused" in names:
        return names
    return (*names, "fused")


def timed(row: Row, report: Report, platform: Platform) -> Timed:
    """A row of a report on a platform."""
    rates = platform.rates(row.role, row.cost.matmul, row.width, report.precision)
    took = seconds(row.cost, rates)
    ideal = took if platform.ideal else seconds(row.cost, {**rates, "u_F": 1, "u_W": 1, "t_0": 0})
    formats = platform.formats(row.width, report.precision) if row.cost.matmul else {}
    return Timed(row, formats, took, ideal)
