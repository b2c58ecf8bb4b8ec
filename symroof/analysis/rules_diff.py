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
from symroof.cost.notation import formula_text
from symroof.model.report import Report, cost_figures
from symroof.reference_tools import registry
from symroof.results import Result

SCHEMA = "symroof.comparison/1"


@dataclass(frozen=True)
class OperatorDifference:
    """The cost of an operator in all layers under both sets of rules; None where a set has no such operator."""

    path: str
    ours: Cost | None
    theirs: Cost | None
    why: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Two reports of one step under different rules, and the reasons for their differences, by operator."""

    ours: Report
    theirs: Report
    rows: tuple[OperatorDifference, ...]

    def __repr__(self) -> str:
        names = " and ".join(",".join(x.rules) for x in (self.ours, self.theirs))
        return f"<symroof comparison of {names} on {self.ours.model}>"

    def to_dict(self) -> dict[str, Any]:
        """Both reports in their schema, and for each operator its figures under both and the reasons."""
        rows = [
            {"path": row.path, "ours": _figures(row.ours), "theirs": _figures(row.theirs), "why": list(row.why)}
            for row in self.rows
        ]
        return {"schema": SCHEMA, "ours": self.ours.to_dict(), "theirs": self.theirs.to_dict(), "rows": rows}


def _figures(cost: Cost | None) -> dict[str, Any] | None:
    return None if cost is None else cost_figures(cost)


def compare_rules(ours: Report, theirs: Report, structure: Structure, graph: Block) -> Comparison:
    """The two reports operator by operator; `graph` is the one that `ours` counts."""
    left, right = ({row.path: row.all for row in report.rows} for report in (ours, theirs))
    symbols = {path: _symbols(op.cost) for path, _, op in graph.rows()}
    changes = dict(rule_changes(ours.rules, theirs.rules, structure, ours.sizes))

    def reasons(path: str) -> tuple[str, ...]:
        departures = (x for report in (ours, theirs) for x in registry.departures(report.rules, structure, path))
        return tuple(departures) or _reasons(changes, symbols.get(path, set()))

    pairs = {path: (left.get(path), right.get(path)) for path in (*left, *right)}
    rows = (OperatorDifference(path, x, y, reasons(path) if x != y else ()) for path, (x, y) in pairs.items())
    return Comparison(ours, theirs, tuple(rows))


def _symbols(cost: Cost) -> set[Symbol]:
    return set().union(*(getattr(getattr(cost, name), "free_symbols", set()) for name in FIELDS))


def _reasons(changes: dict[Symbol, str], symbols: set[Symbol]) -> tuple[str, ...]:
    return tuple(reason for symbol, reason in changes.items() if symbol in symbols)


def rule_changes(
    ours: tuple[str, ...], theirs: tuple[str, ...], structure: Structure, sizes: Mapping[str, int]
) -> Iterator[tuple[Symbol, str]]:
    """The symbols that two sets of rules define differently for a model of those sizes, and how."""
    left, right = counting.rule_layer(ours, structure), counting.rule_layer(theirs, structure)
    values = {s.symbol(name): Integer(x) for name, x in sizes.items()}
    for symbol in left:
        if left[symbol].xreplace(values) != right[symbol].xreplace(values):
            definitions = f"{symbol} = {formula_text(left[symbol])}, there {formula_text(right[symbol])}"
            yield symbol, f"{_meaning(symbol)}: {definitions}"


def _meaning(symbol: Symbol) -> str:
    entry = s.entry(str(symbol))
    return f"{entry.meaning} (each query adds)" if entry.group == "batch" else entry.meaning
