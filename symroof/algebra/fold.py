"""One walk over expressions, bottom up: a rule for each class of node makes its value from those of its arguments."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sympy import Basic, Max, Min, ceiling, floor

from symroof.errors import SymroofError, shorten

Rule = Callable[[Any, list[Any]], Any]  # of a node and the values of its arguments


class Table(dict[type, Rule]):
    """Rules by class of sympy. A class without one has that of its nearest base.

    So `Rational` also serves Integer and Half, and `Basic` every node that has no other rule.
    """

    def __missing__(self, kind: type) -> Rule:
        base = next((base for base in kind.__mro__ if base in self), None)
        if base is None:
            raise KeyError(kind)
        self[kind] = rule = self[base]
        return rule


def fold(
    expr: Basic,
    table: Table,
    values: dict[Any, Any] | None = None,
    parts: Callable[[Basic], Sequence[Basic]] = attrgetter("args"),
) -> Any:
    """The value of an expression; equal nodes are visited once.

    `values`: nodes whose values are known; those of all nodes visited are added. `parts`: the nodes whose values a rule
    gets, in place of the arguments. Raises SymroofError, which names the node, where the table has no rule for it.
    """
    known = {} if values is None else values
    if expr not in known:
        try:
            rule = table[type(expr)]
        except KeyError:
            raise SymroofError(f"no rule for {type(expr).__name__}, in {shorten(expr)}") from None
        known[expr] = rule(expr, [fold(x, table, known, parts) for x in parts(expr)])
    return known[expr]


def of_values(functions: Mapping[type, Callable[[list[Any]], Any]]) -> Table:
    """A table of functions that need the values of the arguments alone."""
    return Table({kind: _ignoring_node(function) for kind, function in functions.items()})


def _ignoring_node(function: Callable[[list[Any]], Any]) -> Rule:
    return lambda _, values: function(values)


def rebuilt(x: Basic, args: Sequence[Basic]) -> Basic:
    """The node with other arguments; the same object where they are equal."""
    return x if tuple(args) == x.args else x.func(*args)


def rebuilt_unevaluated(x: Basic, args: Sequence[Basic]) -> Basic:
    """The same, nothing evaluated for it."""
    return x if tuple(args) == x.args else x.func(*args, evaluate=False)


# Rebuilds expressions; these stay as they are written, since sympy takes long to tell the signs of their arguments.
REBUILD = Table({Basic: rebuilt, **dict.fromkeys((Min, Max, floor, ceiling), rebuilt_unevaluated)})
