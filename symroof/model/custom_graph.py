"""Custom graphs on the sizes of a model: checks that each of their symbols has a number."""

from collections.abc import Mapping
from typing import Any

from sympy import Symbol, sympify

from symroof import symbols as s
from symroof.algebra.binding import Binding, reachable_symbols
from symroof.cost.cost import FIELDS
from symroof.cost.graph import Block
from symroof.cost.rules import Layer
from symroof.errors import UsageError, shorten

LEFT_OPEN = {s.B, s.n, s.c}


def required_symbols(graph: Block, layer: Layer) -> set[Symbol]:
    """The symbols that need values for a graph to have numbers; sums and choices are replaced by their definitions."""
    rows = (
        sympify(x, strict=True)
        for _, count, op in graph.rows()
        for x in (count, *(getattr(op.cost, y) for y in FIELDS))
    )
    return reachable_symbols(rows, layer) - layer.keys() - LEFT_OPEN


def required_sizes(graph: Block, layer: Layer) -> set[str]:
    """The names of the sizes in a graph."""
    return {str(x) for x in required_symbols(graph, layer) if s.group(x) == "size"}


def check_graph(graph: Block, layer: Layer, known: Mapping[Symbol, Any]) -> None:
    """Raise UsageError for two operators at one path, a symbol without a value, or a count that is not whole."""
    check_paths(graph)
    for x in sorted(required_symbols(graph, layer) - known.keys(), key=str):
        if s.group(x) != "width":
            raise missing_value(x)
    for path, count, _ in graph.rows():
        times = Binding(known)(count)
        if not times.is_Integer or times < 0:
            raise UsageError(f"{shorten(path)} runs {shorten(count)} = {times} times: give a whole number from 0")


def check_paths(graph: Block) -> None:
    """Raise UsageError for two operators at one path."""
    paths = [path for path, _, _ in graph.rows()]
    if len(set(paths)) < len(paths):
        twice = next(x for x in paths if paths.count(x) > 1)
        raise UsageError(f"{shorten(graph.name)} has two operators {shorten(twice)}: give each a different name")


def missing_value(x: Symbol) -> UsageError:
    """The error to raise for a symbol without a value: one that is not a size, or a size that is not given."""
    if s.group(x) == "size" and s.symbol(str(x)) == x:
        return UsageError(f"{x} ({s.entry(str(x)).meaning}) has no number: give it, as {x}=...")
    return UsageError(
        f"{shorten(x)} is not a size: use those of symroof.symbols, or declare it there: size({str(x)!r}, ...)"
    )
