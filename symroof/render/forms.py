"""The forms that reports and formulas are printed in."""

from importlib import import_module
from typing import TYPE_CHECKING

from symroof.errors import UnknownName

if TYPE_CHECKING:
    from symroof.model.report import Report

REPORT_FORMS = ("table", "json", "csv", "markdown", "html", "latex")
CODE_FORMS = ("python", "numpy", "javascript", "typescript", "c", "rust", "julia")
FORMULA_FORMS = ("text", "latex", "markdown", "mathml", "json", *CODE_FORMS, "excel")


def render_report(report: "Report", form: str) -> str:
    """The report in one of REPORT_FORMS. Raises UnknownName."""
    if form not in REPORT_FORMS:
        raise UnknownName("form", form, REPORT_FORMS)
    return str(getattr(import_module(f"symroof.render.report.{form}"), f"report_{form}")(report))
