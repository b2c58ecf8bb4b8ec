"""Rooflines as a picture: FLOP/s over FLOP per byte, ceilings by format, operators, totals; one panel per machine."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import sqrt
from textwrap import fill
from typing import TYPE_CHECKING, Any

from symroof.performance.roofline import Roofline
from symroof.plots import canvas
from symroof.plots.canvas import Label, Mark
from symroof.plots.labels import Segment, clusters
from symroof.plots.steps import (
    Ceiling,
    OperatorPoint,
    Panel,
    PlottedStep,
    operators_label,
    operators_without_point,
    panels,
)
from symroof.units import SI, with_prefix

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAME_LABEL_DISTANCE = 6.0  # markers within so many points of the page share a label
STAR = 110.0  # area of a total's marker, in square points
STEP_STYLES: dict[str, dict[str, Any]] = {
    "decode": {"marker": "o", "facecolors": "C0", "edgecolors": "C0"},
    "prefill": {"marker": "s", "facecolors": "none", "edgecolors": "C1"},
    "mixed": {"marker": "D", "facecolors": "none", "edgecolors": "C0"},
}
CEILING_LINES = {"used": (1.0, 1.8, "-"), "unused": (0.55, 1.0, "--"), "elementwise": (0.55, 1.0, ":")}


def roofline_figure(rooflines: Sequence[Sequence[Roofline]]) -> "Figure":
    """The rooflines of each machine's steps in a panel of the machine, all on axes of one scale."""
    shown, left_out = panels(rooflines), operators_without_point(chain.from_iterable(rooflines))
    columns, handles = min(2, len(shown)), step_legend(shown)
    rows = -(-len(shown) // columns)
    figure, axes = canvas.panel_figure(9.5 if columns == 1 else 15.0, 5.4 * rows, handles, columns, rows)
    canvas.add_titles(figure, roofline_title(rooflines[0][0], len(shown)), "FLOP per byte moved", "FLOP/s")
    set_roofline_scales(axes[0], shown)
    draw_panels(axes, shown)
    canvas.add_legend(figure, handles, footnote(left_out))
    return figure


def draw_panels(axes: "Sequence[Axes]", shown: Sequence[Panel]) -> None:
    """Draw each machine in its axes, and remove axes that are left over."""
    for panel, ax in zip(shown, axes, strict=False):
        draw_panel(ax, panel)
        ax.set_title(panel.machine.label if len(shown) > 1 else "", parse_math=False)
        ax.tick_params(labelbottom=True)
    for unused in axes[len(shown) :]:
        unused.remove()


def roofline_title(roofline: Roofline, machines: int) -> str:
    """The model, the machine if there is one only, and whether times are estimates."""
    where = f" on {roofline.platform.machine.label}" if machines == 1 else ""
    return f"{roofline.report.model}{where}{'' if roofline.platform.ideal else ' (estimate)'}"


def footnote(left_out: Mapping[str, str]) -> str:
    """The meaning of a marker's area, and the operators without a point, by reason."""
    by_reason = {why: [path for path, x in left_out.items() if x == why] for why in left_out.values()}
    listed = "; ".join(f"{', '.join(paths)} ({why})" for why, paths in by_reason.items())
    return "Area of a marker: the operator's share of the time." + f" Without a point: {listed}." * bool(listed)


def set_roofline_scales(axes: "Axes", shown: Sequence[Panel]) -> None:
    """Logarithmic axes around the points, ridges and ceilings of all panels, with room for labels."""
    from matplotlib.ticker import EngFormatter, StrMethodFormatter

    roofs = [(ceiling.rate / panel.bandwidth, ceiling.rate) for panel in shown for ceiling in panel.ceilings]
    across, up = zip(*roofs, *((x.intensity, x.rate) for panel in shown for x in panel.points), strict=True)
    canvas.set_log_axes(axes, (min(across) / 5, max(across) * 14), (min(up) / 3, max(up) * 5))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.yaxis.set_major_formatter(EngFormatter(sep=" "))


def draw_panel(axes: "Axes", panel: Panel) -> None:
    """Draw a machine: its roof, the points of its steps, their labels."""
    lines = draw_roof(axes, panel)
    for step in panel.steps:
        draw_points(axes, step)
    labels = [*map(total_label, panel.steps), *operator_labels(axes, panel), bandwidth_label(axes, panel)]
    canvas.annotate(axes, labels, [Mark(x.intensity, x.rate, marker_radius(x)) for x in panel.points], lines)


def draw_points(axes: "Axes", step: PlottedStep) -> None:
    """Draw the markers of a step's operators and of its total."""
    across, up, areas = zip(*((x.intensity, x.rate, marker_area(x)) for x in step.points), strict=True)
    axes.scatter(across, up, s=areas, linewidths=1.0, zorder=4, **STEP_STYLES[step.kind])
    axes.scatter([step.total.intensity], [step.total.rate], s=STAR, linewidths=0.8, zorder=5, **total_style(step))


def marker_area(point: OperatorPoint) -> float:
    """The area of a marker, in square points."""
    return STAR if point.path == "total" else 12 + 110 * point.share


def marker_radius(point: OperatorPoint) -> float:
    """The radius of a marker, in points."""
    return sqrt(marker_area(point)) / 2


def total_style(step: PlottedStep) -> dict[str, Any]:
    """The marker of a step's total: filled where those of its operators are."""
    face = STEP_STYLES[step.kind]["facecolors"]
    return {"marker": "*", "facecolors": canvas.shade(0) if face == "none" else face, "edgecolors": canvas.shade(1)}


def total_label(step: PlottedStep) -> Label:
    """The label of a step's total."""
    return Label(f"total, {step.kind}", step.total.intensity, step.total.rate, marker_radius(step.total), True)


def operator_labels(axes: "Axes", panel: Panel) -> list[Label]:
    """A label for all markers that fall together, of any step; those that take longest first."""
    points = sorted(((step.kind, x) for step in panel.steps for x in step.points), key=lambda x: -x[1].share)
    paths = list(dict.fromkeys(point.path for _, point in points))
    page = [canvas.page_point(axes, x.intensity, x.rate) for _, x in points]
    groups = ([points[i] for i in group] for group in clusters(page, SAME_LABEL_DISTANCE))
    return [group_label(group, [step.kind for step in panel.steps], paths) for group in groups]


def group_label(group: Sequence[tuple[str, OperatorPoint]], kinds: Iterable[str], paths: Sequence[str]) -> Label:
    """The label of markers that fall together, each with the kind of its step, at the first of them."""
    by_kind = {kind: [point.path for x, point in group if x == kind] for kind in kinds}
    first = group[0][1]
    text = operators_label({kind: of_kind for kind, of_kind in by_kind.items() if of_kind}, paths)
    return Label(text, first.intensity, first.rate, marker_radius(first))


def bandwidth_label(axes: "Axes", panel: Panel) -> Label:
    """The bandwidth, at the lower end of the slope."""
    x = max(axes.get_xlim()[0], axes.get_ylim()[0] / panel.bandwidth) * 1.6
    return Label(f"memory {rate_text(panel.bandwidth)}B/s", x, x * panel.bandwidth, 1.0, bold=True)


def rate_text(x: float) -> str:
    """A rate with three digits: `989 T`."""
    number, prefix = with_prefix(x, 1000, SI)
    return f"{float(number):,.3g} {prefix}"


def ceiling_line(kind: str) -> dict[str, Any]:
    """The line of a kind of ceiling."""
    ink, width, dashes = CEILING_LINES[kind]
    return {"color": canvas.shade(ink), "linewidth": width, "linestyle": dashes}


def draw_roof(axes: "Axes", panel: Panel) -> list[Segment]:
    """Draw the memory slope, the ceilings, and the ridges of formats in use; the lines as segments."""
    left, top, highest = axes.get_xlim()[0], axes.get_ylim()[1], panel.ceilings[-1].rate
    slope = (left, left * panel.bandwidth, highest / panel.bandwidth, highest)
    axes.plot(slope[::2], slope[1::2], zorder=3, **ceiling_line("used"))
    segments = [slope]
    for ceiling, above in zip(panel.ceilings, [*(x.rate for x in panel.ceilings[1:]), top], strict=True):
        segments += draw_ceiling(axes, ceiling, ceiling.rate / panel.bandwidth, above)
    return segments


def draw_ceiling(axes: "Axes", ceiling: Ceiling, ridge: float, above: float) -> list[Segment]:
    """Draw a ceiling from its ridge on, its text, and the ridge of a format in use; the lines as segments."""
    right = axes.get_xlim()[1]
    axes.plot([ridge, right], [ceiling.rate] * 2, zorder=2, **ceiling_line(ceiling.kind))
    write_ceiling(axes, ceiling, above)
    line = (ridge, ceiling.rate, right, ceiling.rate)
    return [line, draw_ridge(axes, ridge, ceiling.rate)] if ceiling.kind == "used" else [line]


def draw_ridge(axes: "Axes", ridge: float, rate: float) -> Segment:
    """Draw the line from a ridge down to its FLOP per byte, and write that; the line as a segment."""
    bottom = axes.get_ylim()[0]
    axes.plot([ridge] * 2, [bottom, rate], color=canvas.shade(0.7), linewidth=0.8, linestyle="-.", zorder=1)
    text = f"ridge {ridge:,.3g} FLOP/B"
    canvas.write_beside_point(axes, text, (ridge, bottom), (-2, 4), rotation=90, ha="right", va="bottom")
    return (ridge, bottom, ridge, rate)


def write_ceiling(axes: "Axes", ceiling: Ceiling, above: float) -> None:
    """Write the name and rate of a ceiling at its right end; below it where the next one above is close."""
    right = axes.get_xlim()[1]
    room = canvas.page_point(axes, right, above)[1] - canvas.page_point(axes, right, ceiling.rate)[1]
    offset, va = ((-3, -2), "top") if room < 1.5 * canvas.FONT_SIZE else ((-3, 2), "bottom")
    text, weight = f"{ceiling.name} {rate_text(ceiling.rate)}FLOP/s", "bold" if ceiling.kind == "used" else "normal"
    canvas.write_beside_point(axes, text, (right, ceiling.rate), offset, ha="right", va=va, fontweight=weight)


def step_legend(shown: Sequence[Panel]) -> list[Any]:
    """The markers of each kind of step, and of totals."""
    steps = {step.kind + step.queries: step for panel in shown for step in panel.steps}.values()
    total = canvas.marker_handle("total", "*", 9, markerfacecolor=canvas.shade(0.4), markeredgecolor=canvas.shade(1))
    return [*map(step_handle, steps), total]


def step_handle(step: PlottedStep) -> Any:
    """The legend entry of a step: its marker, kind and queries."""
    style, text = STEP_STYLES[step.kind], f"{step.kind}: {fill(step.queries, 60)}"
    colors = {"markerfacecolor": style["facecolors"], "markeredgecolor": style["edgecolors"]}
    return canvas.marker_handle(text, style["marker"], 6, **colors)
