"""What a picture of rooflines shows, as numbers: the points of steps and the ceilings of machines.

A decode step is shown with the prefill of its context, a prefill with the decode step after it.
"""

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from textwrap import fill
from typing import Any

from symroof.cost.batch import Query
from symroof.cost.cost import Cost
from symroof.hardware.machines import Machine
from symroof.hardware.platform import Platform
from symroof.performance.capacity import DoesNotFit
from symroof.performance.roofline import Roofline, TimedOperator

SHOWN = ("bf16", "fp8", "fp4")  # formats whose ceilings are always shown
LEAST = 1e-4  # fraction of a step's time below which an operator has no point
WRAP, LONG, WIDE = 26, 70, 40  # characters in a line of a label; in a long label; in a line of a long label
NO_BREAK = "\N{NO-BREAK SPACE}"
# Reason -> whether it leaves an operator out, by its cost and its share of the time in each step.
REASONS: dict[str, Callable[[list[tuple[Cost, Any]]], bool]] = {
    "no FLOP": lambda rows: not all(cost.flops for cost, _ in rows),
    "no byte": lambda rows: not all(cost.moved for cost, _ in rows),
    f"under {100 * LEAST:g} % of the time": lambda rows: max(share for _, share in rows) < LEAST,
}


@dataclass(frozen=True)
class OperatorPoint:
    """An operator in all its layers, or a step's total: FLOP per byte, FLOP/s, and its share of the step's time."""

    path: str
    intensity: float
    rate: float
    share: float


@dataclass(frozen=True)
class PlottedStep:
    """A step: decode, prefill or mixed; its queries; its operators, those that take longest first; their total."""

    kind: str
    queries: str
    points: tuple[OperatorPoint, ...]
    total: OperatorPoint


@dataclass(frozen=True)
class Ceiling:
    """The FLOP/s of a unit, and its kind: used or unused by the steps' matmuls, or elementwise."""

    name: str
    rate: float
    kind: str


@dataclass(frozen=True)
class Panel:
    """A machine, its ceilings from the lowest to the highest, and steps on it."""

    machine: Machine
    ceilings: tuple[Ceiling, ...]
    steps: tuple[PlottedStep, ...]

    @property
    def bandwidth(self) -> float:
        """Bytes per second of memory."""
        return float(self.machine.bandwidth)

    @property
    def points(self) -> tuple[OperatorPoint, ...]:
        """All points, totals too."""
        return tuple(point for step in self.steps for point in (*step.points, step.total))


def panels(rooflines: Sequence[Sequence[Roofline]]) -> tuple[Panel, ...]:
    """A panel for the rooflines of each machine; all have points for the same operators."""
    left_out = operators_without_point(chain.from_iterable(rooflines))
    return tuple(machine_panel(x, left_out) for x in rooflines if x)


def machine_panel(rooflines: Sequence[Roofline], left_out: Container[str]) -> Panel:
    """The ceilings of a machine and its steps, without the operators left out."""
    steps = tuple(plotted_step(x, left_out) for x in rooflines)
    return Panel(rooflines[0].platform.machine, machine_ceilings(rooflines), steps)


def step_kind(batch: Iterable[Query]) -> str:
    """Decode where each query adds one token, prefill where each adds several, else mixed."""
    single = {query.new == 1 for query in batch}
    return "mixed" if len(single) > 1 else "decode" if single == {True} else "prefill"


def counterpart(new: Sequence[int], cached: Sequence[int]) -> dict[str, Any] | None:
    """The prefill of all tokens that are cached after decode steps, or the decode step after a prefill.

    None for a mixed step, and for a decode step with nothing cached before it.
    """
    length = max(len(new), len(cached))
    news, before = ([*x] * (length if len(x) == 1 else 1) for x in (new, cached))
    ends = [n + c for n, c in zip(news, before, strict=True)]
    if all(n == 1 for n in news):
        return {"new": ends, "cached": [0]} if any(before) else None
    return {"new": [1], "cached": ends} if all(n > 1 for n in news) else None


def with_counterpart(
    roofline: Roofline, step: Mapping[str, Any], at: Callable[[Platform, Mapping[str, Any]], Roofline]
) -> tuple[Roofline, ...]:
    """A step's roofline, and that of a counterpart where one fits the memory; `at` gives the roofline of a step."""
    for changes in counterparts(step):
        try:
            return roofline, at(roofline.platform, {**step, **changes})
        except DoesNotFit:
            continue
    return (roofline,)


