"""A model: its config's sizes and its structure's formulas, where the two halves meet.

Numbers are those of compiled formulas, and need no sympy; what is symbolic is imported where it is used.
"""

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from symroof.architecture.layer_counts import layers_that_followed, with_layers_of_kinds
from symroof.architecture.structure import Architecture
from symroof.config.config import Config, load_config
from symroof.config.config_keys import by_symbol, symbol_of_key
from symroof.cost import rule_names
from symroof.cost.batch import Batch, batch
from symroof.errors import ConfigError, UnknownName, UsageError, cure, shorten
from symroof.families.registry import read_architecture, uncounted_towers
from symroof.model.evaluation import Evaluation
from symroof.model.keywords import STEP, check_keywords
from symroof.model.programs import Program, program
from symroof.model.report import Parameters, Report, Row
from symroof.quantization.precision import Precision, precision
from symroof.records import frozen
from symroof.results import ExactFloat, Result, higher, int_or_float

if TYPE_CHECKING:
    from sympy import Expr, Symbol

    from symroof.cost.graph import Block
    from symroof.cost.quantities import Formula
    from symroof.model.formulas import FormulaScope

Rules = str | Iterable[str]
FAR = 2**31  # tokens: no window is as long
Source = str | os.PathLike[str] | Mapping[str, Any]  # what `load` reads a model from


def load(model: Source, mtp: bool = False) -> "Model":
    """A model by catalogue name, path of a config.json or its directory, hub id, or dict of config keys.

    `mtp`: with the layers that predict tokens further ahead (multi-token prediction), which run once in a step, on
    its tokens. Raises a SymroofError that says what is wrong with it and how to mend it.
    """
    config = load_config(model)
    return Model(config, read_architecture(config, mtp))


def as_model(model: "Model | Source") -> "Model":
    """A model unchanged; what `load` takes, loaded."""
    return model if isinstance(model, Model) else load(model)


