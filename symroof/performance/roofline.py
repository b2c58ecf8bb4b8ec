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
                         peaks, a matmul at the fastest rate that the format of an operand permits, elementwise work
                         and activations free; bound: which of the two; estimate: whether time_s is below the peaks
    crossovers           (on one machine) name, "told" (the condition), symbol, value (null for never), left and right
                         (closed forms that meet there)
    warnings             those of the report

Several machines are {schema: symroof.rooflines/1, rooflines: [...], refused: [{machine, error}]}.

Figures are those of the whole batch and all machines together; several machines share every operator evenly, at no
cost (ideal tensor parallelism).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from symroof.cost import rule_names
from symroof.cost.operator_time import Seconds, operator_seconds
from symroof.hardware.platform import Place, Platform, as_platform
from symroof.model.keywords import STEP, check_keywords
from symroof.model.model import Model, Source, as_model, rules_with_logits
from symroof.model.report import Report, Row, by_path, json_number
from symroof.performance import capacity
from symroof.results import ExactFloat, Result, header

SCHEMA = "symroof.roofline/1"


@dataclass(frozen=True)
class TimedOperator:
    """One operator on a machine: its row of the report, the formats of its matmuls, and its seconds in one layer.

    `ideal` are the seconds of the lower bound: at the machine's peaks, matmuls at the fastest rate that one of their
    operands permits.
    """

    row: Row
    formats: Mapping[str, Fraction]
    seconds: Seconds
    ideal: Seconds

    @property
    def time(self) -> ExactFloat:
        """Seconds in all layers."""
        return ExactFloat(self.seconds.time * self.row.layers)

    @property
    def bound(self) -> str:
        """What takes longest: compute, memory, or its launch."""
        compute, memory = self.seconds.compute, self.seconds.memory
        if self.seconds.time > 2 * max(compute, memory):
            return "launch"
        return "compute" if compute > memory else "memory"

    @property
    def ridge(self) -> Any:
        """FLOP per byte at which it turns compute-bound; None where it computes or moves nothing."""
        seconds, intensity = self.seconds, self.row.cost.intensity
        return intensity * seconds.memory / seconds.compute if seconds.compute and intensity else None

    def to_dict(self, total: ExactFloat) -> dict[str, Any]:
        """The schema's row."""
        row, seconds, n = self.row, self.seconds, self.row.layers
        return {
            "path": row.path,
            "role": row.role,
            "layers": n,
            "formats": {name: float(share) for name, share in self.formats.items()},
            "flops": json_number(row.cost.flops),
            "bytes": json_number(row.cost.moved),
            "intensity": json_number(row.cost.intensity),
            "ridge": json_number(self.ridge),
            "matmul_s": float(seconds.matmul * n),
            "vector_s": float(seconds.vector * n),
            "memory_s": float(seconds.memory * n),
            "time_s": float(self.time),
            "share": float(self.time.exact / total.exact) if total else 0.0,
            "bound": self.bound,
        }