def counterparts(step: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs in the counterpart of a step, and in that of its longest query alone; empty where it has none."""
    other = counterpart(step["new"], step["cached"])
    return [other, {"new": [max(other["new"])], "cached": [max(other["cached"])], "batch_size": 1}] if other else []


def operators_without_point(steps: Iterable[Roofline]) -> dict[str, str]:
    """The operators without a point, and why: they compute or move nothing, or take hardly any time."""
    rows: dict[str, list[tuple[Cost, Any]]] = {}
    for step in steps:
        for row in step.rows:
            rows.setdefault(row.row.path, []).append((row.row.cost, row.time / step.time))
    reasons = {path: [why for why, applies in REASONS.items() if applies(x)] for path, x in rows.items()}
    return {path: why[0] for path, why in reasons.items() if why}


def plotted_step(roofline: Roofline, left_out: Container[str]) -> PlottedStep:
    """The points of a step's roofline, without the operators left out."""
    batch, cost, time = roofline.report.batch, roofline.report.total, roofline.time
    points = tuple(operator_point(x, time) for x in roofline.ranked.rows if x.row.path not in left_out)
    total = OperatorPoint("total", float(cost.intensity), float(cost.flops / time), 1.0)
    return PlottedStep(step_kind(batch), queries_text(batch), points, total)


def operator_point(x: TimedOperator, time: Any) -> OperatorPoint:
    """The point of an operator in a step that takes so long."""
    return OperatorPoint(x.row.path, float(x.row.cost.intensity), float(x.row.all.flops / x.time), float(x.time / time))


def queries_text(batch: Sequence[Query]) -> str:
    """The first two groups of queries: `64 × (1 new, 8,192 cached), ...`."""
    groups = [f"{x.count:,} × ({x.new:,} new, {x.cached:,} cached)" for x in batch[:2]]
    return ", ".join(groups) + ", ..." * (len(batch) > 2)


def machine_ceilings(rooflines: Sequence[Roofline]) -> tuple[Ceiling, ...]:
    """The machine's ceilings, lowest first: of formats that steps multiply in, of others, and of elementwise work."""
    machine = rooflines[0].platform.machine
    used = sorted({name for x in rooflines for row in x.rows for name in row.formats})
    unused = [name for name in SHOWN if name in machine.peaks and name not in used]
    names: dict[tuple[float, str], list[str]] = {}
    for name in (*used, *unused):
        names.setdefault((float(machine.peak(name)), "used" if name in used else "unused"), []).append(name)
    ceilings = [Ceiling(", ".join(formats), rate, kind) for (rate, kind), formats in names.items()]
    if machine.vector:
        ceilings.append(Ceiling("elementwise", float(machine.vector), "elementwise"))
    return tuple(sorted(ceilings, key=lambda x: x.rate))


def short_names(paths: Sequence[str], every: Iterable[str]) -> list[str]:
    """Names of operators that fall together: `qkv`, `norm ×2`; with the block where another has the same name."""
    alike: dict[str, list[str]] = {}
    for path in every:
        alike.setdefault(path.partition("/")[2], []).append(path)
    return list(dict.fromkeys(short_name(x, alike[x.partition("/")[2]], paths) for x in paths))


def short_name(path: str, alike: Sequence[str], paths: Collection[str]) -> str:
    """The name of an operator without its block, where all of the same name are among the paths; else its path."""
    if not set(alike) <= set(paths):
        return path
    name = path.partition("/")[2]
    return name if len(alike) == 1 else f"{name}{NO_BREAK}×{len(alike)}"


def operators_label(paths: Mapping[str, Sequence[str]], every: Sequence[str]) -> str:
    """The label of points that fall together: operators in all kinds of steps, then in each."""
    names = {kind: short_names(of_kind, every) for kind, of_kind in paths.items()}
    shared = [x for x in next(iter(names.values())) if all(x in of_kind for of_kind in names.values())]
    groups = {"both": shared, **{kind: [x for x in of_kind if x not in shared] for kind, of_kind in names.items()}}
    listed = {kind: ", ".join(of_kind) for kind, of_kind in groups.items() if of_kind}
    texts = [f"{kind}: {text}" for kind, text in listed.items()] if len(listed) > 1 else [*listed.values()]
    width = WRAP if max(map(len, texts)) <= LONG else WIDE
    return "\n".join(fill(x, width, break_long_words=False, break_on_hyphens=False) for x in texts)
