"""Models side by side on one batch: the totals of their reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symroof.model.model import Model
from symroof.model.report import Report, figures, plain

SCHEMA = "symroof.lineup/1"


@dataclass(frozen=True)
class Lineup:
    """The reports of several models on one batch, and the bytes a further token adds to each one's cache."""

    reports: tuple[Report, ...]
    cache_per_token: tuple[Fraction, ...]

    def to_dict(self) -> dict[str, Any]:
        """Each model with its parameters, totals, cache per token and storage, named as in a report."""
        rows = [
            {
                "name": x.model,
                "family": x.family,
                "parameters": x.parameters.total,
                "active": x.parameters.active,
                "totals": figures(x.total),
                "cache_bytes_per_token": plain(cache),
                "storage": x.storage.to_dict(),
            }
            for x, cache in zip(self.reports, self.cache_per_token, strict=True)
        ]
        return {"schema": SCHEMA, "rules": list(self.reports[0].rules), "models": rows}

    def __str__(self) -> str:
        from symroof.render.results.side_by_side import render

        return render(self)


def lineup(models: Sequence[Model], **step: Any) -> Lineup:
    """The models side by side; `step` is what `Model.report` takes."""
    formats = {x: step[x] for x in ("dtype", "weights", "experts", "cache", "activations", "states") if x in step}
    return Lineup(
        tuple(model.report(**step) for model in models),
        tuple(model.cache_per_token(**formats) for model in models),
    )
