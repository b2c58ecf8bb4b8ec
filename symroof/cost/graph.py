"""The architecture graph: a tree of named operators in dataflow order."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from sympy import sympify

from symroof import symbols as s
from symroof.cost.cost import Cost, Quantity, total
from symroof.errors import UnknownName


@dataclass(frozen=True)
class Op:
    """One operator: a name, the role its weights and FLOP are accounted to, and its cost for one call."""

    name: str
    role: str
    cost: Cost
    shared: bool = False  # its weights are another operator's too, and kept there

    @cached_property
    def width(self) -> str:
        """The width symbol of the weights it multiplies by, by name; empty where it has none but norms and biases."""
        found = (
            str(x)
            for x in sympify(self.cost.weight_read, strict=True).free_symbols
            if s.group(x) == "width" and x != s.b_n
        )
        return min(found, default="")


@dataclass(frozen=True)
class Block:
    """Named children in dataflow order, run `count` times."""

    name: str
    children: tuple["Block | Op", ...]
    count: Quantity = 1

    @property
    def cost(self) -> Cost:
        """The cost of all children, `count` times."""
        all_of_it: Cost = total(child.cost for child in self.children) * self.count
        return all_of_it

    def rows(self) -> Iterator[tuple[str, Quantity, Op]]:
        """(path, how many times it runs, operator) of every operator below."""
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


def operators(node: Block | Op) -> list[Op]:
    """An operator, or all those of a block."""
    return [op for _, _, op in node.rows()] if isinstance(node, Block) else [node]
