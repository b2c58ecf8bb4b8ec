"""A structure's formulas under some rules as one module of plain Python; `programs` says what stands in it."""

from collections.abc import Iterable, Mapping, Sequence

from sympy import Expr, Integer, Symbol, sympify

from symroof import symbols as s
from symroof.algebra.binding import reached
from symroof.algebra.codegen import function
from symroof.architecture.structure import Structure
from symroof.cost import rules as counting
from symroof.cost.cost import FIELDS
from symroof.cost.graph import Block
from symroof.model.formulas import graph_of
from symroof.reference_tools.registry import tool

ONE_TOKEN = ("standard", "experts-k")  # what parameters are active for


def source(structure: Structure, names: tuple[str, ...], own: Block | None = None) -> str:
    """The module of a structure under named rules; of one's `own` graph where there is one."""
    graph, layer = own or graph_of(structure, tool(names)), counting.layer(names, structure)
    rows = list(graph.rows())
    choices = {x: y for x, y in layer.items() if s.group(x) == "rule"}
    figures = [sympify(x, strict=True) for _, n, op in rows for x in (n, *(getattr(op.cost, y) for y in FIELDS))]
    found = reached(figures, choices)
    step = named(x for x in found if x in layer and s.group(x) == "step")
    found |= reached([layer[x] for x in step], choices)
    sums = named(x for x in found if x in layer and s.group(x) == "batch")
    adding = {x: y for x, y in layer.items() if s.group(x) in ("batch", "rule")}
    found |= reached([layer[x] for x in sums], adding)
    weights, kept, counted = weighed(structure, own)
    found |= reached(kept, counted)
    known = named(x for x in found if x not in (s.n, s.c) and x not in layer)
    queried = [s.n, s.c, *known]
    return "\n".join(
        [
            f"sums = {spelled(sums)}",
            f"steps = {spelled(step)}",
            f"known = {spelled(known)}",
            f"rows = {tuple((path, op.role, op.width) for path, _, op in rows)!r}",
            f"weights = {weights!r}",
            function("added", queried, [sympify(layer[x], strict=True) for x in sums], adding),
            function("stepped", [*sums, *known], [layer[x] for x in step], choices),
            function("counted", [*sums, *step, *known], figures, choices),
            function("weighed", known, kept, counted),
        ]
    )


def weighed(
    structure: Structure, own: Block | None
) -> tuple[tuple[tuple[str, bool], ...], list[Expr], Mapping[Symbol, Expr]]:
    """(role, whether a token is multiplied by them) of each operator's weights; how many it keeps, and reads.

    Of elements of one byte, in a step of one token.
    """
    layer, rows = counting.layer(ONE_TOKEN, structure), list((own or graph_of(structure, "")).rows())
    ones = dict.fromkeys(s.WIDTHS, Integer(1))
    batch = {x: Integer(1) for x in layer if s.group(x) == "batch"}
    told = tuple((op.role, not op.shared and not op.name.startswith("lookup")) for _, _, op in rows)
    kept = [sympify(n * x, strict=True) for _, n, op in rows for x in (op.cost.weight_held, op.cost.weight_read)]
    return told, kept, {**layer, **ones, **batch}


def named(found: Iterable[Symbol]) -> list[Symbol]:
    """Symbols in the order of their names."""
    return sorted(found, key=str)


def spelled(found: Sequence[Symbol]) -> str:
    """The names of symbols as source."""
    return repr(tuple(map(str, found)))
