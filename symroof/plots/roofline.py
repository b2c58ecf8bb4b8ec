"""Rooflines as a picture: FLOP/s over FLOP per byte, ceilings by format, operators and totals; a panel a machine."""

from collections.abc import Mapping, Sequence
from math import sqrt
from textwrap import fill
from typing import TYPE_CHECKING, Any

from symroof.performance.roofline import Roofline
from symroof.plots import canvas
from symroof.plots.canvas import Label, Mark
from symroof.plots.labels import Segment, clusters
from symroof.plots.steps import Ceiling, Panel, Point, Step, label, missing, panels
from symroof.units import SI, scaled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEAR = 6.0  # points of the page within which markers share a label
STAR = 110.0  # area of a total's marker, in square points
BLUE, ORANGE = "#0072B2", "#D55E00"
LOOKS: dict[str, dict[str, Any]] = {
    "decode": {"marker": "o", "facecolors": BLUE, "edgecolors": BLUE},
    "prefill": {"marker": "s", "facecolors": "none", "edgecolors": ORANGE},
    "mixed": {"marker": "D", "facecolors": "none", "edgecolors": BLUE},
}
LINES: dict[str, dict[str, Any]] = {
    "used": {"color": "black", "linewidth": 1.8},
    "unused": {"color": "0.45", "linewidth": 1.0, "linestyle": "--"},
    "elementwise": {"color": "0.45", "linewidth": 1.0, "linestyle": ":"},
}


