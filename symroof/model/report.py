"""A bound graph as rows of exact numbers, ready to print.

`to_dict` and `report --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    model                name, family, source, sizes {symbol: int}
    parameters           total, active (definition in `active_is`), by_role {role: int}
    batch                queries, new_tokens, cached_tokens, groups [{new, cached, count}]
    rules                names and their meaning, a base set first
    precision            role -> {format, bytes, origin}; a role without a format is left out
    rows                 path, op, block, role, layers, of_layers; one_layer and all_layers: FIGURES
    totals               FIGURES
    storage              weights_touched, experts_untouched, embedding, head, cache, total: bytes
    notes                how weights are stored that were given, and what format matmuls of weights alone run in
    warnings             where the config is from unless it is the released file, which towers are not counted, what of
                         the config was set aside, why figures of bytes are null

FIGURES are matmul_flops, vector_flops, flops, weight_bytes, cache_read_bytes, cache_write_bytes, input_bytes,
output_bytes, intensity. Input is activations and cache read, output is activations and cache written. Figures
are integers; where the expected number of experts makes them fractions, floats. Intensity is FLOP per byte. Bytes of
elements without a format are null: the config names no dtype, and none is given.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeVar

from symroof.architecture.structure import Architecture
from symroof.cost.batch import Batch, Query
from symroof.cost.cost import Cost
from symroof.cost.rule_names import RULEBOOK
from symroof.errors import MissingFormat, UnknownName
from symroof.model.evaluation import Evaluation
from symroof.quantization.precision import Precision
from symroof.records import frozen
from symroof.results import Result, header
from symroof.units import iec, si

SCHEMA = "symroof.report/1"
ACTIVE_IS = "weights one token is multiplied by: all but the input table and the experts it is not sent to"

FIGURES: dict[str, Callable[[Cost], Any]] = {
    "matmul_flops": lambda x: x.matmul,
    "vector_flops": lambda x: x.vector,
    "flops": lambda x: x.flops,
    "weight_bytes": lambda x: x.weight_read,
    "cache_read_bytes": lambda x: x.cache_read,
    "cache_write_bytes": lambda x: x.cache_write,
    "input_bytes": lambda x: x.input,
    "output_bytes": lambda x: x.output,
    "intensity": lambda x: x.intensity,
}


def cost_figures(cost: Cost) -> dict[str, int | float | None]:
    """The schema's figures of a cost."""
    return {name: json_number(known_figure(figure, cost)) for name, figure in FIGURES.items()}


def known_figure(figure: Callable[[Any], Any], of: Any) -> Any:
    """A figure; None where it needs bytes of elements without a format."""
    try:
        return figure(of)
    except MissingFormat:
        return None


def json_number(x: Any) -> int | float | None:
    """An exact number as JSON has it: whole ones as int, other fractions as float."""
    return float(x) if isinstance(x, Fraction) else x


def results_by_machine(kind: str, results: Iterable[Any], refused: Iterable[tuple[str, Exception]]) -> dict[str, Any]:
    """Results on several machines as JSON has them, and by label the machines that each failed on."""
    errors = [{"machine": label, "error": str(error)} for label, error in refused]
    return {"schema": f"symroof.{kind}/1", kind: [x.to_dict() for x in results], "refused": errors}


@frozen
class Parameters(Result):
    """Weights of a model: all, those one token is multiplied by, and all by role.

    Counted is what a checkpoint holds: also the learned corrections of experts' scores (e_score_correction_bias), which
    most PyTorch modules keep in buffers, so that `numel` over their parameters leaves them out.
    """

    total: int
    active: int
    by_role: Mapping[str, int]


@frozen
class Row:
    """One operator: its cost in one layer, the layers it runs in, its width symbol and operands as in `Op`."""

    path: str
    role: str
    layers: int
    of_layers: int
    cost: Cost
    width: str = ""
    operands: tuple[str, ...] = ()

    @property
    def block(self) -> str:
        """The block it is in."""
        return self.path.partition("/")[0]

    @property
    def op(self) -> str:
        """Its name within the block."""
        return self.path.partition("/")[2]

    @property
    def all(self) -> Cost:
        """Its cost in all its layers."""
        return self.cost * self.layers

    def to_dict(self) -> dict[str, Any]:
        """The schema's row."""
        names = {"path": self.path, "op": self.op, "block": self.block, "role": self.role}
        layers = {"layers": self.layers, "of_layers": self.of_layers}
        return {**names, **layers, "one_layer": cost_figures(self.cost), "all_layers": cost_figures(self.all)}


R = TypeVar("R")


def by_path(rows: Iterable[R], of: Callable[[R], str], path: str) -> R:
    """The row of the operator at a path. Raises UnknownName."""
    known = {of(row): row for row in rows}
    if path not in known:
        raise UnknownName("operator", path, known)
    return known[path]


