"""What all pictures share: a figure without a display, and labels put where there is room."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symroof.plots.labels import Anchor, Box, Scene, Segment, place

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

FONT = 8.0  # points of a label
LEFT, RIGHT, ABOVE, BELOW = 0.72, 0.15, 0.5, 0.75  # inches of the page around the axes
LINE = 0.2  # inches that each line of the legend takes below them
PAGE = 150  # characters of a line of the legend


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


def figure(
    width: float, height: float, handles: Sequence[Any], columns: int = 1, rows: int = 1, above: float = ABOVE
) -> "tuple[Figure, list[Axes]]":
    """A figure whose panels are so many inches together, drawn by Agg; its axes from left to right, top to bottom.

    There is room below for a legend with these handles.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from symroof.plots import DPI

    below = BELOW + LINE * table(handles)[1]
    page = height + above + below
    made = Figure(figsize=(width, page), dpi=DPI)
    FigureCanvasAgg(made)
    axes = made.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    made.subplots_adjust(
        left=LEFT / width, right=1 - RIGHT / width, bottom=below / page, top=1 - above / page, wspace=0.04, hspace=0.15
    )
    return made, list(axes.flat)


def titled(made: "Figure", title: str, across: str, up: str) -> None:
    """Write what the figure and its axes are."""
    page, foot = made.get_figheight(), made.get_figheight() * made.subplotpars.bottom
    made.suptitle(title, y=1 - 0.08 / page)
    made.supxlabel(across, y=(foot - 0.47) / page, fontsize=9)
    made.supylabel(up, x=0.05 / made.get_figwidth(), fontsize=9)


def below(made: "Figure", handles: Sequence[Any], note: str) -> None:
    """Put a legend below the axes, and a note at the foot of the page."""
    page, (columns, _) = made.get_figheight(), table(handles)
    made.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.18 / page),
        ncols=columns,
        handletextpad=0.4,
        columnspacing=1.5,
        borderaxespad=0,
    )
    made.text(0.5, 0.05 / page, note, ha="center", va="bottom", fontsize=7, color="0.25")


def table(handles: Sequence[Any]) -> tuple[int, int]:
    """Columns and rows of a legend that fits the page."""
    widest = max(len(handle.get_label()) for handle in handles) + 8
    columns = min(len(handles), max(1, PAGE // widest))
    return columns, -(-len(handles) // columns)


def points_of(axes: "Axes", x: float, y: float) -> tuple[float, float]:
    """A point of the data in points of the page."""
    across, up = axes.transData.transform((x, y))
    scale = 72 / axes.figure.dpi
    return float(across) * scale, float(up) * scale


def extent(axes: "Axes", text: "Text") -> Box:
    """The box of a text, in points of the page."""
    scale = 72 / axes.figure.dpi
    box = text.get_window_extent()
    return box.x0 * scale, box.y0 * scale, box.x1 * scale, box.y1 * scale


def annotate(axes: "Axes", labels: Sequence[Label], marks: Sequence[Mark], lines: Sequence[Segment]) -> "list[Text]":
    """Put labels where they cover neither marks, nor texts, nor each other; the first have the choice.

    To be called when limits and margins are final. A label that there is no room for is left out.
    """
    fixed = tuple(extent(axes, text) for text in axes.texts)
    drawn = [write(axes, label) for label in labels]
    boxes = [extent(axes, text) for text in drawn]
    anchors = [
        Anchor(*points_of(axes, label.x, label.y), box[2] - box[0], box[3] - box[1], label.clear)
        for label, box in zip(labels, boxes, strict=True)
    ]
    scene = Scene(frame(axes), tuple(around(axes, x) for x in marks), tuple(on_page(axes, x) for x in lines), fixed)
    kept = []
    for text, anchor, spot in zip(drawn, anchors, place(anchors, scene), strict=True):
        if spot is None:
            text.remove()
            continue
        text.set_position((spot.box[0] - anchor.x, spot.box[1] - anchor.y))
        text.set_multialignment("right" if spot.box[0] + spot.box[2] < 2 * anchor.x else "left")
        if spot.leader:
            lead(axes, spot.leader)
        kept.append(text)
    return kept


def write(axes: "Axes", label: Label) -> "Text":
    """A label, its lower left corner at what it names."""
    return axes.annotate(
        label.text,
        (label.x, label.y),
        (0, 0),
        textcoords="offset points",
        ha="left",
        va="bottom",
        fontsize=FONT,
        fontweight="bold" if label.bold else "normal",
        zorder=6,
    )


def lead(axes: "Axes", leader: Segment) -> None:
    """Draw the line to a label."""
    scale = axes.figure.dpi / 72
    ends = axes.transData.inverted().transform([[x * scale for x in leader[:2]], [x * scale for x in leader[2:]]])
    axes.plot(ends[:, 0], ends[:, 1], color="0.35", linewidth=0.5, zorder=2, gid="leader")


def frame(axes: "Axes") -> Box:
    """The inside of the axes, in points of the page."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return (*points_of(axes, left, bottom), *points_of(axes, right, top))


def around(axes: "Axes", mark: Mark) -> Box:
    """The box of a marker, in points of the page."""
    x, y = points_of(axes, mark.x, mark.y)
    return x - mark.radius, y - mark.radius, x + mark.radius, y + mark.radius


def on_page(axes: "Axes", line: Segment) -> Segment:
    """A segment of the data, in points of the page."""
    return (*points_of(axes, *line[:2]), *points_of(axes, *line[2:]))
