"""A model: its config's sizes and its structure's formulas, where the two halves meet."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from sympy import Expr, Integer, Symbol, sympify

from symroof import analyzer, blocks, models, rulebook, workload
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


def load(model: str | os.PathLike[str] | Mapping[str, Any]) -> "Model":
    """A model by catalogue name, path of a config.json or its directory, hub id, or dict of config keys.

    Raises a SymroofError that says what is wrong with it and how to mend it.
    """
    config = load_config(model)
    return Model(config, models.read(config))


@lru_cache(512)
def graph_of(structure: Structure, analysed: bool = False) -> Block:
    """The graph of a structure: ours, or as Transformer Roofline Analyzer sees it."""
    return analyzer.graph(structure) if analysed else blocks.graph(structure)


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


def table(structure: Structure, names: tuple[str, ...]) -> Table:
    """The compiled table of a structure under named rules."""
    layer = counting.layer(names, structure)
    choices = frozenset((x, expr) for x, expr in layer.items() if s.group(x) != "batch")
    return tabulated(structure, names[0] == rulebook.ANALYZER, choices)


@lru_cache(512)
def tabulated(structure: Structure, analysed: bool, choices: frozenset[tuple[Symbol, Expr]]) -> Table:
    """The table with what rules choose bound; sizes, widths and sums stay open: rules that differ there share it."""
    bound = Binding(dict(choices))
    found = [(path, op, [count, *(getattr(op.cost, x) for x in FIELDS)])
             for path, count, op in graph_of(structure, analysed).rows()]  # fmt: skip
    exprs = [bound(x) for _, _, row in found for x in row]
    symbols = tuple(sorted(set().union(*(x.free_symbols for x in exprs)), key=str))
    return Table(tuple((path, op) for path, op, _ in found), symbols, compiled(exprs, symbols))


@dataclass(frozen=True)
class Model:
    """A model read from a config. `parameters`, `formula()` and `report()` are what it can tell."""

    config: Config
    architecture: Architecture

    @property
    def name(self) -> str:
        """The model's name in the catalogue, on the hub, or of its file."""
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
        """The same structure with other sizes: `with_sizes(d=8192)`."""
        return replace(self, architecture=self.architecture.with_sizes(sizes))

    def graph(self, rules: Rules = "standard") -> Block:
        """The operators that the rules count, as a tree of blocks."""
        base = rulebook.select(rules)[0]
        self._check(base)
        return graph_of(self.architecture.structure, base == rulebook.ANALYZER)

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
            active += 0 if op.name.startswith("lookup") else min(read, held or read)
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
        rows = (Row(path, op.role, n, self._of(n, path), cost) for path, op, n, cost in found)
        return Report(self.name, self.family, self.config.source, self.architecture.sizes, self.parameters,
                      asked, names, kept, tuple(rows))  # fmt: skip

    def against(self, other: Rules, rules: Rules = "standard", **step: Any) -> Comparison:
        """The step of `report(**step)` under `rules` and under `other`, with the reason for each difference."""
        ours, theirs = self.report(rules=rules, **step), self.report(rules=other, **step)
        return compare(ours, theirs, self.architecture.structure, self.graph(rules))

    def _table(self, names: tuple[str, ...]) -> Table:
        self._check(names[0])
        return table(self.architecture.structure, names)

    def _check(self, base: str) -> None:
        if base == rulebook.ANALYZER and self.family not in analyzer.FAMILIES:
            known = " and ".join(analyzer.FAMILIES)
            raise UsageError(f"rules {base} are those of a tool that knows {known} only, not {self.family}")

    def _of(self, layers: int, path: str) -> int:
        once = {x.name for x in self.architecture.structure.sublayers if not x.layers} | {"embedding", "head"}
        return layers if path.partition("/")[0] in once else self.architecture.sizes["L"]

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
    return set().union(*(sympify(x).free_symbols for x in exprs))


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
