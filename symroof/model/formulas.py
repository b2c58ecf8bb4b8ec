"""The formulas of a model's structure: its graph, and its quantities in closed form."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from sympy import Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.architecture.layer_counts import following_sizes
from symroof.architecture.structure import Architecture, Structure
from symroof.blocks import decoder
from symroof.cost import batch_sums
from symroof.cost.cost import Cost
from symroof.cost.graph import Block, Op, operators_of
from symroof.cost.quantities import Formula, quantity
from symroof.cost.rules import Layer
from symroof.reference_tools import registry


@lru_cache(512)
def graph_of(structure: Structure, tool: str = "") -> Block:
    """The graph of a structure: ours, or that of another tool."""
    return registry.TOOLS[tool].graph(structure) if tool else decoder.decoder_graph(structure)


def formula_by_part(
    graph: Block, layer: Layer, name: str, op: str, uniform: bool, sizes: Mapping[Symbol, Any]
) -> Formula:
    """A quantity by block, or by operator of the block at `op`, with `sizes` in it; see `Model.formula`."""
    node, named = graph.find(op) if op else graph, quantity(name)
    if uniform:
        return Formula.of(
            node, named, batch_sums.uniform_binding(layer, [named.of(x.cost) for x in operators_of(node)], sizes)
        )
    return Formula.of(node, named, Binding({x: expr for x, expr in layer.items() if s.group(x) == "rule"}, sizes))


def uniform_costs(graph: Block, layer: Layer, known: Mapping[Symbol, Any]) -> Iterator[tuple[str, int, Op, Cost]]:
    """(path, layers, operator, cost per layer) on B queries of n new and c cached tokens, with `known` substituted."""
    rows = list(graph.rows())
    bound = batch_sums.uniform_binding(layer, (x for _, _, op in rows for x in vars(op.cost).values()), known)
    for path, count, op in rows:
        yield path, int(bound(count)), op, op.cost.map(bound)


def values_by_symbol(names: Mapping[str, Any]) -> dict[Symbol, Any]:
    """Values by symbol, from values by name."""
    return {s.symbol(name): x for name, x in names.items()}


def sizes_but(free: Iterable[str], architecture: Architecture) -> dict[Symbol, Any]:
    """A model's sizes but free ones, as a layer of definitions: numbers, and formulas for those that follow a free one.

    Raises UsageError where one has to be free, too.
    """
    names = set(free)
    following = following_sizes(architecture, {x: s.symbol(x) for x in names})
    return values_by_symbol({x: y for x, y in {**architecture.sizes, **following}.items() if x not in names})
