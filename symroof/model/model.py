"""A model: its config's sizes and its structure's formulas, where the two halves meet.

Numbers are those of compiled formulas, and need no sympy; what is symbolic is imported where it is asked for.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from symroof.architecture.structure import Architecture
from symroof.config.config import Config, load_config
from symroof.cost import rule_names
from symroof.cost.batch import Batch, batch
from symroof.errors import ConfigError, UnknownName, UsageError
from symroof.families.registry import read
from symroof.model.evaluation import Evaluation
from symroof.model.programs import Program, program
from symroof.model.report import Parameters, Report, Row
from symroof.quantization.precision import Precision, precision
from symroof.records import frozen

if TYPE_CHECKING:
    from sympy import Expr, Symbol

    from symroof.analysis.rules_diff import Comparison
    from symroof.cost.graph import Block
    from symroof.cost.quantities import Formula
    from symroof.sweeps.plan import Sweep

Rules = str | Iterable[str]


def load(model: str | os.PathLike[str] | Mapping[str, Any], mtp: bool = False) -> "Model":
    """A model by catalogue name, path of a config.json or its directory, hub id, or dict of config keys.

    `mtp`: with the layers that predict tokens further ahead (multi-token prediction), which run once in a step, on
    its tokens. Raises a SymroofError that says what is wrong with it and how to mend it.
    """
    config = load_config(model)
    return Model(config, read(config, mtp))


@frozen
class Model:
    """A model read from a config. `parameters`, `formula()` and `report()` are what it can tell.

    `own`: a graph in place of the one that its structure makes.
    """

    config: Config
    architecture: Architecture
    own: "Block | None" = None

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
    def sizes(self) -> "dict[Symbol, int]":
        """Its sizes as a layer of definitions."""
        from symroof.model.formulas import symbols

        return symbols(self.architecture.sizes)

    def with_sizes(self, **sizes: int) -> "Model":
        """The same operators with other sizes: `with_sizes(d=8192)`."""
        if self.own:
            return self.with_graph(self.own, **sizes)
        return replace(self, architecture=self.architecture.with_sizes(sizes))

    def with_graph(self, graph: "Block", **sizes: int) -> "Model":
        """The same config with a graph of one's own, whose name is the model's.

        `sizes` of symbols that the graph has besides the model's, or other ones of these. Raises UsageError for a
        symbol without a number.
        """
        from symroof.model import custom_graph

        layer, config = self.definitions(), self.config
        architecture = self.architecture.with_sizes(sizes, custom_graph.sizes(graph, layer))
        source = config.source if self.own else f"{config.source}; with a graph of one's own"
        found = Model(replace(config, name=graph.name, source=source), architecture, graph)
        custom_graph.check(graph, layer, found.sizes)
        return found

    def graph(self, rules: Rules = "standard") -> "Block":
        """The operators that the rules count, as a tree of blocks."""
        from symroof.model.formulas import graph_of
        from symroof.reference_tools.registry import tool

        names = rule_names.select(rules)
        self._check(names)
        return self.own or graph_of(self.architecture.structure, tool(names))

    @cached_property
    def parameters(self) -> Parameters:
        """Its weights, counted with one byte an element, for a step of one token."""
        found, sizes = self._program(("standard",)), self.architecture.sizes
        flat = iter(found.weighed(*(sizes.get(name) for name in found.known)))
        by_role: dict[str, int] = {}
        active = 0
        for role, multiplied in found.weights:
            held, read = int(next(flat)), int(next(flat))
            by_role[role] = by_role.get(role, 0) + held
            active += min(read, held or read) if multiplied else 0
        return Parameters(sum(by_role.values()), active, {role: x for role, x in by_role.items() if x})

    def cache_per_token(self, **formats: str | None) -> Fraction:
        """Bytes that each further token adds to the cache once every window is full; `formats` as for a report."""
        at, far = self._evaluation(("standard",), formats), 2**30
        near, further = (at.total(at.sums(Batch([1], [x - 1]))).cache_held for x in (far, 2 * far))
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
        at = self._evaluation(names, formats)
        return Report(
            self.name,
            self.family,
            self.config.source,
            self.architecture,
            self.parameters,
            batch(new, cached, batch_size),
            names,
            at,
        )

    def uniform(
        self, given: "Mapping[Symbol, Any]", rules: Rules = "standard", logits: str | None = None, **formats: str | None
    ) -> tuple[Row, ...]:
        """The rows of a report on B queries of n new and c cached tokens: closed forms in those not `given`."""
        from symroof.model import formulas

        widths = formulas.symbols(self._evaluation(chosen(rules, logits), formats).precision.widths())
        found = formulas.uniform(self.graph(rules), self.definitions(rules, logits), {**self.sizes, **widths, **given})
        return tuple(
            Row(path, op.role, n, self.architecture.of_layers(path, n), cost, op.width) for path, n, op, cost in found
        )

    def sweep(
        self, over: "Mapping[str, Any] | Iterable[str]", quantities: str | Iterable[str] = (), **given: Any
    ) -> "Sweep":
        """Quantities at every point of a grid: `sweep({"batch": "1:512:x2"}, "flops,bytes")`; `sweeps.plan` has all."""
        from symroof.sweeps.sweep import sweep

        return sweep(self, over, quantities, **given)

    def precision(self, **formats: str | None) -> Precision:
        """The formats in force, as a report has them."""
        return self._evaluation(("standard",), formats).precision

    def against(self, other: Rules, rules: Rules = "standard", **step: Any) -> "Comparison":
        """The step of `report(**step)` under `rules` and under `other`, with the reason for each difference."""
        from symroof.analysis.rules_diff import compare

        ours, theirs = self.report(rules=rules, **step), self.report(rules=other, **step)
        return compare(ours, theirs, self.architecture.structure, self.graph(rules))

    @cached_property
    def _evaluations(self) -> dict[Any, Evaluation]:
        return {}

    def _evaluation(self, names: tuple[str, ...], formats: Mapping[str, str | None]) -> Evaluation:
        key = names, *sorted(formats.items())
        if key not in self._evaluations:
            found = self._program(names)
            kept = precision(self.config, self.architecture, "b_s" in found.known, **formats)
            self._evaluations[key] = Evaluation.of(found, self.architecture.sizes, kept)
        return self._evaluations[key]

    def _program(self, names: tuple[str, ...]) -> Program:
        self._check(names)
        return program(self.architecture.structure, names, self.own)

    def _check(self, names: tuple[str, ...]) -> None:
        name, known = names[0], rule_names.RULEBOOK[names[0]].tool
        if known and self.own:
            raise UsageError(f"rules {name} are those of a tool that knows no graph of one's own: leave them out")
        if known and self.family not in known:
            told = " and ".join(known)
            raise UsageError(f"rules {name} are those of a tool that knows {told} only, not {self.family}")
        if name == "transformers" and self.architecture.structure.mtp:
            raise UsageError("rules transformers: it builds no multi-token-prediction layers: leave out --mtp")

    def formula(
        self,
        name: str = "flops",
        op: str = "",
        rules: Rules = "standard",
        logits: str | None = None,
        uniform: bool = False,
        bind: bool = False,
    ) -> "Expr":
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
    ) -> "Formula":
        """`formula` by block, or by operator of the block at `op`."""
        from symroof.model import formulas

        sizes = self.sizes if bind else {}
        return formulas.parts(self.graph(rules), self.definitions(rules, logits), name, op, uniform, sizes)

    def definitions(self, rules: Rules = "standard", logits: str | None = None) -> "dict[Symbol, Expr]":
        """What the rules' symbols stand for; of a sum over the batch, what each query adds."""
        from symroof.cost import rules as counting

        return dict(counting.layer(chosen(rules, logits), self.architecture.structure))

    def known(self) -> "dict[Symbol, Any]":
        """Its sizes, and the widths of its elements where its config names a format."""
        from symroof.model.formulas import symbols

        try:
            return {**self.sizes, **symbols(precision(self.config, self.architecture).widths())}
        except ConfigError:  # it names none, or an unknown one: a report says so, a formula does without
            return dict(self.sizes)


def chosen(names: Rules, logits: str | None) -> tuple[str, ...]:
    """The rules in force, `logits` among them."""
    if logits is None:
        return rule_names.select(names)
    logits = logits.lower()
    if logits not in ("last", "all", "none"):
        raise UnknownName("positions for logits", logits, ("last", "all", "none"))
    listed = [names] if isinstance(names, str) else list(names)
    return rule_names.select([*listed, f"logits-{logits}"])
