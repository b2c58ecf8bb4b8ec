"""A cost: what an operator computes, moves and stores. Costs add; a cost times a count is a cost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from operator import add
from typing import Any, Self

from symroof.algebra.arithmetic import Unknown
from symroof.records import frozen

# A sympy expression, or the exact number it became once everything was bound.
Quantity = Any

ZERO = 0


@frozen
class Cost:
    """FLOP on two kinds of unit, bytes moved in a step, and bytes stored; expressions or exact numbers."""

    matmul: Quantity = ZERO  # FLOP
    vector: Quantity = ZERO  # FLOP
    weight_read: Quantity = ZERO  # bytes moved, from here
    cache_read: Quantity = ZERO
    cache_write: Quantity = ZERO
    act_read: Quantity = ZERO
    act_write: Quantity = ZERO
    weight_held: Quantity = ZERO  # bytes stored, from here
    cache_held: Quantity = ZERO

    def __add__(self, other: Self) -> Self:
        """The cost of doing both."""
        return type(self)(*map(add, vars(self).values(), vars(other).values()))

    def __mul__(self, count: Quantity) -> Self:
        """The cost of doing it `count` times."""
        return type(self)(*(x * count for x in vars(self).values()))

    __rmul__ = __mul__

    def map(self, change: Callable[[Quantity], Quantity]) -> Self:
        """The cost with each of its quantities changed."""
        return type(self)(*map(change, vars(self).values()))

    def xreplace(self, names: Mapping[Any, Any]) -> Self:
        """The same cost in other symbols."""
        return self.map(lambda x: x.xreplace(names) if hasattr(x, "xreplace") else x)

    @property
    def flops(self) -> Quantity:
        """Matmul and vector FLOP."""
        return self.matmul + self.vector

    @property
    def input(self) -> Quantity:
        """Bytes read, without weights."""
        return self.act_read + self.cache_read

    @property
    def output(self) -> Quantity:
        """Bytes written."""
        return self.act_write + self.cache_write

    @property
    def moved(self) -> Quantity:
        """All bytes read and written."""
        return self.weight_read + self.input + self.output

    @property
    def weights_and_cache(self) -> Self:
        """The bytes of weights and cache in it, which no schedule leaves out; activations may stay on chip."""
        return type(self)(weight_read=self.weight_read, cache_read=self.cache_read, cache_write=self.cache_write)

    @property
    def intensity(self) -> Quantity:
        """Operational intensity, FLOP per byte moved; None where nothing moves."""
        return self.flops / self.moved if self.moved else None


class PartialCost(Cost):
    """A cost some of whose bytes are not known: asking for those raises."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if isinstance(value, Unknown):
            raise value.error
        return value

    def __radd__(self, other: Cost) -> Self:
        return type(self)(*map(add, vars(other).values(), vars(self).values()))


FIELDS = tuple(field.name for field in fields(Cost))


def sum_costs(costs: Iterable[Cost]) -> Cost:
    """The sum of costs."""
    return sum(costs, Cost())
