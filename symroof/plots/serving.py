"""A served workload as a picture: throughput against the time per output token over batch sizes, a line a machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from symroof.performance.serving import Serving, serve
from symroof.plots import canvas
from symroof.plots.canvas import Label, Mark
from symroof.plots.labels import Segment, clusters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = (("#000000", "o"), ("#0072B2", "s"), ("#D55E00", "^"), ("#009E73", "D"))  # of machines: colour and marker
LINES: dict[str, dict[str, Any]] = {
    "time": {"linewidth": 1.5},
    "lower": {"linewidth": 1.0, "linestyle": "--", "markerfacecolor": "white"},
}
NEAR = 8.0  # points of the page within which curves meet
RADIUS, RING, BAR = 3.0, 5.2, 8.0  # of a marker, a ring around it, and half of a bar through it, in points


@dataclass(frozen=True)
class Speed:
    """Seconds per output token, and output tokens a second of all queries, prefill included."""

    latency: float
    throughput: float


@dataclass(frozen=True)
class Batch:
    """A batch size, what it is served at (`time`), and the bounds on that (`lower` of the seconds)."""

    size: int
    time: Speed
    lower: Speed


@dataclass(frozen=True)
class Curve:
    """A workload on a machine by batch size; the largest batch that fits its memory (0: none), the one asked for."""

    machine: str
    ideal: bool
    batches: tuple[Batch, ...]
    largest: int
    asked: int


def curve(asked: Serving, **formats: Any) -> Curve:
    """The workload in batches of 1, 2, 4, ..., of as many as fit, and of as many as were asked for.

    `formats` as `asked` was served in.
    """

    @cache
    def served(size: int) -> Serving:
        work = replace(asked.work, batch_size=size)
        return serve(asked.model, asked.platform, work, asked.rules, asked.draft, None, True, **formats)

    most = largest(lambda size: served(size).need.total, asked.platform.machine.memory)
    found = [(size, served(size)) for size in sizes(most, asked.work.batch_size)]
    batches = tuple(Batch(size, *(speed(x.to_dict()) for x in (at.time, at.lower))) for size, at in found)
    return Curve(asked.platform.machine.label, asked.platform.ideal, batches, most, asked.work.batch_size)


def speed(pace: dict[str, Any]) -> Speed:
    """The speed in a serving's time or lower bound."""
    return Speed(pace["per_output_token"], pace["tokens"])


def sizes(most: int, asked: int) -> list[int]:
    """Powers of two up to the larger of two batch sizes, and both."""
    end = max(most, asked)
    return sorted({2**i for i in range(end.bit_length())} | {x for x in (most, asked) if x})


def largest(needed: Callable[[int], Any], memory: Any) -> int:
    """The largest batch that needs no more than the memory, 0 where none does; a larger one always needs more.

    What is needed is nearly linear in the batch: where a line through two of them meets the memory is tried next.
    """
    low, high = 0, 1
    while needed(high) <= memory:
        low, high = high, 2 * high
    while high - low > 1:
        least, most = needed(low), needed(high)
        guess = low + int((high - low) * (memory - least) / (most - least))
        guess = min(max(guess, low + 1), high - 1)
        low, high = (guess, high) if needed(guess) <= memory else (low, guess)
    return low


def figure(curves: Sequence[Curve], title: str) -> "Figure":
    """A line for each machine, and a dashed one for its bounds; batch sizes beside the points."""
    handles = legend(curves)
    made, (axes,) = canvas.figure(9.5, 5.4, handles, above=0.85)
    canvas.titled(made, title, "time per output token (ms)", "output tokens/s of all queries, prefill included")
    scale(axes, curves)
    for found, look in zip(curves, LOOKS, strict=False):
        draw(axes, found, look)
    marks = [mark for found in curves for mark in marked(found)]
    lines = [line for found in curves for name in LINES for line in segments(found, name)]
    canvas.annotate(axes, labels(axes, curves), marks, lines)
    canvas.below(made, handles, "Numbers beside points are batch sizes.")
    return made


def heading(found: Serving, machines: int) -> str:
    """The model, the machine if it is one, and the workload."""
    where = f" on {found.platform.machine.label}" if machines == 1 else ""
    work = found.work
    cached = f" ({work.cached:,} cached)" if work.cached else ""
    drafted = f", draft {found.draft.model.name}" if found.draft else ""
    return (
        f"{found.model.name}{where}: {work.prompt:,} prompt tokens{cached} and {work.output_tokens:,} output"
        f" tokens a query{drafted}"
    )


