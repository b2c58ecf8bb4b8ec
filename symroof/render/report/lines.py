"""What every form of a report says, as plain strings: head, cells, storage, notes."""

from collections.abc import Iterator

from symroof.cost.cost import Cost, total
from symroof.cost.rule_names import RULEBOOK
from symroof.model.report import Report
from symroof.quantization.precision import Precision
from symroof.records import frozen
from symroof.units import iec, iec_cell, ratio, si, si_cell

COLUMNS = (
    "Node",
    "Block count",
    "Compute (FLOP)",
    "Bandwidth (weight)",
    "Bandwidth (input)",
    "Bandwidth (output)",
    "Operational intensity (FLOP/B)",
)

FURTHER = "Multi-token prediction: a draft of further tokens, each module run once on the tokens of the step."


@frozen
class Line:
    """One line of the table: its kind (block, op, subtotal, total), name, block count and figures."""

    kind: str
    name: str
    blocks: str = ""
    figures: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """All cells, empty figures filled up."""
        return (self.name, self.blocks, *(self.figures or ("",) * (len(COLUMNS) - 2)))


def figures(cost: Cost) -> tuple[str, ...]:
    """The figures of a line, aligned."""
    moved = (iec_cell(x) for x in (cost.weight_read, cost.input, cost.output))
    return (si_cell(cost.flops), *moved, ratio(cost.intensity))


def lines(report: Report) -> Iterator[Line]:
    """The table's lines: for each block its operators in one layer, then all its layers; then the model."""
    for name, rows in report.blocks.items():
        layers, of_layers = rows[0].layers, rows[0].of_layers
        yield Line("block", name, f"{layers} / {of_layers}")
        for row in rows:
            yield Line("op", row.op, figures=figures(row.cost))
        if layers * len(rows) > 1:
            label = "1 layer" if layers == 1 else f"{layers} layers"
            yield Line("subtotal", label, figures=figures(total(row.all for row in rows)))
    yield Line("total", "total", figures=figures(report.total))


def title(report: Report) -> str:
    """The model and the batch."""
    groups = [f"{q.count:,} x ({q.new:,} new, {q.cached:,} cached)" for q in report.batch[:3]]
    more = ", ..." if len(report.batch) > 3 else ""
    noun = "query" if report.queries == 1 else "queries"
    return f"{report.model} ({report.family}): {report.queries:,} {noun}: {', '.join(groups)}{more}"


def storage(report: Report) -> list[tuple[str, str]]:
    """The parts of the minimum storage and their sum."""
    kept = report.storage
    parts = [
        ("weights this step touches", kept.weights_touched),
        ("experts it does not touch", kept.experts_untouched),
        ("embedding table", kept.embedding),
        ("head", kept.head),
        ("KV cache", kept.cache),
        ("minimum storage", kept.total),
    ]
    return [(name, iec_cell(x)) for name, x in parts if x or name == "KV cache"]


def notes(report: Report) -> list[str]:
    """Parameters, rules and precision, each with where it came from."""
    count = report.parameters
    return [
        "Operators: one layer. Input and output include the cache read and appended to.",
        f"Parameters: {count.total:,}, of which a token is multiplied by {count.active:,}.",
        *([FURTHER] if "L_mtp" in report.sizes else []),
        *(f"Rules: {name}: {RULEBOOK[name].meaning}." for name in report.rules),
        f"Precision: {formats(report.precision, any(row.role == 'routed_experts' for row in report.rows))}.",
        f"Config: {report.source}.",
        *(f"Warning: {warning}." for warning in report.warnings),
    ]


def formats(precision: Precision, routed: bool) -> str:
    """The formats in force, roles of one format and origin together; that of experts where there are `routed` ones."""
    groups: dict[tuple[str, str], list[str]] = {}
    for role, form in precision.formats.items():
        if role != "experts" or routed:
            groups.setdefault((form.name, precision.origin[role]), []).append(role.replace("_", " "))
    return "; ".join(f"{', '.join(roles)} {name} ({origin})" for (name, origin), roles in groups.items())


def flat(report: Report) -> Iterator[Line]:
    """The table's lines without block lines, each operator under its path: for forms without indentation."""
    for row in report.rows:
        yield Line("op", row.path, f"{row.layers} / {row.of_layers}", figures(row.cost))
    for name, rows in report.blocks.items():
        yield Line("subtotal", f"{name}, all layers", f"{rows[0].layers}", figures(total(row.all for row in rows)))
    yield Line("total", "total", "", figures(report.total))


def summary(report: Report) -> str:
    """The totals in one line."""
    cost = report.total
    return f"{si(cost.flops)}FLOP, {iec(cost.moved)} moved, {iec(report.storage.total)} kept"
