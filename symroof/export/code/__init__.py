"""Formulas as source that can be pasted and run, a function for each quantity."""

from collections.abc import Callable
from dataclasses import dataclass

from symroof.export.code import layouts
from symroof.export.code.statements import wrapped
from symroof.export.code.syntax import LARGEST, Syntax
from symroof.export.code.texts import FunctionText, file_heading, function_texts
from symroof.export.functions import Export

DOUBLES = "Numbers are doubles: whole ones are exact up to 2^53 = 9007199254740992 and rounded above."


@dataclass(frozen=True)
class Language:
    """A language: its syntax, its comments, what a file begins with and how a function is laid out."""

    syntax: Syntax
    comment: str
    layout: Callable[[FunctionText], str]
    helpers: tuple[tuple[str, str], ...] = ()  # what calls it -> source, in order
    notes: tuple[str, ...] = (DOUBLES,)
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
JULIA = Syntax(double_literal, "{}^{}", "min({}, {})", "max({}, {})", "floor({})", many=True)
RUST = Syntax(double_literal, "f64::powf({}, {})", "f64::min({}, {})", "f64::max({}, {})", "f64::floor({})")

MODULE = "An ES module: import it, or paste it into a script of type module. Node needs the ending .mjs."
LANGUAGES = {
    "python": Language(
        PYTHON,
        "# ",
        layouts.python_layout,
        (("ratio(", layouts.RATIO), ("power(", layouts.POWER)),
        ("Whole numbers and fractions are exact at any size; powers above 64 are floats.",),
        "\n\n",
    ),
    "numpy": Language(
        NUMPY,
        "# ",
        layouts.numpy_layout,
        (("", "import numpy as np\n"),),
        (DOUBLES, "Arguments may be arrays."),
        "\n\n",
    ),
    "javascript": Language(JAVASCRIPT, "// ", layouts.javascript_layout, notes=(DOUBLES, MODULE)),
    "typescript": Language(JAVASCRIPT, "// ", layouts.typescript_layout),
    "c": Language(C, "// ", layouts.c_layout, (("", "#include <math.h>\n"),)),
    "rust": Language(RUST, "// ", layouts.rust_layout),
    "julia": Language(JULIA, "# ", layouts.julia_layout),
}


def code_file(export: Export, name: str) -> str:
    """The file of an export in one of LANGUAGES, helpers only where a function calls them."""
    language = LANGUAGES[name]
    bodies = [language.layout(x) for x in function_texts(export, language.syntax)]
    helpers = [source for called, source in language.helpers if any(called in body for body in bodies)]
    top = wrapped((file_heading(export), *language.notes), language.comment)
    return "\n".join([*top, "", language.gap.join([*helpers, *bodies])])
