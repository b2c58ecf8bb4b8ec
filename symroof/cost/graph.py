"""The architecture graph: a tree of named operators in dataflow order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sympy import sympify

from symroof import symbols as s
from symroof.cost.cost import Cost, Quantity, sum_costs
from symroof.errors import UnknownName
from symroof.results import Result


@dataclass(frozen=True)
class Op:
    """One operator: a name, the role that its weights and FLOP belong to, and its cost for one call."""

    name: str
    role: str
    cost: Cost
    shared: bool = False  # its weights are those of another operator, which holds them
    products: tuple[tuple[str, Cost], ...] = ()  # its matmuls by name, where it has several

    def changed(self, change: Callable[[Cost], Cost]) -> "Op":
        """The operator with its cost changed, and those of its products."""
        return replace(self, cost=change(self.cost), products=tuple((name, change(x)) for name, x in self.products))

    @cached_property
    def width(self) -> str:
        """The name of the width symbol of its weights; empty where it has only norms and biases, or no weights."""
        symbols = sympify(self.cost.weight_read, strict=True).free_symbols
        return min((str(x) for x in symbols if s.group(x) == "width" and x != s.b_n), default="")

    @cached_property
    def operands(self) -> tuple[str, ...]:
        """The width symbols, by name, of the weights, cache and states that it multiplies activations with."""
        read = (sympify(x, strict=True).free_symbols for x in (self.cost.weight_read, self.cost.cache_read))
        return tuple(sorted(str(x) for x in set().union(*read) if s.group(x) == "width" and x != s.b_n))


CLOSED_FORMS = {
    "matmul FLOP": "matmul",
    "vector FLOP": "vector",
    "bytes moved": "moved",
    "weight bytes": "weight_held",
    "cache bytes": "cache_held",
}


@dataclass(frozen=True, repr=False)
class Block(Result):
    """Named children in dataflow order, run `count` times."""

    name: str
    children: tuple["Block | Op", ...]
    count: Quantity = 1

    def __repr__(self) -> str:
        return f"<symroof block {self.name}: {', '.join(x.name for x in self.children)}; {self.count} times>"

    @property
    def cost(self) -> Cost:
        """The cost of all children, `count` times."""
        cost: Cost = sum_costs(child.cost for child in self.children) * self.count
        return cost

    def rows(self) -> Iterator[tuple[str, Quantity, Op]]:
        """(path, number of runs, operator) of every operator below."""
        for child in self.children:
            if isinstance(child, Op):
                yield child.name, self.count, child
            else:
                for path, count, op in child.rows():
                    yield f"{child.name}/{path}", count * self.count, op

    def find(self, path: str) -> "Block | Op":
        """The operator or block at `path`, such as `mlp/down` or `mlp`. Raises UnknownName."""
        known = dict(self._nodes())
        if path.lower() not in known:
            raise UnknownName("operator", path, known)
        return known[path.lower()]

    def _nodes(self) -> Iterator[tuple[str, "Block | Op"]]:
        for child in self.children:
            yield child.name, child
            if isinstance(child, Block):
                yield from ((f"{child.name}/{path}", node) for path, node in child._nodes())

    def closed_forms(self) -> dict[str, Any]:
        """The cost of all its operators."""
        return {name: getattr(self.cost, field) for name, field in CLOSED_FORMS.items()}


def operators_of(node: Block | Op) -> list[Op]:
    """An operator, or all those of a block."""
    return [op for _, _, op in node.rows()] if isinstance(node, Block) else [node]
