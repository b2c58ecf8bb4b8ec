"""Reports and formulas as text, one form a file: each module's `render` returns a string."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symroof.model.report import Report

FORMS = ("table", "json", "csv", "markdown", "html", "latex")
FORMULA_FORMS = ("text", "latex", "markdown", "mathml", "json", "python", "numpy", "javascript", "c", "rust", "excel")


def render(report: "Report", form: str) -> str:
    """The report in one of FORMS."""
    from symroof.errors import UnknownName

    if form not in FORMS:
        raise UnknownName("form", form, FORMS)
    return str(import_module(f"symroof.render.report.{form}").render(report))
