"""Pictures in files: PNG, SVG or PDF. matplotlib (the extra `plot`) is imported where a picture is drawn, only there.

No display is needed, and a user's matplotlib settings change nothing: one picture is the same bytes each time. What
matters differs in markers and line styles, not in colour alone.
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
STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "figure.titlesize": 11,
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


def picture_bytes(draw: Callable[[], "Figure"], path: str) -> bytes:
    """The contents of a figure's file, in the format of `path`. Raises as `picture_format` does."""
    ending, file = picture_format(path), BytesIO()
    with plot_style():
        draw().savefig(file, format=ending, dpi=DPI, metadata=PICTURE_FORMATS[ending])
    return file.getvalue()


@contextmanager
def plot_style() -> Iterator[None]:
    """Settings that all pictures are drawn with."""
    from matplotlib import style

    with style.context(("default", STYLE)):
        yield