@frozen
class Storage:
    """Bytes that memory must hold: weights by what the step does with them, and the cache after it."""

    weights_touched: Any
    experts_untouched: Any
    embedding: Any
    head: Any
    cache: Any

    @property
    def total(self) -> Any:
        """All of it."""
        return self.weights_touched + self.experts_untouched + self.embedding + self.head + self.cache

    @classmethod
    def of(cls, report: "Report") -> "Storage":
        """What the memory of a report's step must hold. Raises MissingFormat."""
        routed = [row.all for row in report.rows if row.role == "routed_experts"]
        # The expected number of experts is a float for many tokens, which may round to more than there are.
        touched = sum(min(x.weight_read, x.weight_held) for x in routed)
        untouched = sum(max(x.weight_held - x.weight_read, 0) for x in routed)
        table, head = (sum(x.all.weight_held for x in report.rows if x.role == role) for role in ("embedding", "head"))
        rest = sum(x.all.weight_held for x in report.rows if x.role not in ("routed_experts", "embedding", "head"))
        return cls(touched + rest, untouched, table, head, report.total.cache_held)

    def to_dict(self) -> dict[str, int | float | None]:
        """The schema's storage."""
        return {name: json_number(x) for name, x in {**self.__dict__, "total": self.total}.items()}


@frozen
class Report(Result):
    """What a step of a model on a batch computes, moves and stores, under named rules and formats.

    `print` shows the table, a notebook the HTML one.
    """

    model: str
    family: str
    source: str
    architecture: Architecture
    parameters: Parameters
    asked: Batch
    rules: tuple[str, ...]
    evaluation: Evaluation
    model_warnings: tuple[str, ...] = ()

    def __getitem__(self, path: str) -> Row:
        """The row of an operator, by its path: `report["mlp/down"]`. Raises UnknownName."""
        return by_path(self.rows, lambda row: row.path, path)

    @property
    def batch(self) -> tuple[Query, ...]:
        """The queries, those alike as one entry."""
        return self.asked.groups

    @property
    def sizes(self) -> Mapping[str, int]:
        """The model's sizes, by symbol name."""
        return self.architecture.sizes

    @property
    def precision(self) -> Precision:
        """The format of every role."""
        return self.evaluation.precision

    @cached_property
    def _sums(self) -> tuple[Any, ...]:
        return self.evaluation.sums(self.asked)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The operators in dataflow order."""
        of_layers = self.architecture.of_layers
        rows = zip(self.evaluation.program.rows, self.evaluation.rows(self._sums), strict=True)
        return tuple(
            Row(path, role, n, of_layers(path, n), cost, width, operands)
            for (path, role, width, operands), (n, cost) in rows
        )

    @cached_property
    def total(self) -> Cost:
        """The whole step."""
        return self.evaluation.total(self._sums)

    @property
    def blocks(self) -> dict[str, tuple[Row, ...]]:
        """The rows by block, in dataflow order."""
        names = dict.fromkeys(row.block for row in self.rows)
        return {name: tuple(row for row in self.rows if row.block == name) for name in names}

    @property
    def storage(self) -> Storage:
        """What memory must hold, by purpose. Raises MissingFormat where bytes are not known."""
        return Storage.of(self)

    @cached_property
    def elements(self) -> Cost:
        """The whole step, in elements instead of bytes."""
        return self.evaluation.in_elements().total(self._sums)

    @property
    def notes(self) -> tuple[str, ...]:
        """How given weights are stored, and which formats of weights are multiplied in that of activations."""
        return (*self.precision.notes, *self.precision.multiplied)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader has to know beyond the figures."""
        aside, lack = self.precision.set_aside, self.precision.lack
        set_aside = (f"the config's {aside} is set aside for the formats given",) if aside else ()
        return (
            *self.model_warnings,
            *set_aside,
            *((f"bytes are not known where no format is: {lack}",) if lack else ()),
        )

    @property
    def queries(self) -> int:
        """The batch size."""
        return self.asked.size

    def to_dict(self) -> dict[str, Any]:
        """The report in the schema that this module documents."""
        names = {"name": self.model, "family": self.family, "source": self.source, "sizes": dict(self.sizes)}
        return {
            **header(SCHEMA),
            "model": names,
            "parameters": {**self.parameters.__dict__, "active_is": ACTIVE_IS},
            "batch": self._batch(),
            "rules": {name: RULEBOOK[name].meaning for name in self.rules},
            "precision": self._precision(),
            "rows": [row.to_dict() for row in self.rows],
            "totals": cost_figures(self.total),
            "storage": self._storage(),
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }

    def _batch(self) -> dict[str, Any]:
        groups = [{"new": q.new, "cached": q.cached, "count": q.count} for q in self.batch]
        new, cached = (sum(g[key] * g["count"] for g in groups) for key in ("new", "cached"))
        return {"queries": self.queries, "new_tokens": new, "cached_tokens": cached, "groups": groups}

    def _storage(self) -> dict[str, int | float | None]:
        storage = known_figure(lambda x: x.storage, self)
        names = (*(x.name for x in fields(Storage)), "total")
        return storage.to_dict() if storage else dict.fromkeys(names)

    def _precision(self) -> dict[str, Any]:
        formats = self.precision.formats.items()
        origin = self.precision.origin
        return {role: {"format": x.name, "bytes": float(x.bytes), "origin": origin[role]} for role, x in formats}

    def __repr__(self) -> str:
        figures = f"{si(self.total.flops)}FLOP"
        if not self.precision.lack:
            figures += f", {iec(self.total.moved)} moved, {iec(self.storage.total)} stored"
        return f"<symroof report {self.model}: {figures}>"
