"""Time and energy as functions: a step for each operator, in rates that are open or those of a machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sympy import Expr, Integer, Rational, Symbol

from symroof.algebra.binding import Binding, symbols_of
from symroof.cost.graph import Block, Op, operators_of
from symroof.cost.quantities import Formula, NamedQuantity, quantity
from symroof.export.naming import identifier
from symroof.hardware.platform import Platform
from symroof.model.operator_formulas import (
    OperatorFormula,
    bind_operators,
    energy_on_platform,
    rate_values,
    time_on_platform,
)
from symroof.quantization.precision import Precision

Bind = Callable[[Any], Expr]
ON_PLATFORM = {"time": time_on_platform, "energy": energy_on_platform}


@dataclass(frozen=True)
class RatedPlatform:
    """A platform, and the formats that choose the rates of its matmuls."""

    platform: Platform
    precision: Precision

    def rates(self, node: Block | Op) -> Mapping[Symbol, Expr]:
        """The values of the rates in the times of a part's operators."""
        values = rate_values(self.platform, self.precision, layer_operators(node))
        return {x: Rational(value) for x, value in values.items()}


def layer_operators(node: Block | Op, bind: Bind | None = None) -> tuple[OperatorFormula, ...]:
    """The operators of one layer of a part, with definitions substituted."""
    rows = replace(node, count=1).rows() if isinstance(node, Block) else [(node.name, 1, node)]
    return bind_operators(rows, bind or (lambda x: x * Integer(1)))


def operator_total(named: NamedQuantity, on: RatedPlatform | None) -> Callable[[OperatorFormula], Expr]:
    """What an operator adds to a quantity in all its layers; its time and energy in the rates of a platform."""
    if on is None or named.name not in ON_PLATFORM:
        return lambda x: x.of(named)
    return lambda x: ON_PLATFORM[named.name](x, on.platform, on.precision)


def symbols_of_part(node: Block | Op, named: NamedQuantity, on: RatedPlatform | None = None) -> set[Symbol]:
    """The symbols of a quantity of a part."""
    if on is None:
        return symbols_of(named.of(x.cost) for x in operators_of(node))
    return symbols_of(map(operator_total(named, on), layer_operators(node)))


def times_by_operator(node: Block | Op, bind: Bind, on: RatedPlatform | None) -> dict[Symbol, tuple[Expr, str]]:
    """The time of each operator of one layer of a part, by a name such as t_mlp_down; what the name means."""
    times: dict[Symbol, tuple[Expr, str]] = {}
    total = operator_total(quantity("time"), on)
    for x in layer_operators(node, bind):
        name = Symbol(f"t_{identifier(x.path)}", nonnegative=True)
        before, meaning = times.get(name, (Integer(0), f"seconds of {x.path}"))
        times[name] = before + total(x), meaning
    return {name: step for name, step in times.items() if step[0] != 0}


def formula_on_platform(node: Block | Op, named: NamedQuantity, bound: Binding, on: RatedPlatform | None) -> Formula:
    """A quantity by block, or by operator; time and energy in the rates of a platform."""
    return Formula.of(node, named, bound, of_operator(on).get(named.name))


def of_operator(on: RatedPlatform | None) -> dict[str, Callable[[Op], Expr]]:
    """Quantity -> what it is of one run of an operator, for those in the rates of a platform; empty without one."""

    def one_run(name: str) -> Callable[[Op], Expr]:
        total = operator_total(quantity(name), on)
        return lambda op: total(OperatorFormula(op.name, op.role, op.width, op.operands, Integer(1), op.cost))

    return {name: one_run(name) for name in ON_PLATFORM} if on else {}
