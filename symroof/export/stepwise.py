"""A quantity as a function in named steps: sums over the batch, rates of a machine, the time of each operator."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, symbols_of
from symroof.cost.graph import Block, Op
from symroof.cost.notation import symbol_order
from symroof.cost.quantities import TIMED, NamedQuantity
from symroof.errors import UsageError, listed_names
from symroof.export import timed
from symroof.export.subexpressions import add_steps, collect_products, with_shared_steps
from symroof.hardware.platform import Platform
from symroof.quantization.precision import Precision


@dataclass(frozen=True)
class Step:
    """A name for a part of a formula; `meaning` is empty for what several steps have in common."""

    name: Symbol
    value: Expr
    meaning: str


@dataclass(frozen=True)
class Function:
    """A quantity as a function of `arguments`: each of `steps` assigns a name, then `value` is the result."""

    name: str
    quantity: NamedQuantity
    arguments: tuple[Symbol, ...]
    steps: tuple[Step, ...]
    value: Expr
    precision: Precision | None = None  # where it binds a width
    platform: Platform | None = None  # where it binds rates

    @property
    def used(self) -> set[Symbol]:
        """The arguments that the formula has."""
        return symbols_of([self.value, *(x.value for x in self.steps)]) & {*self.arguments}


@dataclass(frozen=True)
class Setting:
    """What functions are written with.

    `bound` definitions are numbers or single symbols, `named` ones separate steps; `free` symbols are the arguments;
    `rates` are the values of those of a platform.
    """

    bound: Binding
    named: Mapping[Symbol, Expr]
    free: tuple[Symbol, ...]
    precision: Precision | None
    on: timed.RatedPlatform | None
    rates: Mapping[Symbol, Expr]


def quantity_function(name: str, node: Block | Op, x: NamedQuantity, at: Setting) -> Function:
    """A quantity of one layer of a part. Raises UsageError for a symbol that is neither bound nor free."""
    operators = timed.times_by_operator(node, at.bound, at.on) if x.name == "time" else {}
    exprs, meanings = ({y: step[i] for y, step in operators.items()} for i in (0, 1))
    value = Add(*exprs) if operators else collected_total(node, x, at)
    rates = symbols_of([value, *exprs.values()])
    order = [*(y for y in at.rates if y in rates), *exprs, value]
    steps = named_steps(order, {**at.named, **at.rates, **exprs})
    check_all_bound(x, symbols_of([value, *steps.values()]) - steps.keys(), at.free)
    written = (Step(y, expr, meanings.get(y) or symbol_meaning(y)) for y, expr in with_shared_steps(steps, value))
    on = at.on.platform if at.on and x.name in TIMED else None
    known = on or bound_widths(timed.symbols_of_part(node, x), at.free)
    return Function(name, x, at.free, tuple(written), value, at.precision if known else None, on)


def collected_total(node: Block | Op, x: NamedQuantity, at: Setting) -> Expr:
    """A quantity as a sum with a term for each product of named symbols, rates and B."""
    return collect_products(timed.formula_on_platform(node, x, at.bound, at.on).total, {*at.named, *at.rates})


def named_steps(exprs: Sequence[Expr], named: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """What the named symbols of some expressions come to, each after those that it needs."""
    steps: dict[Symbol, Expr] = {}
    for expr in exprs:
        add_steps(expr, named, steps)
    return steps


def bound_widths(used: Iterable[Symbol], free: Collection[Symbol]) -> set[Symbol]:
    """The symbols that are bytes per element and not free."""
    return {x for x in used if s.group(x) == "width" and x not in free}


def symbol_meaning(x: Symbol) -> str:
    """The meaning and unit of a symbol of the vocabulary; empty for any other symbol."""
    if not s.group(x):
        return ""
    entry = s.entry(str(x))
    in_words = entry.group == "width" or "per second" in entry.meaning
    return entry.meaning + (f", in {entry.unit}" if entry.unit and not in_words else "")


def check_all_bound(x: NamedQuantity, used: Iterable[Symbol], free: Sequence[Symbol]) -> None:
    """Raises UsageError for symbols that are neither bound nor free, with the cure."""
    left = sorted(map(str, {*used} - {*free}), key=symbol_order)
    groups = {s.group(s.symbol(y)) for y in left}
    cure = f"name them too: --free {','.join([*map(str, free), *left])}"
    if "machine" in groups:
        cure = f"bind a machine's by --on, such as --on h100-sxm, or {cure}"
    if "batch" in groups:
        cure += ", or B,n,c for a uniform batch in their place"
    if left:
        raise UsageError(f"{x.name}: neither bound nor free: {listed_names(left)}; {cure}")
