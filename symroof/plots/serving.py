"""A served workload as a picture: throughput over the time per output token by batch size, one line per machine."""

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
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

MACHINE_STYLES = (("C6", "o"), ("C0", "s"), ("C1", "^"), ("C2", "D"))  # of machines: colour and marker
LINE_STYLES: dict[str, dict[str, Any]] = {
    "time": {"linewidth": 1.5, "linestyle": "-"},
    "lower": {"linewidth": 1.0, "linestyle": "--", "fillstyle": "none"},
}
SAME_LABEL_DISTANCE = 8.0  # curves that are within so many points of the page share labels
RADIUS, RING, BAR = 3.0, 5.2, 8.0  # of a marker, a ring around it, and half of a bar through it, in points


@dataclass(frozen=True)
class Speed:
    """Seconds per output token, and output tokens per second of all queries, prefill included."""

    latency: float
    throughput: float

    @property
    def point(self) -> tuple[float, float]:
        """Milliseconds per output token and output tokens per second."""
        return 1000 * self.latency, self.throughput


@dataclass(frozen=True)
class BatchSpeed:
    """A batch size, the speed at which it is served (`time`), and the bound on it (`lower` bound of the seconds)."""

    size: int
    time: Speed
    lower: Speed


@dataclass(frozen=True)
class Curve:
    """A workload on a machine by batch size; the largest batch that fits its memory (0: none), the requested one."""

    machine: str
    ideal: bool
    batches: tuple[BatchSpeed, ...]
    largest: int
    requested: int


def batch_curve(requested: Serving, **formats: Any) -> Curve:
    """The workload in batches of 1, 2, 4, ..., of as many as fit, and of as many as requested; `formats` as there."""

    @cache
    def served(size: int) -> Serving:
        work = replace(requested.work, batch_size=size)
        return serve(requested.model, requested.platform, work, requested.rules, requested.draft, None, True, **formats)

    machine, size = requested.platform.machine, requested.work.batch_size
    most = largest_fitting_batch(lambda x: served(x).need.total, machine.memory)
    batches = tuple(batch_speed(x, served(x)) for x in batch_sizes(most, size))
    return Curve(machine.label, requested.platform.ideal, batches, most, size)


def batch_speed(size: int, serving: Serving) -> BatchSpeed:
    """The speeds of a batch that is served."""
    return BatchSpeed(size, *(speed_of_pace(x.to_dict()) for x in (serving.time, serving.lower)))


def speed_of_pace(pace: dict[str, Any]) -> Speed:
    """The speed in a serving's time or lower bound."""
    return Speed(pace["per_output_token"], pace["tokens"])


def batch_sizes(most: int, requested: int) -> list[int]:
    """Powers of two up to the larger of two batch sizes, and both."""
    end = max(most, requested)
    return sorted({2**i for i in range(end.bit_length())} | {x for x in (most, requested) if x})


def largest_fitting_batch(needed: Callable[[int], Any], memory: Any) -> int:
    """The largest batch that needs no more than the memory, 0 where none does; a larger one always needs more."""
    low, high = 0, 1
    while needed(high) <= memory:
        low, high = high, 2 * high
    while high - low > 1:
        guess = interpolated_batch(needed, memory, low, high)
        low, high = (guess, high) if needed(guess) <= memory else (low, guess)
    return low


def interpolated_batch(needed: Callable[[int], Any], memory: Any, low: int, high: int) -> int:
    """The batch between two others where a line through their needs meets the memory: needs are nearly linear."""
    least, most = needed(low), needed(high)
    guess = low + int((high - low) * (memory - least) / (most - least))
    return min(max(guess, low + 1), high - 1)


def serving_figure(curves: Sequence[Curve], title: str) -> "Figure":
    """A line for each machine, and a dashed one for its bounds; batch sizes next to the points."""
    handles = serving_legend(curves)
    figure, (axes,) = canvas.panel_figure(9.5, 5.4, handles, above=0.85)
    canvas.add_titles(figure, title, "time per output token (ms)", "output tokens/s of all queries, prefill included")
    set_serving_scales(axes, curves)
    for curve, style in zip(curves, MACHINE_STYLES, strict=False):
        draw_curve(axes, curve, *style)
    marks = [mark for curve in curves for mark in curve_marks(curve)]
    lines = [line for curve in curves for name in LINE_STYLES for line in curve_segments(curve, name)]
    canvas.annotate(axes, batch_labels(axes, curves), marks, lines)
    canvas.add_legend(figure, handles, "Numbers beside points are batch sizes.")
    return figure


def serving_title(serving: Serving, machines: int) -> str:
    """The model, the machine if there is one only, and the workload."""
    where = f" on {serving.platform.machine.label}" if machines == 1 else ""
    work = serving.work
    cached = f" ({work.cached:,} cached)" if work.cached else ""
    draft = f", draft {serving.draft.model.name}" if serving.draft else ""
    tokens = f"{work.prompt:,} prompt tokens{cached} and {work.output_tokens:,} output tokens per query"
    return f"{serving.model.name}{where}: {tokens}{draft}"


