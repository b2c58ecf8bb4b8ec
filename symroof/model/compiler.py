"""Compiles a structure's formulas under some rules to one module of plain Python; `programs` documents its contents."""

from collections.abc import Iterable, Mapping

from sympy import Expr, Integer, Symbol, sympify

from symroof import symbols as s
from symroof.algebra.binding import reachable_symbols
from symroof.algebra.codegen import function_source
from symroof.architecture.structure import Structure
from symroof.cost import rules as counting
from symroof.cost.cost import FIELDS
from symroof.cost.graph import Block
from symroof.model.formulas import graph_of
from symroof.reference_tools.registry import tool_of_rules

ONE_TOKEN = ("standard", "experts-k")  # rules under which parameters are counted as active


def program_source(structure: Structure, names: tuple[str, ...], custom: Block | None = None) -> str:
    """The module of a structure under named rules, or of a `custom` graph on its sizes."""
    graph, layer = custom or graph_of(structure, tool_of_rules(names)), counting.rule_layer(names, structure)
    rules, summands, operators = definitions(layer, "rule"), definitions(layer, "rule", "batch"), list(graph.rows())
    figures = [sympify(x, strict=True) for _, n, op in operators for x in (n, *(getattr(op.cost, y) for y in FIELDS))]
    steps, sums, used = symbols_used(figures, layer)
    weights, elements, one_token = weight_elements(structure, custom)
    used |= reachable_symbols(elements, one_token)
    known = sorted_by_name(x for x in used if x not in (s.n, s.c) and x not in layer)
    tables = {
        "sums": names_of(sums),
        "steps": names_of(steps),
        "known": names_of(known),
        "rows": tuple((path, op.role, op.width, op.operands) for path, _, op in operators),
        "weights": weights,
    }
    functions = [
        function_source("per_query", [s.n, s.c, *known], [sympify(layer[x], strict=True) for x in sums], summands),
        function_source("per_step", [*sums, *known], [layer[x] for x in steps], rules),
        function_source("per_operator", [*sums, *steps, *known], figures, rules),
        function_source("weight_elements", known, elements, one_token),
    ]
    return "\n".join([*(f"{name} = {x!r}" for name, x in tables.items()), *functions])


def definitions(layer: counting.Layer, *groups: str) -> dict[Symbol, Expr]:
    """The definitions in a layer of the symbols in some groups."""
    return {x: y for x, y in layer.items() if s.group(x) in groups}


def symbols_used(figures: Iterable[Expr], layer: counting.Layer) -> tuple[list[Symbol], list[Symbol], set[Symbol]]:
    """The values of a step and the sums over a batch that figures depend on, and all symbols of their definitions."""
    rules, summands = definitions(layer, "rule"), definitions(layer, "rule", "batch")
    used = reachable_symbols(figures, rules)
    steps = sorted_by_name(x for x in used if x in layer and s.group(x) == "step")
    used |= reachable_symbols([layer[x] for x in steps], rules)
    sums = sorted_by_name(x for x in used if x in layer and s.group(x) == "batch")
    return steps, sums, used | reachable_symbols([layer[x] for x in sums], summands)


def weight_elements(
    structure: Structure, custom: Block | None
) -> tuple[tuple[tuple[str, bool], ...], list[Expr], Mapping[Symbol, Expr]]:
    """(role, whether tokens are multiplied by its weights) of each operator; bytes of its weights stored, and read.

    The latter are formulas, with definitions that set all widths to one byte and the batch to one token.
    """
    layer, operators = counting.rule_layer(ONE_TOKEN, structure), list((custom or graph_of(structure, "")).rows())
    ones = dict.fromkeys(s.WIDTHS, Integer(1))
    batch = {x: Integer(1) for x in layer if s.group(x) == "batch"}
    weights = tuple((op.role, not op.shared and not op.name.startswith("lookup")) for _, _, op in operators)
    fields = ((n, x) for _, n, op in operators for x in (op.cost.weight_held, op.cost.weight_read))
    return weights, [sympify(n * x, strict=True) for n, x in fields], {**layer, **ones, **batch}


def sorted_by_name(symbols: Iterable[Symbol]) -> list[Symbol]:
    """Symbols in the order of their names."""
    return sorted(symbols, key=str)


def names_of(symbols: Iterable[Symbol]) -> tuple[str, ...]:
    """The names of symbols."""
    return tuple(map(str, symbols))
