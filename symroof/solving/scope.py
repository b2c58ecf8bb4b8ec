"""All that a comparison leaves unsaid: the model, the batch, what is solved for; and the quantities met in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Add, Expr, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, symbols_of
from symroof.cost import batch_sums
from symroof.cost.cost import FIELDS, Cost
from symroof.cost.graph import Op
from symroof.cost.quantities import quantity
from symroof.hardware.machines import Machine, machine
from symroof.hardware.platform import Platform, platform
from symroof.model import uniform
from symroof.model.model import Model
from symroof.model.uniform import Form
from symroof.quantization.precision import Precision, precision
from symroof.solving.terms import Term
from symroof.units import Unit


@dataclass(frozen=True)
class Leaf:
    """A quantity in a comparison as it is written, whether the unknown is in it, and what it is, in one of three ways.

    The sum of a quantity over the operators at a path; what it is `made` of, in names; a formula as text.
    """

    name: str
    depends: bool
    quantity: str = ""
    path: str = ""
    made: Expr | None = None
    told: str = ""


@dataclass(frozen=True)
class Scope:
    """A model and all that a comparison leaves unsaid: the unknown, the batch, what is held, rules, formats, machines.

    `held` are sizes that follow the unknown. `use` is what `platforms.platform` takes besides a machine.
    """

    model: Model
    unknown: Symbol
    batch: Mapping[Symbol, int]
    held: Mapping[Symbol, Expr]
    rules: tuple[str, ...]
    formats: Mapping[str, str | None]
    machines: Mapping[str, Machine]
    use: Mapping[str, Any]
    leaves: dict[str, Leaf] = field(default_factory=dict)  # those met so far, as they are written
    platforms: dict[str, Platform] = field(default_factory=dict)  # likewise, by label

    @cached_property
    def precision(self) -> Precision:
        """The formats in force."""
        model = self.model
        return precision(model.config, model.architecture, s.b_s in self.symbols, **self.formats)

    @cached_property
    def symbols(self) -> set[Symbol]:
        """All symbols of the operators' costs."""
        return symbols_of(getattr(op.cost, x) for _, _, op in self.rows for x in FIELDS)

    @cached_property
    def rows(self) -> tuple[tuple[str, Expr, Op], ...]:
        """(path, layers, operator) of all operators."""
        return tuple(self.model.graph(self.rules).rows())

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The operators in sizes, widths, B, n and c."""
        return uniform.forms(self.model, self.rules)

    @cached_property
    def bound(self) -> Binding:
        """What all symbols of the operators but the unknown stand for."""
        return self.binding(self.symbols)

    def binding(self, exprs: Iterable[Expr]) -> Binding:
        """What all symbols of some formulas but the unknown stand for."""
        values = {**self.model.sizes, **uniform.widths(self.precision), **self.batch, **self.held}
        known = {x: value for x, value in values.items() if x != self.unknown}
        return batch_sums.bound(self.model.definitions(self.rules), exprs, known)

    @cached_property
    def bound_forms(self) -> tuple[Form, ...]:
        """The operators in the unknown alone."""
        return tuple(
            Form(
                path,
                op.role,
                op.width,
                self.bound(count),
                Cost(*(self.bound(getattr(op.cost, name)) for name in FIELDS)),
            )
            for path, count, op in self.rows
        )

    def form(self, leaf: Leaf) -> Expr | None:
        """The closed form of a quantity, in sizes, widths, B, n and c; None where it is a machine's."""
        if leaf.made is not None or not leaf.quantity:
            return leaf.made
        return Add(*(x.of(quantity(leaf.quantity)) for x in self.forms if within(x.path, leaf.path)))

    def in_sums(self, leaf: Leaf) -> Expr:
        """The closed form of a quantity in sizes, widths and sums over the batch."""
        layer, of = self.model.definitions(self.rules), quantity(leaf.quantity).of
        bound = Binding({x: expr for x, expr in layer.items() if s.group(x) == "rule"})
        return Add(*(bound(count * of(op.cost)) for path, count, op in self.rows if within(path, leaf.path)))

    def total(self, name: str, path: str) -> Expr:
        """A quantity of the operators at a path, or of all, in the unknown alone. Raises UnknownName."""
        if path:
            self.model.graph(self.rules).find(path)
        of = quantity(name).of
        return Add(*(self.bound(count) * self.bound(of(op.cost)) for at, count, op in self.rows if within(at, path)))

    def platform(self, name: str, count: int) -> Platform:
        """So many of a machine, used as is said."""
        found = platform(machine(name, self.machines).times(count), **self.use)
        self.platforms[found.machine.label] = found
        return found

    def leaf(self, name: str, above: Expr, below: Expr, unit: Unit | None, **what: Any) -> Term:
        """A quantity as a term that is written as its name."""
        self.leaves[name] = Leaf(name, bool(above.free_symbols | below.free_symbols), **what)
        return Term(above, below, Symbol(name), unit)


def within(path: str, of: str) -> bool:
    """Whether an operator is the one, or of the block, at a path; any is of an empty one."""
    return not of or path == of or path.startswith(of + "/")
