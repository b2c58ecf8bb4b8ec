"""Closed forms of a graph's quantities, kept in the parts that a reader recognises."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Symbol, expand_mul

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost import timing
from symroof.cost.cost import Cost, Quantity
from symroof.cost.graph import Block, Op
from symroof.cost.notation import rank
from symroof.errors import UnknownName


@dataclass(frozen=True)
class Named:
    """A quantity: its name, title, unit (FLOP, byte, s, J or none), and what it takes of a cost."""

    name: str
    title: str
    unit: str
    of: Callable[[Cost], Quantity]


ONES = Binding(dict.fromkeys(s.WIDTHS, Integer(1)))

QUANTITIES = {
    x.name: x
    for x in (
        Named("matmul_flops", "matmul FLOP", "FLOP", lambda x: x.matmul),
        Named("vector_flops", "vector FLOP", "FLOP", lambda x: x.vector),
        Named("flops", "FLOP", "FLOP", lambda x: x.flops),
        Named("weight_bytes", "weight bytes read", "byte", lambda x: x.weight_read),
        Named("cache_bytes", "cache bytes read and written", "byte", lambda x: x.cache_read + x.cache_write),
        Named("cache_read_bytes", "cache bytes read", "byte", lambda x: x.cache_read),
        Named("cache_write_bytes", "cache bytes written", "byte", lambda x: x.cache_write),
        Named("activation_bytes", "activation bytes read and written", "byte", lambda x: x.act_read + x.act_write),
        Named("input_bytes", "input bytes", "byte", lambda x: x.input),
        Named("output_bytes", "output bytes", "byte", lambda x: x.output),
        Named("bytes", "bytes moved", "byte", lambda x: x.moved),
        Named("parameters", "parameters", "", lambda x: ONES(x.weight_held)),
        Named("weight_size", "weight bytes kept", "byte", lambda x: x.weight_held),
        Named("cache_size", "cache bytes kept", "byte", lambda x: x.cache_held),
        Named("time", "time of one operator after another", "s", lambda x: timing.time(x)),
        Named("energy", "energy", "J", lambda x: timing.energy(x)),
    )
}

TIMED = ("time", "energy")  # quantities that need a machine
COSTS = tuple(name for name in QUANTITIES if name not in TIMED)
SUMS = {"storage": ("weight_size", "cache_size")}
RATIOS = {"intensity": ("flops", "bytes")}

# What `symroof formula` prints unasked.
USUAL = ("matmul_flops", "vector_flops", "weight_bytes", "cache_bytes", "activation_bytes", "parameters", "cache_size")


def quantity(name: str) -> Named:
    """The quantity of that name; `-` and `_` are alike. Raises UnknownName."""
    found = QUANTITIES.get(name.lower().replace("-", "_"))
    if found is None:
        raise UnknownName("quantity", name, QUANTITIES)
    return found


@dataclass(frozen=True)
class Part:
    """A block's or operator's share: `count` times the sum of `terms`, in dataflow order."""

    name: str
    count: Expr
    terms: tuple[Expr, ...]

    @property
    def total(self) -> Expr:
        """The share as one expression."""
        return self.count * Add(*self.terms)


@dataclass(frozen=True)
class Formula:
    """A quantity of a model, or of one layer of a block or operator."""

    quantity: Named
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, node: Block | Op, quantity: Named, bound: Binding) -> "Formula":
        """The quantity of `node` with `bound`'s definitions in it; blocks inside are parts, else operators."""
        children = node.children if isinstance(node, Block) else (node,)
        found = (part(child, quantity, bound) for child in children)
        return cls(quantity, tuple(x for x in found if x.terms))

    @property
    def total(self) -> Expr:
        """All parts as one expression."""
        return Add(*(part.total for part in self.parts))

    def coefficients(self, sizes: Mapping[Symbol, Quantity]) -> dict[Expr, Expr]:
        """What is left open -> its number, once `sizes` are bound: {T: 13960740864, P: 524288, ...}."""
        collected: dict[Expr, Expr] = {}
        for term in Add.make_args(expand_mul(Binding(sizes)(self.total))):
            number, basis = term.as_coeff_Mul()
            collected[basis] = collected.get(basis, Integer(0)) + number
        return {basis: number for basis, number in collected.items() if number}


def part(child: Block | Op, quantity: Named, bound: Binding) -> Part:
    """The share of one child; operators with the same factors besides a number are one term."""
    ops = [op for _, _, op in child.rows()] if isinstance(child, Block) else [child]
    count = child.count if isinstance(child, Block) else Integer(1)
    return Part(child.name, bound(count), tuple(merged(bound(quantity.of(op.cost)) for op in ops)))


def merged(exprs: Iterable[Expr]) -> list[Expr]:
    """The terms in order, like ones added up."""
    sums: dict[Expr, Expr] = {}
    for expr in exprs:
        for term in sorted(Add.make_args(expr), key=rank):
            number, rest = term.as_coeff_Mul()
            sums[rest] = sums.get(rest, Integer(0)) + number
    return [number * rest for rest, number in sums.items() if number]