def curve_speeds(curve: Curve, name: str) -> list[Speed]:
    """The speeds along one of a curve's lines."""
    return [getattr(batch, name) for batch in curve.batches]


def curve_marks(curve: Curve) -> list[Mark]:
    """All that is drawn at the points of a curve."""
    bounds = [Mark(*x.lower.point, RADIUS) for x in curve.batches]
    return [*bounds, *(Mark(*x.time.point, point_radius(curve, x.size)) for x in curve.batches)]


def set_serving_scales(axes: "Axes", curves: Sequence[Curve]) -> None:
    """Logarithmic axes around all points; tokens per second of each query along the top."""
    speeds = [x for curve in curves for name in LINE_STYLES for x in curve_speeds(curve, name)]
    across, up = zip(*(x.point for x in speeds), strict=True)
    canvas.set_log_axes(axes, (min(across) / 1.4, max(across) * 1.6), (min(up) / 1.6, max(up) * 1.8))
    for axis in (axes.xaxis, axes.yaxis, per_query_axis(axes)):
        set_decade_ticks(axis)


def per_query_axis(axes: "Axes") -> "Axis":
    """The axis along the top: tokens per second of each query."""
    top = axes.twiny()
    top.grid(False)
    top.set_xscale("log")
    top.set_xlim(*(1000 / ms for ms in axes.get_xlim()))
    top.set_xlabel("output tokens/s of each query")
    return top.xaxis


def set_decade_ticks(axis: "Axis") -> None:
    """Ticks at 1, 2, 5, 10, ..., written out."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def draw_curve(axes: "Axes", curve: Curve, color: str, marker: str) -> None:
    """Draw a machine's line and that of its bounds, a ring around the requested batch, a bar where memory is full."""
    for name, style in LINE_STYLES.items():
        across, up = zip(*(x.point for x in curve_speeds(curve, name)), strict=True)
        axes.plot(across, up, color=color, marker=marker, markersize=2 * RADIUS - 1, zorder=3, **style)
    for batch in curve.batches:
        if batch.size == curve.requested:
            axes.scatter(
                *batch.time.point, s=4 * RING**2, facecolors="none", edgecolors=color, linewidths=1.2, zorder=4
            )
        if batch.size == curve.largest:
            axes.scatter(*batch.time.point, s=4 * BAR**2, marker="|", color=color, linewidths=2.2, zorder=4)


def batch_labels(axes: "Axes", curves: Sequence[Curve]) -> list[Label]:
    """The batch sizes, first the requested ones and those that fill the memory; one label where curves meet."""
    labels = sorted((batch_label(curve, x) for curve in curves for x in curve.batches), key=lambda x: not x.bold)
    by_text = ([x for x in labels if x.text == text] for text in dict.fromkeys(x.text for x in labels))
    return [x for alike in by_text for x in distinct_labels(axes, alike)]


def distinct_labels(axes: "Axes", alike: Sequence[Label]) -> list[Label]:
    """Of labels with one text, the first of each group that falls together."""
    points = [canvas.page_point(axes, x.x, x.y) for x in alike]
    return [alike[group[0]] for group in clusters(points, SAME_LABEL_DISTANCE)]


def batch_label(curve: Curve, batch: BatchSpeed) -> Label:
    """The label of a batch: its size."""
    special = batch.size in (curve.requested, curve.largest)
    text = f"{batch.size:,}{' does not fit' * (batch.size > curve.largest)}"
    return Label(text, *batch.time.point, point_radius(curve, batch.size), special)


def point_radius(curve: Curve, size: int) -> float:
    """The radius of what is drawn at a batch's point: its marker, the ring around it, or the bar."""
    return BAR if size == curve.largest else RING if size == curve.requested else RADIUS


def serving_legend(curves: Sequence[Curve]) -> list[Any]:
    """The machines; the meaning of the lines, the ring and the bar."""
    ring = {"markerfacecolor": "none", "markeredgecolor": canvas.shade(1)}
    bar = {"markeredgecolor": canvas.shade(1), "markeredgewidth": 2.2}
    return [
        *line_handles(curves),
        canvas.marker_handle("requested batch", "o", 8, **ring),
        canvas.marker_handle("memory is full", "|", 10, **bar),
    ]


def line_handles(curves: Sequence[Curve]) -> list[Any]:
    """The legend entries of each machine's line, and of both kinds of lines."""
    from matplotlib.lines import Line2D

    meanings = {"time": "at the peaks" if curves[0].ideal else "estimate", "lower": "lower bound of time"}
    machines = [
        Line2D([], [], color=color, marker=marker, markersize=2 * RADIUS - 1, label=curve.machine)
        for curve, (color, marker) in zip(curves, MACHINE_STYLES, strict=False)
    ]
    grey = canvas.shade(0.65)
    return [*machines, *(Line2D([], [], color=grey, label=meanings[x], **LINE_STYLES[x]) for x in LINE_STYLES)]


def curve_segments(curve: Curve, name: str) -> list[Segment]:
    """The segments of a line."""
    return [(*a.point, *b.point) for a, b in pairwise(curve_speeds(curve, name))]
