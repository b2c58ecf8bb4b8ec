"""Formulas as source that can be pasted and run, a function for each quantity."""

from collections.abc import Callable
from dataclasses import dataclass

from symroof.export.code import layouts
from symroof.export.code.syntax import LARGEST, Syntax
from symroof.export.code.texts import DOUBLES, FunctionText, file_heading, function_texts
from symroof.export.functions import Export


@dataclass(frozen=True)
class Language:
    """A language: its syntax, its comments, what a file begins with and how a function is laid out."""

    syntax: Syntax
    comment: str
    layout: Callable[[FunctionText, str], str]
    helpers: tuple[tuple[str, str], ...] = ()  # what calls it -> source, in order
    note: str = DOUBLES
    gap: str = "\n"  # between functions


def whole_literal(x: int | float) -> str:
    """A literal that is exact up to 2^53; above, the double nearest to it."""
    return str(x) if isinstance(x, int) and x <= LARGEST else repr(float(x))


def double_literal(x: int | float) -> str:
    """A floating-point literal of a number of any size."""
    return f"{x}.0" if isinstance(x, int) and x <= LARGEST else repr(float(x))


PYTHON = Syntax(
    str,
    "power({}, {})",
    "min({}, {})",
    "max({}, {})",
    "",
    many=True,
    ratio="ratio({}, {})",
    floored="{}//{}",
    exact=True,
)
NUMPY = Syntax(whole_literal, "np.power({}, {})", "np.minimum({}, {})", "np.maximum({}, {})", "np.floor({})")
JAVASCRIPT = Syntax(
    whole_literal, "Math.pow({}, {})", "Math.min({}, {})", "Math.max({}, {})", "Math.floor({})", many=True
)
C = Syntax(double_literal, "pow({}, {})", "fmin({}, {})", "fmax({}, {})", "floor({})")
RUST = Syntax(double_literal, "f64::powf({}, {})", "f64::min({}, {})", "f64::max({}, {})", "f64::floor({})")

LANGUAGES = {
    "python": Language(
        PYTHON,
        "# ",
        layouts.python_layout,
        (("ratio(", layouts.RATIO), ("power(", layouts.POWER)),
        "Whole numbers and fractions are exact at any size; powers above 64 are floats.",
        "\n\n",
    ),
    "numpy": Language(
        NUMPY, "# ", layouts.numpy_layout, (("", layouts.FLOATS),), DOUBLES + " Arguments may be arrays.", "\n\n"
    ),
    "javascript": Language(JAVASCRIPT, "// ", layouts.javascript_layout),
    "c": Language(C, "// ", layouts.c_layout, (("", "#include <math.h>\n"),)),
    "rust": Language(RUST, "// ", layouts.rust_layout),
}


def code_file(export: Export, name: str) -> str:
    """The file of an export in one of LANGUAGES, helpers only where a function calls them."""
    language = LANGUAGES[name]
    bodies = [language.layout(x, export.model.name) for x in function_texts(export, language.syntax)]
    helpers = [source for called, source in language.helpers if any(called in body for body in bodies)]
    top = "".join(f"{language.comment}{line}\n" for line in (file_heading(export), language.note))
    return top + "\n" + language.gap.join([*helpers, *bodies])