@frozen
class Model(Result):
    """A model read from a config. `parameters`, `formula()` and `report()` are what it can tell.

    `custom`: a graph that replaces the one its structure makes.
    """

    config: Config
    architecture: Architecture
    custom: "Block | None" = None

    @property
    def name(self) -> str:
        """The model's name in the catalogue, on the hub, or of its file, or of its custom graph."""
        return self.config.name

    @property
    def family(self) -> str:
        """The family that read its config."""
        return self.architecture.family

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of its results has to know: where its config is from, which parts of it are not counted."""
        return (
            *self.config.warnings,
            *uncounted_towers(self.config, self.architecture),
            *layers_that_followed(self.architecture),
        )

    def __repr__(self) -> str:
        return f"<symroof model {self.name} ({self.family}, {self.parameters.total:,} parameters)>"

    @property
    def sizes(self) -> "dict[Symbol, int]":
        """Its sizes as a layer of definitions."""
        from symroof.model.formulas import values_by_symbol

        return values_by_symbol(self.architecture.sizes)

    def with_sizes(self, **sizes: int) -> "Model":
        """The same operators with other sizes, by symbol or key of the config: `with_sizes(d=8192)`."""
        if self.custom:
            return self.with_graph(self.custom, **sizes)
        if not sizes.keys() <= self.architecture.sizes.keys():
            sizes = by_symbol(sizes, self.config, self._as_read)
        return replace(self, architecture=with_layers_of_kinds(self.architecture, sizes))

    def symbol_of_key(self, key: str) -> str:
        """The symbol of the size that a key of the config says: "d" for "hidden_size"; empty where none does.

        Raises UsageError for a key that several sizes are read from, or that a size is only made of.
        """
        return symbol_of_key(key, self.config, self._as_read)

    def symbol(self, name: str) -> "Symbol":
        """The symbol of a name: one of the vocabulary, a size, or a key of the config. Raises KeyError, UsageError."""
        from symroof import symbols

        if name in symbols.VOCABULARY or name in self.architecture.sizes:
            return symbols.symbol(name)
        return symbols.symbol(self.symbol_of_key(name) or name)  # n_layer is a key, and might be an n of a kind

    def size_name(self, name: str) -> str:
        """The symbol of a size, from itself or a key of the config. Raises UsageError for what is neither."""
        symbol = name if name in self.architecture.sizes else self.symbol_of_key(name)
        if not symbol:
            hint = cure(name, self.architecture.sizes, "its sizes")
            raise UsageError(f"{shorten(name)!r} is not a size of {shorten(self.name)}: {hint}")
        return symbol

    @property
    def _as_read(self) -> Architecture:
        """The architecture before any size was set."""
        try:
            return read_architecture(self.config, "L_mtp" in self.architecture.sizes)
        except ConfigError:  # a custom architecture without a config
            return self.architecture

    def with_graph(self, graph: "Block", **sizes: int) -> "Model":
        """The same config with a custom graph, which also gives the model its name.

        `sizes`: values for symbols that only the graph has, or new values for the model's. Raises UsageError for a
        symbol without a value.
        """
        from symroof.model import custom_graph

        layer, config = self.definitions(), self.config
        architecture = self.architecture.with_sizes(sizes, custom_graph.required_sizes(graph, layer))
        source = config.source if self.custom else f"{config.source}; with a custom graph"
        model = Model(replace(config, name=graph.name, source=source), architecture, graph)
        custom_graph.check_graph(graph, layer, model.sizes)
        return model

    def graph(self, rules: Rules = "standard") -> "Block":
        """The operators that the rules count, as a tree of blocks."""
        from symroof.model.formulas import graph_of
        from symroof.reference_tools.registry import tool_of_rules

        names = rule_names.select_rules(rules)
        self._check(names)
        return self.custom or graph_of(self.architecture.structure, tool_of_rules(names))

    @cached_property
    def parameters(self) -> Parameters:
        """Its weights, counted with one byte per element, for a step of one token."""
        compiled, sizes = self._program(("standard",)), self.architecture.sizes
        flat = iter(compiled.weight_elements(*(sizes.get(name) for name in compiled.known)))
        by_role: dict[str, int] = {}
        active = 0
        for role, multiplied in compiled.weights:
            held, read = int(next(flat)), int(next(flat))
            by_role[role] = by_role.get(role, 0) + held
            active += min(read, held or read) if multiplied else 0
        return Parameters(sum(by_role.values()), active, {role: x for role, x in by_role.items() if x})

    def cache_per_token(self, **formats: str | None) -> int | ExactFloat:
        """Bytes that a further token adds to the cache at the longest context in the config, else beyond all windows.

        Where no layer's cache grows there any more: what one adds just before the last window is full. `formats` as
        for a report.
        """
        from symroof.families.reading.catalogue import longest_context

        check_keywords(Model.cache_per_token, formats)
        cache, lengths = self._cache_of_query(formats), range(1, (longest_context(self.config) or FAR) + 1)
        last = lengths[bisect_left(lengths, cache(lengths[-1]), key=cache)]
        # of many tokens: a cache may grow by one entry for several
        step = min(2 ** (last // 16).bit_length(), last - 1)
        return int_or_float(Fraction(cache(last) - cache(last - step), step)) if step else 0

    def cache_at_context(self, **formats: str | None) -> int | ExactFloat | None:
        """Bytes of a query's cache at the longest context in the config; None where it has none."""
        from symroof.families.reading.catalogue import longest_context

        check_keywords(Model.cache_at_context, formats)
        context = longest_context(self.config)
        return int_or_float(self._cache_of_query(formats)(context)) if context else None

    def _cache_of_query(self, formats: Mapping[str, str | None]) -> Callable[[int], Any]:
        """Tokens of a query, at least one -> bytes of its cache."""
        at = self._evaluation(("standard",), formats)
        return lambda tokens: at.total(at.sums(Batch([1], [tokens - 1]))).cache_held

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

        `rules`: names of counting rules; `logits`: last, all or none, short for the rule; `formats`: dtype,
        weights, experts, activations, cache, each a name of `dtypes.BITS`, bytes per element exactly; those of
        weights and experts may be a quantiser's scheme (`quantization.weight_formats`). Where config and caller name
        no format, FLOP are known and asking for bytes raises MissingFormat.
        """
        check_keywords(Model.report, formats)
        names = rules_with_logits(rules, logits)
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
            self.warnings,
        )

    def uniform(
        self, given: "Mapping[Symbol, Any]", rules: Rules = "standard", logits: str | None = None, **formats: str | None
    ) -> tuple[Row, ...]:
        """The rows of a report on B queries of n new and c cached tokens: closed forms in those not `given`."""
        from symroof.model import formulas

        check_keywords(Model.uniform, formats)
        widths = formulas.values_by_symbol(
            self._evaluation(rules_with_logits(rules, logits), formats).precision.widths()
        )
        costs = formulas.uniform_costs(
            self.graph(rules), self.definitions(rules, logits), {**self.sizes, **widths, **given}
        )
        return tuple(
            Row(path, op.role, n, self.architecture.of_layers(path, n), cost, op.width, op.operands)
            for path, n, op, cost in costs
        )

    def sweep(
        self, over: "Mapping[str, Any] | Iterable[str]", quantities: str | Iterable[str] = (), **given: Any
    ) -> Any:
        """Quantities at every point of a grid: `sweep({"batch": "1:512:x2"}, "flops,bytes")`; `sweeps.plan` has all."""
        return higher("sweep")(self, over, quantities, **given)

    def precision(self, **formats: str | None) -> Precision:
        """The format of every role, as a report uses them."""
        check_keywords(Model.precision, formats)
        return self._evaluation(("standard",), formats).precision

    def against(self, other: Rules, rules: Rules = "standard", **step: Any) -> Any:
        """The step of `report(**step)` under `rules` and under `other`, with the reason for each difference."""
        check_keywords(Model.against, step, *STEP)
        ours, theirs = self.report(rules=rules, **step), self.report(rules=other, **step)
        return higher("compare_rules")(ours, theirs, self.architecture.structure, self.graph(rules))

    @cached_property
    def _evaluations(self) -> dict[Any, Evaluation]:
        return {}

    def _evaluation(self, names: tuple[str, ...], formats: Mapping[str, str | None]) -> Evaluation:
        key = names, *sorted(formats.items())
        if key not in self._evaluations:
            compiled = self._program(names)
            tool = rule_names.unquantised_tool(names)
            widths = precision(self.config, self.architecture, "b_s" in compiled.known, tool=tool, **formats)
            self._evaluations[key] = Evaluation.of(compiled, self.architecture.sizes, widths)
        return self._evaluations[key]

    def _program(self, names: tuple[str, ...]) -> Program:
        self._check(names)
        return program(self.architecture.structure, names, self.custom)

    def _check(self, names: tuple[str, ...]) -> None:
        name, known = names[0], rule_names.RULEBOOK[names[0]].tool
        if known and self.custom:
            raise UsageError(f"rules {name} reproduce a tool that has no custom graphs: leave them out")
        if known and self.family not in known:
            raise UsageError(
                f"rules {name} reproduce a tool that supports only {' and '.join(known)}, not {self.family}"
            )
        if name == "transformers" and self.architecture.structure.mtp:
            raise UsageError("rules transformers: it builds no multi-token-prediction layers: leave out --mtp")

    @overload
    def formula(
        self,
        name: str = "flops",
        op: str = "",
        rules: Rules = "standard",
        logits: str | None = None,
        uniform: bool = False,
        bind: bool = False,
    ) -> "Expr": ...

    @overload
    def formula(
        self,
        name: str = "flops",
        op: str = "",
        rules: Rules = "standard",
        logits: str | None = None,
        uniform: bool = False,
        bind: bool = False,
        *,
        by: str,
        free: str | Iterable[str] = (),
    ) -> "dict[str, Expr]": ...

    def formula(
        self,
        name: str = "flops",
        op: str = "",
        rules: Rules = "standard",
        logits: str | None = None,
        uniform: bool = False,
        bind: bool = False,
        by: str = "",
        free: str | Iterable[str] = (),
    ) -> "Expr | dict[str, Expr]":
        """The closed form of a quantity, a sympy expression in the vocabulary.

        `op`: of one layer of that operator or block, not of the model; `uniform`: for B queries of n new and c
        cached tokens, a Piecewise where the rules choose by these; `bind`: with the model's sizes in it, the batch left
        open; `by`: block, operator or symbol, for a dict of the shares that add up to it; `free`: sizes that stay open
        where all others are bound, symbols or keys of the config: the layers of each kind follow L.
        """
        scope = self.formula_scope(op, rules, logits, uniform, bind, free)
        return scope.shares(name, by) if by else scope.total(name)

    def formula_parts(
        self,
        name: str,
        op: str = "",
        rules: Rules = "standard",
        logits: str | None = None,
        uniform: bool = False,
        bind: bool = False,
    ) -> "Formula":
        """`formula` by block, or by operator of the block at `op`, without cases."""
        return self.formula_scope(op, rules, logits, uniform, bind).formula(name)

    def formula_scope(
        self,
        op: str = "",
        rules: Rules = "standard",
        logits: str | None = None,
        uniform: bool = False,
        bind: bool = False,
        free: str | Iterable[str] = (),
    ) -> "FormulaScope":
        """What formulas are of, and the definitions in them; parameters as for `formula`."""
        from symroof.model.formulas import FormulaScope, sizes_but

        opened = [free] if isinstance(free, str) else free
        names = [self.size_name(y.strip()) for x in opened for y in x.split(",")]
        sizes = sizes_but(names, self.architecture) if bind or names else {}
        return FormulaScope(self.graph(rules), self.definitions(rules, logits), op, uniform, sizes)

    def definitions(self, rules: Rules = "standard", logits: str | None = None) -> "dict[Symbol, Expr]":
        """What the rules' symbols stand for; of a sum over the batch, what each query adds."""
        from symroof.cost import rules as counting

        return dict(counting.rule_layer(rules_with_logits(rules, logits), self.architecture.structure))

    def known(self) -> "dict[Symbol, Any]":
        """Its sizes, and the widths of its elements where its config names a format."""
        from symroof.model.formulas import values_by_symbol

        try:
            return {**self.sizes, **values_by_symbol(precision(self.config, self.architecture).known_widths())}
        except ConfigError:  # it names none, or an unknown one: a report says so, a formula does without
            return dict(self.sizes)


def rules_with_logits(names: Rules, logits: str | None) -> tuple[str, ...]:
    """The names of the rules, with that of `logits`."""
    if logits is None:
        return rule_names.select_rules(names)
    logits = logits.lower()
    if logits not in ("last", "all", "none"):
        raise UnknownName("positions for logits", logits, ("last", "all", "none"))
    listed = [names] if isinstance(names, str) else list(names)
    return rule_names.select_rules([*listed, f"logits-{logits}"])
