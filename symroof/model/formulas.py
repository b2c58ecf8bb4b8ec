"""What a model's structure is as formulas: its graph, and its quantities in closed form."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from sympy import Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.architecture.structure import Structure
from symroof.blocks import decoder
from symroof.cost import batch_sums
from symroof.cost.cost import FIELDS, Cost
from symroof.cost.graph import Block, Op, operators
from symroof.cost.quantities import Formula, quantity
from symroof.cost.rules import Layer
from symroof.reference_tools import registry


@lru_cache(512)
def graph_of(structure: Structure, tool: str = "") -> Block:
    """The graph of a structure: ours, or as another tool sees it."""
    return registry.TOOLS[tool].graph(structure) if tool else decoder.graph(structure)


def parts(graph: Block, layer: Layer, name: str, op: str, uniform: bool, sizes: Mapping[Symbol, Any]) -> Formula:
    """A quantity by block, or by operator of the block at `op`, with `sizes` in it; see `Model.formula`."""
    node, named = graph.find(op) if op else graph, quantity(name)
    if uniform:
        return Formula.of(node, named, batch_sums.bound(layer, [named.of(x.cost) for x in operators(node)], sizes))
    return Formula.of(node, named, Binding({x: expr for x, expr in layer.items() if s.group(x) == "rule"}, sizes))


def uniform(graph: Block, layer: Layer, known: Mapping[Symbol, Any]) -> Iterator[tuple[str, int, Op, Cost]]:
    """(path, layers, operator, cost of a layer) on B queries of n new and c cached tokens, what is `known` put in."""
    rows = list(graph.rows())
    bound = batch_sums.bound(layer, (x for _, _, op in rows for x in vars(op.cost).values()), known)
    for path, count, op in rows:
        yield path, int(bound(count)), op, Cost(*(bound(getattr(op.cost, x)) for x in FIELDS))


def symbols(names: Mapping[str, Any]) -> dict[Symbol, Any]:
    """Numbers by name as a layer of definitions."""
    return {s.symbol(name): x for name, x in names.items()}