def speeds(found: Curve) -> list[Speed]:
    """All points of a curve."""
    return [getattr(batch, name) for batch in found.batches for name in LINES]


def marked(found: Curve) -> list[Mark]:
    """All that is drawn at the points of a curve."""
    bounds = [Mark(1000 * x.lower.latency, x.lower.throughput, RADIUS) for x in found.batches]
    return [*bounds, *(Mark(1000 * x.time.latency, x.time.throughput, radius(found, x.size)) for x in found.batches)]


def scale(axes: "Axes", curves: Sequence[Curve]) -> None:
    """Logarithmic axes that all points are on; tokens a second of each query along the top."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    points = [x for found in curves for x in speeds(found)]
    across, up = [1000 * x.latency for x in points], [x.throughput for x in points]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(min(across) / 1.4, max(across) * 1.6)
    axes.set_ylim(min(up) / 1.6, max(up) * 1.8)
    top = axes.twiny()
    top.set_xscale("log")
    top.set_xlim(*(1000 / ms for ms in axes.get_xlim()))
    top.set_xlabel("output tokens/s of each query")
    for axis in (axes.xaxis, axes.yaxis, top.xaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)


def draw(axes: "Axes", found: Curve, look: tuple[str, str]) -> None:
    """A machine's line and that of its bounds, a ring around the batch asked for, a bar where memory is full."""
    colour, marker = look
    for name, style in LINES.items():
        points = [getattr(x, name) for x in found.batches]
        axes.plot(
            [1000 * x.latency for x in points],
            [x.throughput for x in points],
            color=colour,
            marker=marker,
            markersize=2 * RADIUS - 1,
            zorder=3,
            **style,
        )
    for batch in found.batches:
        at = [1000 * batch.time.latency], [batch.time.throughput]
        if batch.size == found.asked:
            axes.scatter(*at, s=4 * RING**2, facecolors="none", edgecolors=colour, linewidths=1.2, zorder=4)
        if batch.size == found.largest:
            axes.scatter(*at, s=4 * BAR**2, marker="|", color=colour, linewidths=2.2, zorder=4)


def labels(axes: "Axes", curves: Sequence[Curve]) -> list[Label]:
    """The batch sizes, first those asked for and those that fill the memory; one where curves meet."""
    every = [label(found, batch) for found in curves for batch in found.batches]
    every.sort(key=lambda x: not x.bold)
    return [
        alike[group[0]]
        for text in dict.fromkeys(x.text for x in every)
        for alike in [[x for x in every if x.text == text]]
        for group in clusters([canvas.points_of(axes, x.x, x.y) for x in alike], NEAR)
    ]


def label(found: Curve, batch: Batch) -> Label:
    """A batch's size."""
    special = batch.size in (found.asked, found.largest)
    text = f"{batch.size:,}{' does not fit' * (batch.size > found.largest)}"
    return Label(text, 1000 * batch.time.latency, batch.time.throughput, radius(found, batch.size), special)


def radius(found: Curve, size: int) -> float:
    """Of what is drawn at a batch's point: its marker, the ring around it, or the bar."""
    return BAR if size == found.largest else RING if size == found.asked else RADIUS


def legend(curves: Sequence[Curve]) -> list[Any]:
    """The machines; what lines, the ring and the bar are."""
    from matplotlib.lines import Line2D

    told = {"time": "at the peaks" if curves[0].ideal else "estimate", "lower": "lower bound of time"}
    machines = [
        Line2D([], [], color=colour, marker=marker, markersize=2 * RADIUS - 1, label=found.machine)
        for found, (colour, marker) in zip(curves, LOOKS, strict=False)
    ]
    lines = [Line2D([], [], color="0.35", label=told[name], **style) for name, style in LINES.items()]
    ring = Line2D(
        [],
        [],
        linestyle="",
        marker="o",
        markersize=8,
        markerfacecolor="none",
        markeredgecolor="black",
        label="batch asked for",
    )
    bar = Line2D(
        [],
        [],
        linestyle="",
        marker="|",
        markersize=10,
        markeredgecolor="black",
        markeredgewidth=2.2,
        label="memory is full",
    )
    return [*machines, *lines, ring, bar]


def segments(found: Curve, name: str) -> list[Segment]:
    """The parts of a line."""
    points = [(1000 * x.latency, x.throughput) for x in (getattr(batch, name) for batch in found.batches)]
    return [(*a, *b) for a, b in pairwise(points)]
