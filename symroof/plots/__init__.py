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

# Forms a picture can have, and what keeps the date out of their files.
FORMS: dict[str, dict[str, Any]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
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
MOST = 4  # machines that a picture has room for
MINIMUM = 2  # output tokens that have a time per token


def form(path: str) -> str:
    """The form that a file's name asks for. Raises UsageError for another, MissingExtra without matplotlib."""
    found = Path(path).suffix[1:].lower()
    if found not in FORMS:
        raise UsageError(f"--plot {shorten(path, 100)}: a picture is .png, .svg or .pdf: name the file so")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtra("--plot", "plot") from error
    return found


def check(path: str | None, machines: int, output_tokens: int = MINIMUM) -> None:
    """What --plot asks for, before anything is computed. Raises UsageError, MissingExtra."""
    if path is None:
        return
    form(path)
    if machines > MOST:
        raise UsageError(f"--plot draws up to {MOST} machines, not {machines}: leave some out")
    if output_tokens < MINIMUM:
        raise UsageError(f"--plot draws the time per output token: ask for {MINIMUM} output tokens or more")


def encoded(draw: Callable[[], "Figure"], path: str) -> bytes:
    """The file of a figure, in the form that `path` asks for. Raises as `form` does."""
    kind, file = form(path), BytesIO()
    with styled():
        draw().savefig(file, format=kind, dpi=DPI, metadata=FORMS[kind])
    return file.getvalue()


@contextmanager
def styled() -> Iterator[None]:
    """Settings that all pictures are drawn with."""
    from matplotlib import style

    with style.context(("default", STYLE)):
        yield
