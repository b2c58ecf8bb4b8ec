"""The context of a comparison: the model, the batch, the unknown; and the quantities that occur in it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Add, Expr, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost import batch_sums
from symroof.cost.graph import Op
from symroof.cost.quantities import quantity
from symroof.cost.rule_names import unquantised_tool
from symroof.hardware.machines import Machine, machine
from symroof.hardware.platform import Platform, platform
from symroof.model import operator_formulas
from symroof.model.model import Model
from symroof.model.operator_formulas import OperatorFormula
from symroof.quantization.precision import Precision, precision
from symroof.solving.terms import ComparisonTerm
from symroof.units import Unit


@dataclass(frozen=True)
class Leaf:
    """A quantity as a comparison writes it, and whether it depends on the unknown.

    It is one of three: the sum of a `quantity` over the operators at a path; `made` of other quantities, in names; of a
    machine, with a formula as text for `description`, and `in_rates` an operator's part of it where that is simple.
    """

    name: str
    depends: bool
    quantity: str = ""
    path: str = ""
    made: Expr | None = None
    description: str = ""
    in_rates: Callable[[OperatorFormula], Expr] | None = None


@dataclass(frozen=True)
class SolveScope:
    """A model and the context of a comparison: the unknown, the batch, coupled sizes, rules, formats, machines.

    `held`: sizes as formulas of the unknown. `use`: further arguments of `platform`, such as mfu.
    """

    model: Model
    unknown: Symbol
    batch: Mapping[Symbol, int]
    held: Mapping[Symbol, Expr]
    rules: tuple[str, ...]
    formats: Mapping[str, str | None]
    machines: Mapping[str, Machine]
    use: Mapping[str, Any]
    leaves: dict[str, Leaf] = field(default_factory=dict)  # those resolved so far, by their text
    platforms: dict[str, Platform] = field(default_factory=dict)  # likewise, by label
    notes: list[str] = field(default_factory=list)  # on how the comparison was read

    @cached_property
    def precision(self) -> Precision:
        """The format of each role."""
        model, recurrent, tool = self.model, s.b_s in self.symbols, unquantised_tool(self.rules)
        return precision(model.config, model.architecture, recurrent, tool=tool, **self.formats)

    @cached_property
    def symbols(self) -> set[Symbol]:
        """All symbols of the operators' costs."""
        return operator_formulas.cost_symbols(self.rows)

    @cached_property
    def rows(self) -> tuple[tuple[str, Expr, Op], ...]:
        """(path, layers, operator) of all operators."""
        return tuple(self.model.graph(self.rules).rows())

    @cached_property
    def forms(self) -> tuple[OperatorFormula, ...]:
        """The operators in sizes, widths, B, n and c."""
        return operator_formulas.operator_formulas(self.model, self.rules)

    @cached_property
    def bound(self) -> Binding:
        """Definitions of all symbols of the operators but the unknown."""
        return self.binding(self.symbols)

    def binding(self, exprs: Iterable[Expr]) -> Binding:
        """Definitions of all symbols of some formulas but the unknown."""
        values = {**self.model.sizes, **operator_formulas.known_width_values(self.precision), **self.batch, **self.held}
        known = {x: value for x, value in values.items() if x != self.unknown}
        return batch_sums.uniform_binding(self.model.definitions(self.rules), exprs, known)

    @cached_property
    def bound_forms(self) -> tuple[OperatorFormula, ...]:
        """The operators in the unknown alone."""
        return operator_formulas.bind_operators(self.rows, self.bound)

    def form(self, leaf: Leaf) -> Expr | None:
        """The closed form of a quantity, in sizes, widths, rates, B, n and c; None for one of a machine without one."""
        if leaf.in_rates is not None:
            return Add(*map(leaf.in_rates, self.forms))
        if leaf.made is not None or not leaf.quantity:
            return leaf.made
        return Add(*(x.of(quantity(leaf.quantity)) for x in self.forms if is_at_path(x.path, leaf.path)))

    def parts(self, leaf: Leaf) -> dict[str, Expr]:
        """The closed form of a sum over operators, in sizes, widths, B, n and c, by block."""
        of = quantity(leaf.quantity)
        return operator_formulas.block_sums((x.block, x.of(of)) for x in self.forms if is_at_path(x.path, leaf.path))

    def parts_in_sums(self, leaf: Leaf) -> dict[str, Expr]:
        """The same in sizes, widths and sums over the batch."""
        layer, of = self.model.definitions(self.rules), quantity(leaf.quantity).of
        bound = Binding({x: expr for x, expr in layer.items() if s.group(x) == "rule"})
        rows = ((path, count * of(op.cost)) for path, count, op in self.rows if is_at_path(path, leaf.path))
        return operator_formulas.block_sums((path.partition("/")[0], bound(expr)) for path, expr in rows)

    def total(self, name: str, path: str) -> Expr:
        """A quantity of the operators at a path, or of all, in the unknown alone. Raises UnknownName."""
        if path:
            self.model.graph(self.rules).find(path)
        of = quantity(name).of
        terms = (self.bound(count) * self.bound(of(op.cost)) for at, count, op in self.rows if is_at_path(at, path))
        return operator_formulas.check_widths(Add(*terms), self.precision)

    def platform(self, name: str, count: int) -> Platform:
        """A number of machines, at the rates of `use`."""
        used = platform(machine(name, self.machines).times(count), **self.use)
        self.platforms[used.machine.label] = used
        return used

    def leaf(self, name: str, above: Expr, below: Expr, unit: Unit | None, **what: Any) -> ComparisonTerm:
        """The term of a quantity, shown as its name."""
        self.leaves[name] = Leaf(name, bool(above.free_symbols | below.free_symbols), **what)
        return ComparisonTerm(above, below, Symbol(name), unit)


def is_at_path(path: str, of: str) -> bool:
    """Whether an operator is at a path or in the block there; an empty path has all."""
    return not of or path == of or path.startswith(of + "/")
