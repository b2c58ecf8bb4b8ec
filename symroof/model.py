"""A model: its config's sizes and its structure's formulas, where the two halves meet."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from sympy import Expr, Symbol

from symroof import analyzer, blocks, models, rulebook, workload
from symroof import rules as counting
from symroof import symbols as s
from symroof.architecture import Architecture, Structure
from symroof.binding import Binding, compiled
from symroof.comparison import Comparison, compare
from symroof.config import Config, load_config
from symroof.cost import FIELDS, Cost
from symroof.errors import ConfigError, UnknownName
from symroof.formula import Formula, quantity
from symroof.graph import Block, Op
from symroof.precision import Precision, precision
from symroof.queries import queries
from symroof.report import Parameters, Report, Row

Rules = str | Iterable[str]
CHOICES = frozenset(e.symbol for e in s.VOCABULARY.values() if e.group == "rule")
WIDTHS = tuple(e.symbol for e in s.VOCABULARY.values() if e.group == "width")


def load(model: str | os.PathLike[str] | Mapping[str, Any]) -> "Model":
    """A model by catalogue name, path of a config.json or its directory, hub id, or dict of config keys.

    Raises a SymroofError that says what is wrong with it and how to mend it.
    """
    config = load_config(model)
    return Model(config, models.read(config))


@lru_cache
def graph_of(structure: Structure, base: str) -> Block:
    """The graph that a set of rules counts."""
    return analyzer.graph(structure) if base == rulebook.ANALYZER else blocks.graph(structure)


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


@lru_cache
def table(structure: Structure, names: tuple[str, ...]) -> Table:
    """The compiled table of a structure; what rules choose is bound, sizes, widths and sums stay open."""
    layer = counting.layer(names)
    chosen = Binding({x: expr for x, expr in layer.items() if x not in workload.SUMS})
    found = [(path, op, [count, *(getattr(op.cost, x) for x in FIELDS)])
             for path, count, op in graph_of(structure, names[0]).rows()]  # fmt: skip
    exprs = [chosen(x) for _, _, row in found for x in row]
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
        return {blocks.symbol(name): value for name, value in self.architecture.sizes.items()}

    def with_sizes(self, **sizes: int) -> "Model":
        """The same structure with other sizes: `with_sizes(d=8192)`."""
        return replace(self, architecture=self.architecture.with_sizes(sizes))

    def graph(self, rules: Rules = "standard") -> Block:
        """The operators that the rules count, as a tree of blocks."""
        return graph_of(self.architecture.structure, rulebook.select(rules)[0])

    @cached_property
    def parameters(self) -> Parameters:
        """Its weights, counted with one byte an element, for a step of one token."""
        one_token = dict.fromkeys((*workload.SUMS, *WIDTHS), 1)
        rows = table(self.architecture.structure, ("standard", "experts-k")).evaluate({**self.sizes, **one_token})
        by_role: dict[str, int] = {}
        for _, op, layers, cost in rows:
            by_role[op.role] = by_role.get(op.role, 0) + layers * cost.weight_held
        active = sum(layers * cost.weight_read for _, op, layers, cost in rows if op.role != "embedding")
        return Parameters(sum(by_role.values()), active, {role: x for role, x in by_role.items() if x})

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
        asked, kept = queries(new, cached, batch_size), precision(self.config, **formats)
        counted = table(self.architecture.structure, names)
        sums = workload.batch(asked, counting.layer(names), self.sizes, set(counted.symbols) & workload.SUMS)
        found = counted.evaluate({**self.sizes, **sums, **_widths(kept)})
        rows = (Row(path, op.role, n, self._of(n, path), cost) for path, op, n, cost in found)
        return Report(self.name, self.family, self.config.source, self.architecture.sizes, self.parameters,
                      asked, names, kept, tuple(rows))  # fmt: skip

    def against(self, other: Rules, rules: Rules = "standard", **step: Any) -> Comparison:
        """The step of `report(**step)` under `rules` and under `other`, with the reason for each difference."""
        ours, theirs = self.report(rules=rules, **step), self.report(rules=other, **step)
        return compare(ours, theirs, self.architecture.structure, self.graph(rules))

    def _of(self, layers: int, path: str) -> int:
        return layers if path.startswith(("embedding/", "head/")) else self.architecture.sizes["L"]

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
        root = graph_of(self.architecture.structure, names[0])
        layer = counting.layer(names)
        kept = {x: expr for x, expr in layer.items() if x in CHOICES or (uniform and x not in workload.SUMS)}
        batch = workload.uniform(layer) if uniform else {}
        bound = Binding(kept, batch, self.sizes if bind else {})
        return Formula.of(root.find(op) if op else root, quantity(name), bound)

    def definitions(self, rules: Rules = "standard", logits: str | None = None) -> dict[Symbol, Expr]:
        """What the rules' symbols stand for; of a sum over the batch, what each query adds."""
        return dict(counting.layer(chosen(rules, logits)))

    def known(self) -> dict[Symbol, Any]:
        """Its sizes, and the widths of its elements where its config names a format."""
        try:
            return {**self.sizes, **_widths(precision(self.config))}
        except ConfigError:  # it names none, or an unknown one: a report says so, a formula does without
            return dict(self.sizes)


def _widths(kept: Precision) -> dict[Symbol, Any]:
    return {blocks.symbol(name): x for name, x in kept.widths().items()}


def chosen(names: Rules, logits: str | None) -> tuple[str, ...]:
    """The rules in force, `logits` among them."""
    if logits is None:
        return rulebook.select(names)
    logits = logits.lower()
    if logits not in ("last", "all", "none"):
        raise UnknownName("positions for logits", logits, ("last", "all", "none"))
    listed = [names] if isinstance(names, str) else list(names)
    return rulebook.select([*listed, f"logits-{logits}"])
