"""The formulas of a model's structure: its graph, and its quantities in closed form."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Integer, Piecewise, Symbol, sympify

from symroof import symbols as s
from symroof.algebra.binding import Binding, reachable_symbols, symbols_of
from symroof.algebra.points import multiplied_out
from symroof.architecture.layer_counts import following_sizes
from symroof.architecture.structure import Architecture, Structure
from symroof.blocks import decoder
from symroof.cost import batch_sums, cases
from symroof.cost.cost import Cost
from symroof.cost.graph import Block, Op, operators_of
from symroof.cost.notation import formula_text
from symroof.cost.quantities import TIMED, Formula, Rates, no_rates, quantity
from symroof.cost.rules import Layer
from symroof.errors import UsageError, shorten
from symroof.reference_tools import registry

ZERO = Integer(0)
BY = {"block": Formula.by_block, "operator": Formula.by_operator, "symbol": Formula.by_symbol}
SHORT = 24  # characters of the longest sum over a uniform batch that is written out in a printed formula


@lru_cache(512)
def graph_of(structure: Structure, tool: str = "") -> Block:
    """The graph of a structure: ours, or that of another tool."""
    return registry.TOOLS[tool].graph(structure) if tool else decoder.decoder_graph(structure)


@dataclass(frozen=True)
class FormulaScope:
    """A graph, or one layer of its operator or block `op`, under the definitions of some rules.

    `uniform`: for B queries of n new and c cached tokens; `sizes`: values that are substituted; `rates`: of a machine.
    """

    graph: Block
    layer: Layer
    op: str
    uniform: bool
    sizes: Mapping[Symbol, Any]
    rates: Rates = no_rates

    @property
    def node(self) -> Block | Op:
        """The operator or block, or the whole graph. Raises UnknownName."""
        return self.graph.find(self.op) if self.op else self.graph

    def costs(self, name: str) -> list[Expr]:
        """The quantity of each operator."""
        return [sympify(quantity(name).of(x.cost)) for x in operators_of(self.node)]

    def formula(self, name: str, layer: Layer | None = None, named: bool = False) -> Formula:
        """The quantity by part, under the scope's layer or another one.

        `named`: long sums over a uniform batch, and what a step uses of the model, stay names; see `definitions`.
        """
        rules, costs = self.layer if layer is None else layer, self.costs(name)
        choices = {x: expr for x, expr in rules.items() if s.group(x) == "rule"}
        if self.uniform and not named:
            bound = batch_sums.uniform_binding(rules, costs, self.sizes)
        else:
            equal = cases.equal_sums(rules, symbols_of(costs))
            bound = Binding(choices, equal, self._short_sums(rules, reachable_symbols(costs, rules)), self.sizes)
        return Formula.of(self.node, quantity(name), bound, self.rates)

    def definitions(self, exprs: Iterable[Expr]) -> Layer:
        """What the names in named formulas are; of a sum over the batch, what each query adds."""
        layer = {x: y for x, y in self.layer.items() if not (self.uniform and x == s.B)}
        used = reachable_symbols(exprs, layer)
        bound, steps = Binding(self._short_sums(layer, used), self.sizes), [x for x in used if s.group(x) == "step"]
        sums = {x: Binding(self.sizes)(layer[x]) for x in used & layer.keys() if s.group(x) == "batch"}
        return {x: bound(layer[x]) for x in steps if x in layer} | sums

    def _short_sums(self, rules: Layer, wanted: set[Symbol]) -> dict[Symbol, Expr]:
        """The sums over a uniform batch that are written out; none where the batch is open."""
        sums = batch_sums.uniform_sums(rules, wanted) if self.uniform else {}
        return {x: y for x, y in sums.items() if len(formula_text(y)) <= SHORT}

    def of_one_query(self, expr: Expr) -> Expr:
        """A formula in what one query adds to sums: of a uniform batch in n and c, long sums by name."""
        terms = batch_sums.query_terms(self.layer, reachable_symbols([expr], self.layer)) if self.uniform else {}
        return Binding({x: y for x, y in terms.items() if len(formula_text(y)) <= SHORT}, self.sizes)(expr)

    def choices(self, name: str) -> dict[Symbol, Expr]:
        """What the quantity's rules choose query by query: the choice -> what is above 0 where a query is absorbed."""
        return cases.query_choices(self.costs(name), self.layer)

    def in_cases(self, name: str) -> dict[str, Formula]:
        """The named quantity in each of CASES; in a single one, called "", where no choice is made query by query."""
        choices = self.choices(name)
        layers = {x: cases.in_case(self.layer, choices, x) for x in cases.CASES} if choices else {"": self.layer}
        return {x: self.formula(name, layer, named=True) for x, layer in layers.items()}

    def total(self, name: str) -> Expr:
        """The quantity; of a uniform batch with a Piecewise of the parts that each choice of the rules changes."""
        rest, pieces = self._shares_under(self.layer, name, "block"), []
        for both, where in self._choices_of_batch(name, "block"):
            changed = [shares for part, shares in both.items() if part in rest and shares[0] != shares[1]]
            rest = {part: both[part][0] for part in rest if part in both and both[part][0] == both[part][1]}
            if changed:
                absorbed, expanded = (Add(*shares) for shares in zip(*changed, strict=True))
                pieces.append(Piecewise((absorbed, where), (expanded, True)))
        return Add(*pieces, *rest.values())

    def shares(self, name: str, by: str) -> dict[str, Expr]:
        """What adds up to the quantity, by block, operator or symbol. Raises UsageError for any other `by`."""
        shares = self._shares_under(self.layer, name, by)
        for both, where in self._choices_of_batch(name, by):
            shares |= {part: _in_two_cases(*one, where) for part, one in both.items() if part in shares}
        return shares

    def _choices_of_batch(self, name: str, by: str) -> Iterator[tuple[dict[str, tuple[Expr, Expr]], Any]]:
        """Of each choice made for the queries of a uniform batch: the shares in both cases, and when it is made."""
        for x, margin in self.choices(name).items() if self.uniform else ():
            yield self.shares_in_cases(name, x, by), Binding(self.sizes)(cases.of_one_query(margin, self.layer)) > 0

    def shares_in_cases(self, name: str, choice: Symbol, by: str = "block") -> dict[str, tuple[Expr, Expr]]:
        """Each share where a choice is made, and where it is not; the same expression where they are equal."""
        absorbed, expanded = (self._shares_under({**self.layer, choice: y}, name, by) for y in cases.CASES.values())
        both = {x: (absorbed.get(x, ZERO), expanded.get(x, ZERO)) for x in {**absorbed, **expanded}}
        return {x: (one, one if multiplied_out(one - other) == 0 else other) for x, (one, other) in both.items()}

    def check_grouping(self, name: str, by: str) -> None:
        """Raise UsageError where a quantity cannot be grouped so."""
        if by not in BY:
            raise UsageError(f"by {shorten(by)}: give {', '.join(BY)}")
        if by == "symbol" and (self.uniform or name in TIMED):
            what = f"{name} is none" if name in TIMED else "a uniform batch is B, n and c"
            raise UsageError(
                f"by symbol groups what is linear in sums over the batch, and {what}: give block, operator"
            )

    def _shares_under(self, layer: Layer, name: str, by: str) -> dict[str, Expr]:
        """The shares of the quantity under a layer."""
        self.check_grouping(name, by)
        return BY[by](self.formula(name, layer))


