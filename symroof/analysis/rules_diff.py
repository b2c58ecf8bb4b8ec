"""One step counted by two sets of rules, operator by operator, with the reason for each difference."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sympy import Integer, Symbol

from symroof import symbols as s
from symroof.architecture.structure import Structure
from symroof.cost import rules as counting
from symroof.cost.cost import FIELDS, Cost
from symroof.cost.graph import Block
from symroof.cost.notation import text
from symroof.model.report import Report, figures
from symroof.reference_tools import registry

SCHEMA = "symroof.comparison/1"


@dataclass(frozen=True)
class Difference:
    """An operator under both sets, all its layers; None where a set has no such operator."""

    path: str
    ours: Cost | None
    theirs: Cost | None
    why: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Comparison:
    """Two reports of one step and what tells them apart; `print` shows them side by side."""

    ours: Report
    theirs: Report
    rows: tuple[Difference, ...]

    def __repr__(self) -> str:
        names = " and ".join(",".join(x.rules) for x in (self.ours, self.theirs))
        return f"<symroof comparison of {names} on {self.ours.model}>"

    def __str__(self) -> str:
        from symroof.render.results.rules_diff import render

        return render(self)

    def to_dict(self) -> dict[str, Any]:
        """Both reports in their schema, and for each operator its figures under both and the reasons."""
        rows = [
            {"path": row.path, "ours": _figures(row.ours), "theirs": _figures(row.theirs), "why": list(row.why)}
            for row in self.rows
        ]
        return {"schema": SCHEMA, "ours": self.ours.to_dict(), "theirs": self.theirs.to_dict(), "rows": rows}


def _figures(cost: Cost | None) -> dict[str, Any] | None:
    return None if cost is None else figures(cost)


def compare(ours: Report, theirs: Report, structure: Structure, graph: Block) -> Comparison:
    """The two reports side by side; `graph` is what `ours` counts."""
    left, right = ({row.path: row.all for row in report.rows} for report in (ours, theirs))
    symbols = {path: _symbols(op.cost) for path, _, op in graph.rows()}
    changes = dict(changed(ours.rules, theirs.rules, structure, ours.sizes))
    rows = []
    for path in dict.fromkeys((*left, *right)):
        why: tuple[str, ...] = ()
        if left.get(path) != right.get(path):
            departures = (x for report in (ours, theirs) for x in registry.departures(report.rules, structure, path))
            why = tuple(departures) or _reasons(changes, symbols.get(path, set()))
        rows.append(Difference(path, left.get(path), right.get(path), why))
    return Comparison(ours, theirs, tuple(rows))


def _symbols(cost: Cost) -> set[Symbol]:
    return set().union(*(getattr(getattr(cost, name), "free_symbols", set()) for name in FIELDS))


def _reasons(changes: dict[Symbol, str], symbols: set[Symbol]) -> tuple[str, ...]:
    return tuple(reason for symbol, reason in changes.items() if symbol in symbols)


def changed(
    ours: tuple[str, ...], theirs: tuple[str, ...], structure: Structure, sizes: Mapping[str, int]
) -> Iterator[tuple[Symbol, str]]:
    """The symbols that two sets of rules define differently for a model of those sizes, and how."""
    left, right = counting.layer(ours, structure), counting.layer(theirs, structure)
    values = {s.symbol(name): Integer(x) for name, x in sizes.items()}
    for symbol in left:
        if left[symbol].xreplace(values) != right[symbol].xreplace(values):
            entry = s.entry(str(symbol))
            each = " (each query adds)" if entry.group == "batch" else ""
            yield symbol, f"{entry.meaning}{each}: {symbol} = {text(left[symbol])}, there {text(right[symbol])}"
