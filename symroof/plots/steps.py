"""What a picture of rooflines shows, as numbers: the points of steps and the ceilings of machines.

A decode step is shown with the prefill of its context, a prefill with the decode step after it.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from symroof.cost.batch import Query
from symroof.hardware.machines import Machine
from symroof.hardware.platform import Platform
from symroof.performance.capacity import DoesNotFit
from symroof.performance.roofline import Roofline

SHOWN = ("bf16", "fp8", "fp4")  # formats whose ceilings are shown though nothing multiplies in them
LEAST = 1e-4  # part of a step's time below which an operator has no point
WRAP, LONG, WIDE = 26, 70, 40  # characters of a label's line; of a label that has wide ones; of those
NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Point:
    """An operator in all its layers, or a step's total: FLOP per byte, FLOP/s, and its share of the step's time."""

    path: str
    intensity: float
    rate: float
    share: float


@dataclass(frozen=True)
class Step:
    """A step: decode, prefill or of both kinds; its queries; its operators, those that take longest first."""

    kind: str
    queries: str
    points: tuple[Point, ...]
    total: Point


@dataclass(frozen=True)
class Ceiling:
    """The FLOP/s of a unit, and what it is to the steps: used, unused or elementwise."""

    name: str
    rate: float
    kind: str


@dataclass(frozen=True)
class Panel:
    """A machine: its bytes a second, its ceilings from the lowest to the highest, and steps on it."""

    machine: Machine
    ceilings: tuple[Ceiling, ...]
    steps: tuple[Step, ...]

    @property
    def bandwidth(self) -> float:
        """Bytes a second."""
        return float(self.machine.bandwidth)

    @property
    def points(self) -> tuple[Point, ...]:
        """All points, totals too."""
        return tuple(point for step in self.steps for point in (*step.points, step.total))


def panels(found: Sequence[Sequence[Roofline]]) -> tuple[Panel, ...]:
    """A panel for the rooflines of each machine; all have points for the same operators."""
    left_out = missing(x for of_machine in found for x in of_machine)
    return tuple(Panel(x[0].platform.machine, ceilings(x), tuple(step(one, left_out) for one in x)) for x in found if x)


def kind(batch: Iterable[Query]) -> str:
    """What a step is: decode where each query adds one token, prefill where each adds several, else of both kinds."""
    single = {query.new == 1 for query in batch}
    return "mixed" if len(single) > 1 else "decode" if single == {True} else "prefill"


def counterpart(new: Sequence[int], cached: Sequence[int]) -> dict[str, Any] | None:
    """The prefill of what decode steps have in the cache after them, or the decode step after a prefill.

    None where queries of both kinds are mixed, or the step is its own counterpart.
    """
    length = max(len(new), len(cached))
    news, held = ([*x] * (length if len(x) == 1 else 1) for x in (new, cached))
    ends = [n + c for n, c in zip(news, held, strict=True)]
    if all(n == 1 for n in news):
        return {"new": ends, "cached": [0]} if any(held) else None
    return {"new": [1], "cached": ends} if all(n > 1 for n in news) else None


def with_counterpart(
    found: Roofline, asked: Mapping[str, Any], at: Callable[[Platform, Mapping[str, Any]], Roofline]
) -> tuple[Roofline, ...]:
    """A step's roofline and its counterpart's; that of the longest query alone where all do not fit.

    None but the step's where that does not fit either, or there is no counterpart. `at` gives a step's roofline.
    """
    other = counterpart(asked["new"], asked["cached"])
    if other is None:
        return (found,)
    alone = {"new": [max(other["new"])], "cached": [max(other["cached"])], "batch_size": 1}
    for further in ({**asked, **other}, {**asked, **alone}):
        try:
            return found, at(found.platform, further)
        except DoesNotFit:
            continue
    return (found,)


def missing(steps: Iterable[Roofline]) -> dict[str, str]:
    """The operators that have no point, and why: they compute or move nothing, or take no time to speak of."""
    rows: dict[str, list[tuple[Any, Any]]] = {}
    for found in steps:
        for row in found.rows:
            rows.setdefault(row.row.path, []).append((row.row.cost, row.time / found.time))
    reasons: tuple[tuple[str, Callable[[list[tuple[Any, Any]]], bool]], ...] = (
        ("no FLOP", lambda of_path: not all(cost.flops for cost, _ in of_path)),
        ("no byte", lambda of_path: not all(cost.moved for cost, _ in of_path)),
        (f"under {100 * LEAST:g} % of the time", lambda of_path: max(share for _, share in of_path) < LEAST),
    )
    told = {path: [why for why, holds in reasons if holds(of_path)] for path, of_path in rows.items()}
    return {path: why[0] for path, why in told.items() if why}


def step(found: Roofline, left_out: Container[str]) -> Step:
    """The points of a step's roofline but those of the operators left out."""
    batch, cost = found.report.batch, found.report.total
    queries = [f"{q.count:,} × ({q.new:,} new, {q.cached:,} cached)" for q in batch[:2]]
    points = tuple(
        Point(
            row.row.path,
            float(row.row.cost.intensity),
            float(row.row.all.flops / row.time),
            float(row.time / found.time),
        )
        for row in found.ranked.rows
        if row.row.path not in left_out
    )
    total = Point("total", float(cost.intensity), float(cost.flops / found.time), 1.0)
    return Step(kind(batch), ", ".join(queries) + ", ..." * (len(batch) > 2), points, total)


def ceilings(found: Sequence[Roofline]) -> tuple[Ceiling, ...]:
    """The machine's ceilings, lowest first: of formats that steps multiply in, of others, and of elementwise work."""
    machine = found[0].platform.machine
    used = sorted({name for x in found for row in x.rows for name in row.formats})
    unused = [name for name in SHOWN if name in machine.peaks and name not in used]
    names: dict[tuple[float, str], list[str]] = {}
    for name in (*used, *unused):
        names.setdefault((float(machine.peak(name)), "used" if name in used else "unused"), []).append(name)
    every = [Ceiling(", ".join(formats), rate, kind) for (rate, kind), formats in names.items()]
    if machine.vector:
        every.append(Ceiling("elementwise", float(machine.vector), "elementwise"))
    return tuple(sorted(every, key=lambda x: x.rate))


def named(paths: Sequence[str], every: Iterable[str]) -> list[str]:
    """Names of operators that fall together: `qkv`, `norm ×2`; with the block where another has the same name."""
    alike: dict[str, list[str]] = {}
    for path in every:
        alike.setdefault(path.partition("/")[2], []).append(path)
    found: dict[str, None] = {}
    for path in paths:
        same = alike[op := path.partition("/")[2]]
        short = op if len(same) == 1 else f"{op}{NO_BREAK}×{len(same)}"
        found[short if set(same) <= set(paths) else path] = None
    return list(found)


def label(paths: Mapping[str, Sequence[str]], every: Sequence[str]) -> str:
    """A label for points that fall together: what is there in all kinds of steps, then in each."""
    names = {kind: named(of_kind, every) for kind, of_kind in paths.items()}
    shared = [x for x in next(iter(names.values())) if all(x in of_kind for of_kind in names.values())]
    groups = {"both": shared, **{kind: [x for x in of_kind if x not in shared] for kind, of_kind in names.items()}}
    told = {kind: ", ".join(of_kind) for kind, of_kind in groups.items() if of_kind}
    texts = [f"{kind}: {text}" for kind, text in told.items()] if len(told) > 1 else [*told.values()]
    width = WRAP if max(map(len, texts)) <= LONG else WIDE
    return "\n".join(fill(x, width, break_long_words=False, break_on_hyphens=False) for x in texts)
