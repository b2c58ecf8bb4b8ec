"""Graphs of one's own on the sizes of a model: whether each of their symbols has a number."""

from collections.abc import Mapping
from typing import Any

from sympy import Symbol, sympify

from symroof import symbols as s
from symroof.algebra.binding import Binding, reached
from symroof.cost.cost import FIELDS
from symroof.cost.graph import Block
from symroof.cost.rules import Layer
from symroof.errors import UsageError, shorten

LEFT_OPEN = {s.B, s.n, s.c}


def symbols(graph: Block, layer: Layer) -> set[Symbol]:
    """What has to be known of a model for a graph to have numbers: no sums or choices, but what rules make them of."""
    rows = (
        sympify(x, strict=True)
        for _, count, op in graph.rows()
        for x in (count, *(getattr(op.cost, y) for y in FIELDS))
    )
    return reached(rows, layer) - layer.keys() - LEFT_OPEN


def sizes(graph: Block, layer: Layer) -> set[str]:
    """The names of its sizes."""
    return {str(x) for x in symbols(graph, layer) if s.group(x) == "size"}


def check(graph: Block, layer: Layer, known: Mapping[Symbol, Any]) -> None:
    """Raise UsageError for two operators at one path, a symbol without a number, or a block run no whole times."""
    paths = [path for path, _, _ in graph.rows()]
    if len(set(paths)) < len(paths):
        twice = next(x for x in paths if paths.count(x) > 1)
        raise UsageError(f"{shorten(graph.name)} has two operators {shorten(twice)}: give each its own name")
    for x in sorted(symbols(graph, layer) - known.keys(), key=str):
        if s.group(x) == "width":
            continue
        if s.group(x) != "size" or s.symbol(str(x)) != x:
            raise UsageError(
                f"{shorten(x)} is no size: use those of symroof.symbols, or declare it there: size({str(x)!r}, ...)"
            )
        raise UsageError(f"{x} ({s.entry(str(x)).meaning}) has no number: give it, as {x}=...")
    for path, count, _ in graph.rows():
        times = Binding(known)(count)
        if not times.is_Integer or times < 0:
            raise UsageError(f"{shorten(path)} runs {shorten(count)} = {times} times: give a whole number from 0")
