"""What every form of a report says, as plain strings: title, lines of cells, storage, notes."""

from collections.abc import Iterator
from operator import attrgetter

from symroof.cost.cost import Cost, sum_costs
from symroof.model.report import Report, known_figure
from symroof.quantization.precision import Precision
from symroof.records import frozen
from symroof.render.phrases import batch_group, query_count, rule_meanings
from symroof.units import iec_cell, ratio_text, si_cell

COLUMNS = (
    "Node",
    "Block count",
    "Compute (FLOP)",
    "Bandwidth (weight)",
    "Bandwidth (input)",
    "Bandwidth (output)",
    "Operational intensity (FLOP/B)",
)

DRAFT_NOTE = "Multi-token prediction: a draft of further tokens, each module run once on the tokens of the step."


@frozen
class Line:
    """A line of the table: its kind (block, op, subtotal, total), name, block count and figures."""

    kind: str
    name: str
    blocks: str = ""
    figures: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """Name, block count and figures, empty where the line has none."""
        return (self.name, self.blocks, *(self.figures or ("",) * (len(COLUMNS) - 2)))


def figure_cells(cost: Cost) -> tuple[str, ...]:
    """FLOP, bytes read and written, and intensity of a line."""
    moved = (known_figure(x, cost) for x in (attrgetter("weight_read"), attrgetter("input"), attrgetter("output")))
    intensity = known_figure(attrgetter("intensity"), cost)
    return (si_cell(cost.flops), *("-" if x is None else iec_cell(x) for x in moved), ratio_text(intensity))


def table_lines(report: Report) -> Iterator[Line]:
    """Per block its operators in one layer, then all its layers; last the model."""
    for name, rows in report.blocks.items():
        layers, of_layers = rows[0].layers, rows[0].of_layers
        yield Line("block", name, f"{layers} / {of_layers}")
        for row in rows:
            yield Line("op", row.op, figures=figure_cells(row.cost))
        if layers * len(rows) > 1:
            label = "1 layer" if layers == 1 else f"{layers} layers"
            yield Line("subtotal", label, figures=figure_cells(sum_costs(row.all for row in rows)))
    yield Line("total", "total", figures=figure_cells(report.total))


def report_title(report: Report) -> str:
    """The model and the batch."""
    groups = [batch_group(q.count, q.new, q.cached) for q in report.batch[:3]]
    more = ", ..." if len(report.batch) > 3 else ""
    return f"{report.model} ({report.family}): {query_count(report.queries)}: {', '.join(groups)}{more}"


def storage_cells(report: Report) -> list[tuple[str, str]]:
    """The parts of the minimum storage and their sum; a dash where bytes are not known."""
    if report.precision.lack:
        return [("minimum storage", "-")]
    storage = report.storage
    parts = [
        ("weights this step touches", storage.weights_touched),
        ("experts it does not touch", storage.experts_untouched),
        ("embedding table", storage.embedding),
        ("head", storage.head),
        ("KV cache", storage.cache),
        ("minimum storage", storage.total),
    ]
    return [(name, iec_cell(x)) for name, x in parts if x or name == "KV cache"]


def report_notes(report: Report, compute: str = "") -> list[str]:
    """Parameters, rules, precision and config, with their origin; `compute`: the format of all matmuls, if given."""
    count = report.parameters
    return [
        "Operators: one layer. Input and output include the cache read and appended to.",
        f"Parameters: {count.total:,}, of which a token is multiplied by {count.active:,}.",
        *([DRAFT_NOTE] if "L_mtp" in report.sizes else []),
        *(f"Rules: {rule}." for rule in rule_meanings(report.rules)),
        f"Precision: {precision_text(report.precision, has_routed_experts(report))}.",
        *precision_notes(report.precision, compute),
        *element_notes(report),
        f"Config: {report.source}.",
        *(f"Warning: {warning}." for warning in report.warnings),
    ]


def precision_notes(precision: Precision, compute: str = "") -> list[str]:
    """How weights are stored, and what those quantised alone are multiplied in unless `compute` is given."""
    return [f"Note: {x}." for x in (*precision.notes, *(() if compute else precision.multiplied))]


def element_notes(report: Report) -> list[str]:
    """What the step moves and stores in elements, where bytes are not known."""
    if not report.precision.lack:
        return []
    x = report.elements
    moved = f"weights {si_cell(x.weight_read)}, input {si_cell(x.input)}, output {si_cell(x.output)}"
    return [f"Elements moved: {moved}; in the cache after the step: {si_cell(x.cache_held)}."]


def has_routed_experts(report: Report) -> bool:
    """Whether any operator multiplies by routed experts."""
    return any(row.role == "routed_experts" for row in report.rows)


def precision_text(precision: Precision, routed: bool) -> str:
    """Each format with the roles that have it and its origin; that of experts only where they are `routed`."""
    groups: dict[tuple[str, str], list[str]] = {}
    for role, form in precision.formats.items():
        if role != "experts" or routed:
            groups.setdefault((form.name, precision.origin[role]), []).append(role.replace("_", " "))
    texts = (f"{', '.join(roles)} {name} ({origin})" for (name, origin), roles in groups.items())
    return "; ".join(texts) or "no format is named"


def path_lines(report: Report) -> Iterator[Line]:
    """Operators under their paths, then blocks, then the model: for forms without indentation."""
    for row in report.rows:
        yield Line("op", row.path, f"{row.layers} / {row.of_layers}", figure_cells(row.cost))
    for name, rows in report.blocks.items():
        cost = sum_costs(row.all for row in rows)
        yield Line("subtotal", f"{name}, all layers", f"{rows[0].layers}", figure_cells(cost))
    yield Line("total", "total", "", figure_cells(report.total))
