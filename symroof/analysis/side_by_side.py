"""Models side by side on one batch: the totals of their reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symroof.model.model import Model
from symroof.model.report import Report, cost_figures
from symroof.results import ExactFloat, Result

SCHEMA = "symroof.lineup/1"


@dataclass(frozen=True, repr=False)
class SideBySide(Result):
    """The reports of several models on one batch, and the bytes that one more token adds to the cache of each."""

    reports: tuple[Report, ...]
    cache_per_token: tuple[int | ExactFloat, ...]

    def __repr__(self) -> str:
        return f"<symroof models side by side: {', '.join(x.model for x in self.reports)}>"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader has to know beyond the figures, by model."""
        return tuple(f"{report.model}: {x}" for report in self.reports for x in report.warnings)

    def to_dict(self) -> dict[str, Any]:
        """Each model with its parameters, totals, cache per token, storage and warnings, named as in a report."""
        models = list(map(model_totals, self.reports, self.cache_per_token))
        return {"schema": SCHEMA, "rules": list(self.reports[0].rules), "models": models}


def model_totals(report: Report, cache_per_token: int | ExactFloat) -> dict[str, Any]:
    """The totals of a model's report as JSON has them."""
    return {
        "name": report.model,
        "family": report.family,
        "parameters": report.parameters.total,
        "active": report.parameters.active,
        "totals": cost_figures(report.total),
        "cache_bytes_per_token": float(cache_per_token),
        "storage": report.storage.to_dict(),
        "warnings": list(report.warnings),
    }


def side_by_side(models: Sequence[Model], **step: Any) -> SideBySide:
    """The models side by side; `step` is what `Model.report` takes."""
    formats = {x: step[x] for x in ("dtype", "weights", "experts", "cache", "activations", "states") if x in step}
    return SideBySide(
        tuple(model.report(**step) for model in models),
        tuple(model.cache_per_token(**formats) for model in models),
    )
