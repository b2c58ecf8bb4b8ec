"""What all pictures share: a figure without a display, its axes and legend, labels placed where there is room."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symroof.plots.labels import Anchor, Box, Scene, Segment, Spot, place_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

FONT_SIZE = 8.0  # of a label, in points
LEFT, RIGHT, ABOVE, BELOW = 0.72, 0.15, 0.5, 0.75  # inches of the page around the axes
LINE = 0.2  # inches of each line of the legend below them
PAGE = 150  # characters in a line of the legend


@dataclass(frozen=True)
class Label:
    """A text that names a point, given in the axes' data; `clear` is the radius in points of what is drawn there."""

    text: str
    x: float
    y: float
    clear: float = 0.0
    bold: bool = False


@dataclass(frozen=True)
class Mark:
    """A marker at a point, and its radius in points."""

    x: float
    y: float
    radius: float


def panel_figure(
    width: float, height: float, handles: Sequence[Any], columns: int = 1, rows: int = 1, above: float = ABOVE
) -> "tuple[Figure, list[Axes]]":
    """A figure of this width whose panels have this height, in inches, with room for a legend; its axes in order."""
    below = BELOW + LINE * legend_layout(handles)[1]
    page = height + above + below
    figure = agg_figure(width, page)
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    figure.subplots_adjust(
        left=LEFT / width, right=1 - RIGHT / width, bottom=below / page, top=1 - above / page, wspace=0.04, hspace=0.15
    )
    return figure, list(axes.flat)


def agg_figure(width: float, height: float) -> "Figure":
    """An empty figure of this many inches, drawn by Agg."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from symroof.plots import DPI

    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def set_log_axes(axes: "Axes", across: tuple[float, float], up: tuple[float, float]) -> None:
    """Make both axes logarithmic, between these limits."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(*across)
    axes.set_ylim(*up)


def shade(part: float) -> str:
    """The colour of so much ink on the page of the style in use: 0 is the page, 1 the ink."""
    from matplotlib import rcParams
    from matplotlib.colors import to_rgb

    page, ink = to_rgb(rcParams["figure.facecolor"]), to_rgb(rcParams["text.color"])
    return "#" + "".join(f"{round(255 * (x + part * (y - x))):02x}" for x, y in zip(page, ink, strict=True))


def add_titles(figure: "Figure", title: str, across: str, up: str) -> None:
    """Write the titles of the figure and its axes."""
    page, foot = figure.get_figheight(), figure.get_figheight() * figure.subplotpars.bottom
    figure.suptitle(title, y=1 - 0.08 / page, parse_math=False)  # a name may have a $ in it, here and below
    figure.supxlabel(across, y=(foot - 0.47) / page, fontsize=9)
    figure.supylabel(up, x=0.05 / figure.get_figwidth(), fontsize=9)


def add_legend(figure: "Figure", handles: Sequence[Any], note: str) -> None:
    """Put a legend below the axes, and a note at the foot of the page."""
    page, (columns, _) = figure.get_figheight(), legend_layout(handles)
    spacing = {"handletextpad": 0.4, "columnspacing": 1.5, "borderaxespad": 0}
    legend = figure.legend(
        handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.18 / page), ncols=columns, **spacing
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    figure.text(0.5, 0.05 / page, note, ha="center", va="bottom", fontsize=7, color=shade(0.75), parse_math=False)


