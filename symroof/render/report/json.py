"""A report as JSON; the schema is documented in symroof.report."""

import json

from symroof.model.report import Report


def render(report: Report) -> str:
    """The schema's object, indented."""
    return json.dumps(report.to_dict(), indent=2) + "\n"