def figure(found: Sequence[Sequence[Roofline]]) -> "Figure":
    """The rooflines of each machine's steps in a panel of its own, on axes of one scale."""
    shown, left_out = panels(found), missing(x for of_machine in found for x in of_machine)
    columns = 1 if len(shown) == 1 else 2
    rows = -(-len(shown) // columns)
    handles = legend(shown)
    made, axes = canvas.figure(9.5 if columns == 1 else 15.0, 5.4 * rows, handles, columns, rows)
    canvas.titled(made, heading(found[0][0], len(shown)), "FLOP per byte moved", "FLOP/s")
    scale(axes[0], shown)
    for panel, ax in zip(shown, axes, strict=False):
        draw(ax, panel)
        ax.set_title(panel.machine.label if len(shown) > 1 else "")
        ax.tick_params(labelbottom=True)
    for spare in axes[len(shown) :]:
        spare.remove()
    canvas.below(made, handles, footnote(left_out))
    return made


def heading(found: Roofline, machines: int) -> str:
    """The model, the machine if it is one, and whether times are estimates."""
    where = f" on {found.platform.machine.label}" if machines == 1 else ""
    return f"{found.report.model}{where}{'' if found.platform.ideal else ' (estimate)'}"


def footnote(left_out: Mapping[str, str]) -> str:
    """What a marker's area is, and the operators that have no point, by reason."""
    reasons = {why: [path for path, x in left_out.items() if x == why] for why in left_out.values()}
    told = "; ".join(f"{', '.join(paths)} ({why})" for why, paths in reasons.items())
    return "Area of a marker: the operator's share of the time." + f" Without a point: {told}." * bool(told)


def scale(axes: "Axes", shown: Sequence[Panel]) -> None:
    """Logarithmic axes that the points, ridges and ceilings of all panels are on, with room for labels."""
    from matplotlib.ticker import EngFormatter, StrMethodFormatter

    roofs = [(ceiling.rate / panel.bandwidth, ceiling.rate) for panel in shown for ceiling in panel.ceilings]
    across, up = zip(*roofs, *((x.intensity, x.rate) for panel in shown for x in panel.points), strict=True)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(min(across) / 5, max(across) * 14)
    axes.set_ylim(min(up) / 3, max(up) * 5)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.yaxis.set_major_formatter(EngFormatter(sep=" "))


def draw(axes: "Axes", panel: Panel) -> None:
    """One machine: its roof, the points of its steps, their labels."""
    axes.grid(color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    lines = roof(axes, panel)
    marks = [Mark(x.intensity, x.rate, radius(x)) for x in panel.points]
    totals = [
        Label(f"total, {step.kind}", step.total.intensity, step.total.rate, radius(step.total), True)
        for step in panel.steps
    ]
    for step in panel.steps:
        across, up, areas = zip(*((x.intensity, x.rate, area(x)) for x in step.points), strict=True)
        axes.scatter(across, up, s=areas, linewidths=1.0, zorder=4, **LOOKS[step.kind])
        axes.scatter([step.total.intensity], [step.total.rate], s=STAR, linewidths=0.8, zorder=5, **star(step))
    canvas.annotate(axes, [*totals, *operator_labels(axes, panel), slope_label(axes, panel)], marks, lines)


def area(point: Point) -> float:
    """Of a marker, in square points."""
    return STAR if point.path == "total" else 12 + 110 * point.share


def radius(point: Point) -> float:
    """Of a marker, in points."""
    return sqrt(area(point)) / 2


def star(step: Step) -> dict[str, Any]:
    """How the total of a step looks: filled where its operators are."""
    face = LOOKS[step.kind]["facecolors"]
    return {"marker": "*", "facecolors": "white" if face == "none" else face, "edgecolors": "black"}


def operator_labels(axes: "Axes", panel: Panel) -> list[Label]:
    """A label for all markers that fall together, of whatever step; those that take longest first."""
    every = sorted(((x, step.kind) for step in panel.steps for x in step.points), key=lambda x: -x[0].share)
    paths = list(dict.fromkeys(point.path for point, _ in every))
    labels = []
    for group in clusters([canvas.points_of(axes, x.intensity, x.rate) for x, _ in every], NEAR):
        kinds = {step.kind: [every[i][0].path for i in group if every[i][1] == step.kind] for step in panel.steps}
        together = {kind: of_kind for kind, of_kind in kinds.items() if of_kind}
        first, _ = every[group[0]]
        labels.append(Label(label(together, paths), first.intensity, first.rate, radius(first)))
    return labels


def slope_label(axes: "Axes", panel: Panel) -> Label:
    """The bandwidth, at the lower end of the slope."""
    x = max(axes.get_xlim()[0], axes.get_ylim()[0] / panel.bandwidth) * 1.6
    return Label(f"memory {rate(panel.bandwidth)}B/s", x, x * panel.bandwidth, 1.0, bold=True)


def rate(x: float) -> str:
    """A rate with three digits: `989 T`."""
    number, prefix = scaled(x, 1000, SI)
    return f"{float(number):,.3g} {prefix}"


def roof(axes: "Axes", panel: Panel) -> list[Segment]:
    """Draw the memory slope, the ceilings, and the ridges of formats in use; the lines as segments."""
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    highest = panel.ceilings[-1].rate
    slope = (left, left * panel.bandwidth, highest / panel.bandwidth, highest)
    axes.plot(slope[::2], slope[1::2], zorder=3, **LINES["used"])
    segments = [slope]
    for ceiling, above in zip(panel.ceilings, [*(x.rate for x in panel.ceilings[1:]), top], strict=True):
        ridge = ceiling.rate / panel.bandwidth
        segments.append((ridge, ceiling.rate, right, ceiling.rate))
        axes.plot([ridge, right], [ceiling.rate] * 2, zorder=2, **LINES[ceiling.kind])
        ceiling_text(axes, ceiling, above)
        if ceiling.kind == "used":
            segments.append((ridge, bottom, ridge, ceiling.rate))
            axes.plot([ridge] * 2, [bottom, ceiling.rate], color="0.3", linewidth=0.8, linestyle="-.", zorder=1)
            axes.annotate(
                f"ridge {ridge:,.3g} FLOP/B",
                (ridge, bottom),
                (-2, 4),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="bottom",
                fontsize=canvas.FONT,
            )
    return segments


def ceiling_text(axes: "Axes", ceiling: Ceiling, above: float) -> None:
    """Write what a ceiling is at its right end; below it where the next one above is close."""
    right = axes.get_xlim()[1]
    room = canvas.points_of(axes, right, above)[1] - canvas.points_of(axes, right, ceiling.rate)[1]
    low = room < 1.5 * canvas.FONT
    axes.annotate(
        f"{ceiling.name} {rate(ceiling.rate)}FLOP/s",
        (right, ceiling.rate),
        (-3, -2 if low else 2),
        textcoords="offset points",
        ha="right",
        va="top" if low else "bottom",
        fontsize=canvas.FONT,
        fontweight="bold" if ceiling.kind == "used" else "normal",
    )


def legend(shown: Sequence[Panel]) -> list[Any]:
    """What markers mean: each kind of step, and its total."""
    from matplotlib.lines import Line2D

    def handle(text: str, marker: str, size: float, face: str, edge: str) -> Line2D:
        return Line2D(
            [], [], linestyle="", marker=marker, markersize=size, markerfacecolor=face, markeredgecolor=edge, label=text
        )

    steps = {step.kind + step.queries: step for panel in shown for step in panel.steps}.values()
    looks = [(f"{x.kind}: {fill(x.queries, 60)}", LOOKS[x.kind]) for x in steps]
    return [
        *(handle(text, look["marker"], 6, look["facecolors"], look["edgecolors"]) for text, look in looks),
        handle("total", "*", 9, "0.6", "black"),
    ]
