"""Pictures in files: PNG, SVG or PDF. matplotlib (the extra `plot`) is imported where a picture is drawn, only there.

No display is needed, and a user's matplotlib settings change nothing: one picture is the same bytes each time. What
matters differs in markers and line styles, not in colour alone. `style` is the look of them all, for other
pictures: `plt.style.use(plots.style())` after `from symroof import plots`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symroof.errors import MissingExtra, UsageError, shorten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Formats of a picture, and the metadata that leaves the date out of their files.
PICTURE_FORMATS: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
# Page, ink and grid of a picture; colours of its lines after Okabe and Ito (Color Universal Design, 2008), which
# people who see no red, no green or no blue can distinguish.
LIGHT = ("#ffffff", "#000000", "#e6e6e6")
DARK = ("#0d1117", "#e6edf3", "#2b323b")
COLORS = {
    LIGHT: ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"),
    DARK: ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#e6edf3"),
}
LINES = ("-", "--", "-.", (0, (2, 1)), (0, (6, 1.5, 1, 1.5, 1, 1.5)), (0, (9, 2)), (0, (1, 3)))
SIZES: dict[str, Any] = {
    "figure.figsize": (6.6, 3.6),
    "figure.dpi": 90,
    "figure.titlesize": 11,
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "symroof",
    "pdf.fonttype": 42,
}
DPI = 150
MAX_MACHINES = 4  # that a picture has room for
MIN_OUTPUT_TOKENS = 2  # that have a time per token


def picture_format(path: str) -> str:
    """The format that a file's name ends in. Raises UsageError for another, MissingExtra without matplotlib."""
    ending = Path(path).suffix[1:].lower()
    if ending not in PICTURE_FORMATS:
        raise UsageError(f"--plot {shorten(path, 100)}: give a file name that ends in .png, .svg or .pdf")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtra("--plot", "plot") from error
    return ending


def check_plot_options(path: str | None, machines: int, output_tokens: int = MIN_OUTPUT_TOKENS) -> None:
    """Check --plot before anything is computed. Raises UsageError, MissingExtra."""
    if path is None:
        return
    picture_format(path)
    if machines > MAX_MACHINES:
        raise UsageError(f"--plot draws up to {MAX_MACHINES} machines, not {machines}: leave some out")
    if output_tokens < MIN_OUTPUT_TOKENS:
        raise UsageError(f"--plot draws the time per output token: give {MIN_OUTPUT_TOKENS} output tokens or more")


def style(dark: bool = False) -> dict[str, Any]:
    """The look of symroof's pictures, on a white page or a dark one, as matplotlib's rc parameters.

    For `matplotlib.pyplot.style.use` or `rc_context`. Lines differ in colour and in dashes.
    """
    from matplotlib.rcsetup import cycler

    page, ink, grid = shades = DARK if dark else LIGHT
    inks = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    pages = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
    lines = {"axes.prop_cycle": cycler(color=COLORS[shades], linestyle=LINES), "grid.color": grid}
    return {**SIZES, **lines, **dict.fromkeys(inks, ink), **dict.fromkeys(pages, page)}


def picture_bytes(draw: Callable[[], "Figure"], path: str, dark: bool = False) -> bytes:
    """The contents of a figure's file, in the format of `path`. Raises as `picture_format` does."""
    ending, file = picture_format(path), BytesIO()
    with plot_style(dark):
        draw().savefig(file, format=ending, dpi=DPI, metadata=PICTURE_FORMATS[ending])
    return file.getvalue()


@contextmanager
def plot_style(dark: bool = False) -> Iterator[None]:
    """Draw in `style` alone, whatever a user has set."""
    from matplotlib.style import context

    with context(("default", style(dark))):
        yield