@dataclass(frozen=True, repr=False)
class Roofline(Result):
    """A step of a model on a platform: rows in dataflow order; `fused`: seconds with elementwise operators fused."""

    report: Report
    platform: Platform
    rows: tuple[TimedOperator, ...]
    fused: ExactFloat

    def __getitem__(self, path: str) -> TimedOperator:
        """The row of an operator, by its path: `roofline["mlp/down"]`. Raises UnknownName."""
        return by_path(self.rows, lambda x: x.row.path, path)

    @property
    def time(self) -> ExactFloat:
        """Seconds of one operator after another."""
        return _serial_time(self.rows)

    @property
    def units(self) -> dict[str, ExactFloat]:
        """Seconds that matmuls and memory take at least: memory moves weights and cache, no activations, and a matmul
        runs in the fastest format that one of its operands permits.

        Elementwise operations are left out: packed formats run them at a multiple of the rate that is published.
        """
        machine = self.platform.machine
        moved = sum(x.row.all.weights_and_cache.moved for x in self.rows)
        return {
            "compute": ExactFloat(sum(x.ideal.matmul * x.row.layers for x in self.rows)),
            "memory": ExactFloat(moved / Fraction(machine.bandwidth)),
        }

    @property
    def fastest_formats(self) -> set[str]:
        """The formats that matmuls run in for the lower bound."""
        widths = (x.row.operands for x in self.rows if x.row.cost.matmul)
        return {name for x in widths for name in self.platform.fastest_formats(x, self.report.precision)}

    @property
    def lower(self) -> ExactFloat:
        """Seconds that no schedule can undercut: those of the unit that is busy longest."""
        return self.units[self.bound]

    @property
    def bound(self) -> str:
        """The unit that is busy longest."""
        units = self.units
        return max(units, key=lambda name: units[name].exact)

    @property
    def ranked(self) -> "Roofline":
        """The same with the operators that take longest first."""
        return replace(self, rows=tuple(sorted(self.rows, key=lambda x: -x.time.exact)))

    @property
    def need(self) -> capacity.MemoryNeed:
        """Bytes that the step needs."""
        return capacity.memory_need(self.report)

    @property
    def fits(self) -> bool:
        """Whether the step fits the machine's memory."""
        return self.need.fits(self.platform.machine)

    def to_dict(self) -> dict[str, Any]:
        """The roofline in the schema that this module documents."""
        report = {key: x for key, x in self.report.to_dict().items() if key != "rows"}
        total, machine = self.time, self.platform.machine
        return {
            **header(SCHEMA),
            "report": report,
            "machine": machine.to_dict(),
            "setting": self.platform.to_dict(),
            "memory": {**self.need.to_dict(), "available": json_number(machine.memory), "fits": self.fits},
            "rows": [row.to_dict(total) for row in self.rows],
            "totals": self._totals,
            "warnings": list(self.report.warnings),
        }

    @property
    def _totals(self) -> dict[str, Any]:
        return {
            "time_s": float(self.time),
            "fused_s": float(self.fused),
            "lower_bound_s": float(self.lower),
            "bound": self.bound,
            "estimate": not self.platform.ideal,
        }

    def __repr__(self) -> str:
        times = f"{float(self.time):.4g} s, at least {float(self.lower):.4g} s ({self.bound})"
        return f"<symroof roofline of {self.report.model} on {self.platform.machine.label}: {times}>"


def roofline(
    model: Model | Source,
    on: Place,
    rules: Any = "standard",
    logits: str | None = None,
    anyway: bool = False,
    **step: Any,
) -> Roofline:
    """The time of one step on a machine, a machine's name or a platform; `step` is what `Model.report` takes.

    Raises DoesNotFit where weights, cache and activations are more than the machine's memory, unless `anyway`.
    """
    check_keywords(roofline, step, *STEP)
    model = as_model(model)
    names, platform = rules_with_logits(rules, logits), as_platform(on)
    report = model.report(rules=names, **step)
    if not anyway:
        capacity.check_fits(model, platform.machine, [{**step, "rules": names}])
    rows = timed_operators(report, platform)
    fused = fused_rules(names)
    fused_rows = rows if fused == names else timed_operators(model.report(rules=fused, **step), platform)
    return Roofline(report, platform, rows, _serial_time(fused_rows))


def timed_operators(report: Report, platform: Platform) -> tuple[TimedOperator, ...]:
    """All rows of a report on a platform."""
    return tuple(timed_operator(row, report, platform) for row in report.rows)


def _serial_time(rows: Iterable[TimedOperator]) -> ExactFloat:
    return ExactFloat(sum(row.time.exact for row in rows))


def fused_rules(names: tuple[str, ...]) -> tuple[str, ...]:
    """The rules with elementwise operators fused; unchanged for those of other tools."""
    if rule_names.RULEBOOK[names[0]].tool or "fused" in names:
        return names
    return (*names, "fused")


def timed_operator(row: Row, report: Report, platform: Platform) -> TimedOperator:
    """A row of a report on a platform."""
    rates = platform.rates(row.role, row.cost.matmul, row.width, report.precision)
    seconds = operator_seconds(row.cost, rates)
    bounding = platform.bounding_rates(row.cost.matmul, row.operands, report.precision)
    ideal = seconds if bounding == rates else operator_seconds(row.cost, bounding)
    formats = platform.formats(row.width, report.precision) if row.cost.matmul else {}
    return TimedOperator(row, formats, seconds, ideal)
