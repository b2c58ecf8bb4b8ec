"""A model: its config's sizes and its structure's formulas, where the two halves meet."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from sympy import Expr, Integer, Symbol, sympify

from symroof import blocks, foreign, grafts, models, rulebook, workload
from symroof import rules as counting
from symroof import symbols as s
from symroof.architecture import Architecture, Structure
from symroof.binding import Binding, compiled, exact_number
from symroof.comparison import Comparison, compare
from symroof.config import Config, load_config
from symroof.cost import FIELDS, Cost
from symroof.errors import ConfigError, UnknownName, UsageError
from symroof.formula import Formula, quantity
from symroof.graph import Block, Op
from symroof.precision import Precision, precision
from symroof.queries import Query, queries
from symroof.report import Parameters, Report, Row

Rules = str | Iterable[str]
WIDTHS = tuple(e.symbol for e in s.VOCABULARY.values() if e.group == "width")


def load(model: str | os.PathLike[str] | Mapping[str, Any], mtp: bool = False) -> "Model":
    """A model by catalogue name, path of a config.json or its directory, hub id, or dict of config keys.

    `mtp`: with the layers that predict tokens further ahead (multi-token prediction), which run once in a step, on
    its tokens. Raises a SymroofError that says what is wrong with it and how to mend it.
    """
    config = load_config(model)
    return Model(config, models.read(config, mtp))


@lru_cache(512)
def graph_of(structure: Structure, tool: str = "") -> Block:
    """The graph of a structure: ours, or as another tool sees it."""
    return foreign.TOOLS[tool].graph(structure) if tool else blocks.graph(structure)


@dataclass(frozen=True)
class Table:
    """The operators of a structure under some rules, with every figure compiled to one function."""

    rows: tuple[tuple[str, Op], ...]
    symbols: tuple[Symbol, ...]
    run: Callable[..., list[Any]]

    def evaluate(self, values: Mapping[Symbol, Any]) -> list[tuple[str, Op, int, Cost]]:
        """(path, operator, layers, cost of one layer) of every operator, in exact numbers."""
        flat = iter(self.run(*(values[x] for x in self.symbols)))
        return [(path, op, next(flat), Cost(*(next(flat) for _ in FIELDS))) for path, op in self.rows]


def table(structure: Structure, names: tuple[str, ...], own: Block | None = None) -> Table:
    """The compiled table of a structure under named rules; of one's `own` graph where there is one."""
    layer = counting.layer(names, structure)
    choices = frozenset((x, expr) for x, expr in layer.items() if s.group(x) != "batch")
    return tabulated(own or graph_of(structure, foreign.tool(names)), choices)


@lru_cache(512)
def tabulated(graph: Block, choices: frozenset[tuple[Symbol, Expr]]) -> Table:
    """The table with what rules choose bound; sizes, widths and sums stay open: rules that differ there share it."""
    bound = Binding(dict(choices))
    found = [(path, op, [count, *(getattr(op.cost, x) for x in FIELDS)])
             for path, count, op in graph.rows()]  # fmt: skip
    exprs = [bound(x) for _, _, row in found for x in row]
    symbols = tuple(sorted(set().union(*(x.free_symbols for x in exprs)), key=str))
    return Table(tuple((path, op) for path, op, _ in found), symbols, compiled(exprs, symbols))


