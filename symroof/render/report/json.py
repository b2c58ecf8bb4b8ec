"""A report as JSON; the schema is documented in symroof.model.report."""

import json

from symroof.model.report import Report


def report_json(report: Report) -> str:
    """The report's record, indented."""
    return json.dumps(report.to_dict(), indent=2) + "\n"