def legend_layout(handles: Sequence[Any]) -> tuple[int, int]:
    """Columns and rows of a legend that fits the page."""
    widest = max(len(handle.get_label()) for handle in handles) + 8
    columns = min(len(handles), max(1, PAGE // widest))
    return columns, -(-len(handles) // columns)


def marker_handle(text: str, marker: str, size: float, **style: Any) -> "Line2D":
    """A legend entry: a marker and what it means."""
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="", marker=marker, markersize=size, label=text, **style)


def page_point(axes: "Axes", x: float, y: float) -> tuple[float, float]:
    """A point of the data in points of the page."""
    across, up = axes.transData.transform((x, y))
    scale = 72 / axes.figure.dpi
    return float(across) * scale, float(up) * scale


def text_box(axes: "Axes", text: "Text") -> Box:
    """The box of a text, in points of the page."""
    scale = 72 / axes.figure.dpi
    box = text.get_window_extent()
    return box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale


def annotate(axes: "Axes", labels: Sequence[Label], marks: Sequence[Mark], lines: Sequence[Segment]) -> None:
    """Write labels where they cover neither marks, nor texts, nor each other; the first ones choose first.

    Call it when limits and margins are final. A label that finds no room is left out.
    """
    scene = page_scene(axes, marks, lines)
    texts = [write_label(axes, label) for label in labels]
    anchors = [label_anchor(axes, label, text) for label, text in zip(labels, texts, strict=True)]
    for text, anchor, spot in zip(texts, anchors, place_labels(anchors, scene), strict=True):
        if spot:
            move_label(axes, text, anchor, spot)
        else:
            text.remove()


def page_scene(axes: "Axes", marks: Sequence[Mark], lines: Sequence[Segment]) -> Scene:
    """What labels avoid, in points of the page: marks, lines, and texts that are in the axes already."""
    boxes, segments = (marker_box(axes, x) for x in marks), (page_segment(axes, x) for x in lines)
    return Scene(axes_box(axes), tuple(boxes), tuple(segments), tuple(text_box(axes, x) for x in axes.texts))


def label_anchor(axes: "Axes", label: Label, text: "Text") -> Anchor:
    """What a label names, and the size of its text, in points of the page."""
    left, bottom, right, top = text_box(axes, text)
    return Anchor(*page_point(axes, label.x, label.y), right - left, top - bottom, label.clear)


def move_label(axes: "Axes", text: "Text", anchor: Anchor, spot: Spot) -> None:
    """Move a label to its spot, and draw its leader."""
    text.set_position((spot.box[0] - anchor.x, spot.box[1] - anchor.y))
    text.set_multialignment("right" if spot.box[0] + spot.box[2] < 2 * anchor.x else "left")
    if spot.leader:
        draw_leader(axes, spot.leader)


def write_label(axes: "Axes", label: Label) -> "Text":
    """A label, its lower left corner at what it names."""
    weight = "bold" if label.bold else "normal"
    return write_beside_point(
        axes, label.text, (label.x, label.y), (0, 0), ha="left", va="bottom", fontweight=weight, zorder=6
    )


def write_beside_point(
    axes: "Axes", text: str, point: tuple[float, float], offset: tuple[float, float], **style: Any
) -> "Text":
    """A text at an offset, in points of the page, from a point of the data."""
    return axes.annotate(text, point, offset, textcoords="offset points", fontsize=FONT_SIZE, parse_math=False, **style)


def draw_leader(axes: "Axes", leader: Segment) -> None:
    """Draw the line that leads to a label."""
    scale = axes.figure.dpi / 72
    ends = axes.transData.inverted().transform([[x * scale for x in leader[:2]], [x * scale for x in leader[2:]]])
    axes.plot(ends[:, 0], ends[:, 1], color=shade(0.65), linewidth=0.5, zorder=2, gid="leader")


def axes_box(axes: "Axes") -> Box:
    """The inside of the axes, in points of the page."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return (*page_point(axes, left, bottom), *page_point(axes, right, top))


def marker_box(axes: "Axes", mark: Mark) -> Box:
    """The box of a marker, in points of the page."""
    x, y = page_point(axes, mark.x, mark.y)
    return x - mark.radius, y - mark.radius, x + mark.radius, y + mark.radius


def page_segment(axes: "Axes", line: Segment) -> Segment:
    """A segment of the data, in points of the page."""
    return (*page_point(axes, *line[:2]), *page_point(axes, *line[2:]))