@dataclass(frozen=True)
class Model:
    """A model read from a config. `parameters`, `formula()` and `report()` are what it can tell.

    `own`: a graph in place of the one that its structure makes.
    """

    config: Config
    architecture: Architecture
    own: Block | None = None

    @property
    def name(self) -> str:
        """The model's name in the catalogue, on the hub, or of its file; that of its own graph."""
        return self.config.name

    @property
    def family(self) -> str:
        """The family that read its config."""
        return self.architecture.family

    def __repr__(self) -> str:
        return f"<symroof model {self.name} ({self.family}, {self.parameters.total:,} parameters)>"

    @property
    def sizes(self) -> dict[Symbol, int]:
        """Its sizes as a layer of definitions."""
        return {s.symbol(name): value for name, value in self.architecture.sizes.items()}

    def with_sizes(self, **sizes: int) -> "Model":
        """The same operators with other sizes: `with_sizes(d=8192)`."""
        if self.own:
            return self.with_graph(self.own, **sizes)
        return replace(self, architecture=self.architecture.with_sizes(sizes))

    def with_graph(self, graph: Block, **sizes: int) -> "Model":
        """The same config with a graph of one's own, whose name is the model's.

        `sizes` of symbols that the graph has besides the model's, or other ones of these. Raises UsageError for a
        symbol without a number.
        """
        layer, config = self.definitions(), self.config
        architecture = self.architecture.with_sizes(sizes, grafts.sizes(graph, layer))
        source = config.source if self.own else f"{config.source}; with a graph of one's own"
        found = Model(replace(config, name=graph.name, source=source), architecture, graph)
        grafts.check(graph, layer, found.sizes)
        return found

    def graph(self, rules: Rules = "standard") -> Block:
        """The operators that the rules count, as a tree of blocks."""
        names = rulebook.select(rules)
        self._check(names)
        return self.own or graph_of(self.architecture.structure, foreign.tool(names))

    @cached_property
    def parameters(self) -> Parameters:
        """Its weights, counted with one byte an element, for a step of one token."""
        rules, one = self.definitions("experts-k"), dict.fromkeys(WIDTHS, Integer(1))
        values = {**one, **self.sizes, **{x: Integer(1) for x in rules if s.group(x) == "batch"}}
        bound = Binding({x: expr for x, expr in rules.items() if s.group(x) != "batch"}, values)
        by_role: dict[str, int] = {}
        active = 0
        for _, count, op in self.graph().rows():
            held, read = (int(bound(count * x)) for x in (op.cost.weight_held, op.cost.weight_read))
            by_role[op.role] = by_role.get(op.role, 0) + held
            active += 0 if op.shared or op.name.startswith("lookup") else min(read, held or read)
        return Parameters(sum(by_role.values()), active, {role: x for role, x in by_role.items() if x})

    def cache_per_token(self, **formats: str | None) -> Fraction:
        """Bytes that each further token adds to the cache once every window is full; `formats` as for a report."""
        known = {**self.sizes, **_widths(precision(self.config, self.architecture, True, **formats))}
        layer, held, far = self.definitions(), self.formula("cache_size"), 2**30
        sums = (workload.batch([Query(1, c - 1)], layer, self.sizes, held.free_symbols) for c in (far, 2 * far))
        near, further = (exact_number(Binding(known, x)(held)) for x in sums)
        return Fraction(further - near, far)

    def report(
        self,
        new: int | Sequence[int] = 1,
        cached: int | Sequence[int] = 0,
        batch_size: int | None = None,
        rules: Rules = "standard",
        logits: str | None = None,
        **formats: str | None,
    ) -> Report:
        """What one step costs: query i adds `new[i]` tokens to `cached[i]`.

        `rules`: names of the rulebook; `logits`: last, all or none, short for the rule; `formats`: dtype,
        weights, experts, activations, cache, each a name of `dtypes.BITS`, bytes per element exactly.
        """
        names = chosen(rules, logits)
        counted, layer = self._table(names), counting.layer(names, self.architecture.structure)
        asked = queries(new, cached, batch_size)
        kept = precision(self.config, self.architecture, s.b_s in counted.symbols, **formats)
        sums = workload.batch(asked, layer, self.sizes, counted.symbols)
        found = counted.evaluate({**self.sizes, **sums, **_widths(kept)})
        rows = (Row(path, op.role, n, self._of(n, path), cost, op.width) for path, op, n, cost in found)
        return Report(self.name, self.family, self.config.source, self.architecture.sizes, self.parameters,
                      asked, names, kept, tuple(rows))  # fmt: skip

    def uniform(self, given: Mapping[Symbol, Any], rules: Rules = "standard", logits: str | None = None,
                **formats: str | None) -> tuple[Row, ...]:  # fmt: skip
        """The rows of a report on B queries of n new and c cached tokens: closed forms in those not `given`."""
        names = chosen(rules, logits)
        counted, layer = self._table(names), counting.layer(names, self.architecture.structure)
        kept = precision(self.config, self.architecture, s.b_s in counted.symbols, **formats)
        choices = {x: expr for x, expr in layer.items() if s.group(x) in ("rule", "step")}
        sums = workload.uniform(layer, counted.symbols)
        bound = Binding(choices, sums, self.sizes, _widths(kept), given)
        return tuple(
            Row(path, op.role, int(bound(count)), self._of(int(bound(count)), path),
                Cost(*(bound(getattr(op.cost, x)) for x in FIELDS)), op.width)
            for path, count, op in self.graph(rules).rows()
        )  # fmt: skip

    def precision(self, **formats: str | None) -> Precision:
        """The formats in force, as a report has them."""
        recurrent = s.b_s in self._table(rulebook.select("standard")).symbols
        return precision(self.config, self.architecture, recurrent, **formats)

    def against(self, other: Rules, rules: Rules = "standard", **step: Any) -> Comparison:
        """The step of `report(**step)` under `rules` and under `other`, with the reason for each difference."""
        ours, theirs = self.report(rules=rules, **step), self.report(rules=other, **step)
        return compare(ours, theirs, self.architecture.structure, self.graph(rules))

    def _table(self, names: tuple[str, ...]) -> Table:
        self._check(names)
        return table(self.architecture.structure, names, self.own)

    def _check(self, names: tuple[str, ...]) -> None:
        tool = foreign.tool(names)
        if tool and self.own:
            raise UsageError(f"rules {tool} are those of a tool that knows no graph of one's own: leave them out")
        if tool and self.family not in foreign.TOOLS[tool].families:
            known = " and ".join(foreign.TOOLS[tool].families)
            raise UsageError(f"rules {tool} are those of a tool that knows {known} only, not {self.family}")
        if names[0] == "transformers" and self.architecture.structure.mtp:
            raise UsageError("rules transformers: it builds no multi-token-prediction layers: leave out --mtp")

    def _of(self, layers: int, path: str) -> int:
        once = {x.name for x in self.architecture.structure.sublayers if not x.layers} | {"embedding", "head"}
        return layers if path.partition("/")[0] in once or path.startswith("mtp.") else self.architecture.sizes["L"]

    def formula(
        self,
        name: str = "flops",
        op: str = "",
        rules: Rules = "standard",
        logits: str | None = None,
        uniform: bool = False,
        bind: bool = False,
    ) -> Expr:
        """The closed form of a quantity, a sympy expression in the vocabulary.

        `op`: of one layer of that operator or block, not of the model; `uniform`: for B queries of n new and c
        cached tokens; `bind`: with the model's sizes in it, the batch left open.
        """
        return self.formula_parts(name, op, rules, logits, uniform, bind).total

    def formula_parts(
        self,
        name: str,
        op: str = "",
        rules: Rules = "standard",
        logits: str | None = None,
        uniform: bool = False,
        bind: bool = False,
    ) -> Formula:
        """`formula` by block, or by operator of the block at `op`."""
        names = chosen(rules, logits)
        root, layer = self.graph(rules), counting.layer(names, self.architecture.structure)
        node, kinds = root.find(op) if op else root, ("rule", "step") if uniform else ("rule",)
        kept = {x: expr for x, expr in layer.items() if s.group(x) in kinds}
        used = symbols_of([quantity(name).of(x.cost) for x in operators(node)] + [*kept.values()])
        batch = workload.uniform(layer, used) if uniform else {}
        bound = Binding(kept, batch, self.sizes if bind else {})
        return Formula.of(node, quantity(name), bound)

    def definitions(self, rules: Rules = "standard", logits: str | None = None) -> dict[Symbol, Expr]:
        """What the rules' symbols stand for; of a sum over the batch, what each query adds."""
        return dict(counting.layer(chosen(rules, logits), self.architecture.structure))

    def known(self) -> dict[Symbol, Any]:
        """Its sizes, and the widths of its elements where its config names a format."""
        try:
            return {**self.sizes, **_widths(precision(self.config, self.architecture))}
        except ConfigError:  # it names none, or an unknown one: a report says so, a formula does without
            return dict(self.sizes)


def operators(node: Block | Op) -> list[Op]:
    """An operator, or all those of a block."""
    return [op for _, _, op in node.rows()] if isinstance(node, Block) else [node]


def symbols_of(exprs: Iterable[Any]) -> set[Symbol]:
    """All symbols that occur in some expressions."""
    return set().union(*(sympify(x, strict=True).free_symbols for x in exprs))


def _widths(kept: Precision) -> dict[Symbol, Any]:
    return {s.symbol(name): x for name, x in kept.widths().items()}


def chosen(names: Rules, logits: str | None) -> tuple[str, ...]:
    """The rules in force, `logits` among them."""
    if logits is None:
        return rulebook.select(names)
    logits = logits.lower()
    if logits not in ("last", "all", "none"):
        raise UnknownName("positions for logits", logits, ("last", "all", "none"))
    listed = [names] if isinstance(names, str) else list(names)
    return rulebook.select([*listed, f"logits-{logits}"])
