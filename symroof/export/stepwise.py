"""A quantity as a function in named steps: sums over the batch, rates of a machine, the time of each operator."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, symbols_of
from symroof.cost.graph import Block, Op
from symroof.cost.notation import symbol_order
from symroof.cost.quantities import TIMED, Formula, NamedQuantity, no_rates, symbols_of_part
from symroof.errors import UsageError, listed_names
from symroof.export.naming import identifier
from symroof.export.subexpressions import add_steps, collect_products, with_shared_steps
from symroof.export.timed import RatedPlatform
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
    on: RatedPlatform | None
    rates: Mapping[Symbol, Expr]


def quantity_function(name: str, node: Block | Op, x: NamedQuantity, at: Setting) -> Function:
    """A quantity of one layer of a part. Raises UsageError for a symbol that is neither bound nor free."""
    formula = Formula.of(node, x, at.bound, at.on.of if at.on else no_rates)
    times = times_by_operator(formula) if x.name == "time" else {}
    value = Add(*times) if times else collect_products(formula.total, {*at.named, *at.rates})
    exprs = {y: expr for y, (expr, _) in times.items()}
    rates = symbols_of([value, *exprs.values()])
    order = [*(y for y in at.rates if y in rates), *exprs, value]
    steps = named_steps(order, {**at.named, **at.rates, **exprs})
    meanings = {y: meaning for y, (_, meaning) in times.items()}
    check_all_bound(x, symbols_of([value, *steps.values()]) - steps.keys(), at.free)
    written = (Step(y, expr, meanings.get(y) or symbol_meaning(y)) for y, expr in with_shared_steps(steps, value))
    on = at.on.platform if at.on and x.name in TIMED else None
    known = on or bound_widths(symbols_of_part(node, x), at.free)
    return Function(name, x, at.free, tuple(written), value, at.precision if known else None, on)


def times_by_operator(formula: Formula) -> dict[Symbol, tuple[Expr, str]]:
    """The time of each operator, by a name such as t_mlp_down; what the name means."""
    times: dict[Symbol, tuple[Expr, str]] = {}
    for path, share in formula.by_operator().items():
        name = Symbol(f"t_{identifier(path)}", real=True)
        before, meaning = times.get(name, (Integer(0), f"seconds of {path}"))
        times[name] = before + share, meaning
    return times


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