def _in_two_cases(absorbed: Expr, expanded: Expr, where: Any) -> Expr:
    """A formula where a condition holds, another one where not; one of them where they are equal."""
    return absorbed if absorbed == expanded else Piecewise((absorbed, where), (expanded, True))


def uniform_costs(graph: Block, layer: Layer, known: Mapping[Symbol, Any]) -> Iterator[tuple[str, int, Op, Cost]]:
    """(path, layers, operator, cost per layer) on B queries of n new and c cached tokens, with `known` substituted."""
    rows = list(graph.rows())
    bound = batch_sums.uniform_binding(layer, (x for _, _, op in rows for x in vars(op.cost).values()), known)
    for path, count, op in rows:
        yield path, int(bound(count)), op, op.cost.map(bound)


def values_by_symbol(names: Mapping[str, Any]) -> dict[Symbol, Any]:
    """Values by symbol, from values by name."""
    return {s.symbol(name): x for name, x in names.items()}


def following_symbols(free: Iterable[Symbol], architecture: Architecture) -> dict[Symbol, Expr]:
    """The sizes that follow free ones, as formulas in them. Raises UsageError where one has to be free, too."""
    following = following_sizes(architecture, {str(x): x for x in free})
    return {s.symbol(x): sympify(expr) for x, expr in following.items()}


def sizes_but(free: Iterable[str], architecture: Architecture) -> dict[Symbol, Any]:
    """A model's sizes but free ones, as a layer of definitions: numbers, and formulas for those that follow a free one.

    Raises UsageError where one has to be free, too.
    """
    opened = [s.symbol(x) for x in free]
    sizes = values_by_symbol(architecture.sizes) | following_symbols(opened, architecture)
    return {x: y for x, y in sizes.items() if x not in opened}
