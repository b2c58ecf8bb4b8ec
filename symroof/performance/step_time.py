"""Time and energy of a step on a machine, as sums over its operators that leave some symbols unbound."""

from collections.abc import Mapping
from typing import Any, Protocol

from sympy import Add, Expr, Max, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost import operator_time
from symroof.hardware.platform import Platform, check_energy_known
from symroof.model.operator_formulas import OperatorFormula
from symroof.quantization.precision import Precision


class StepOperators(Protocol):
    """Operators with numbers for all but the open symbols, their formats, and the open symbol of the machine if any."""

    @property
    def bound_forms(self) -> tuple[OperatorFormula, ...]:
        """The operators."""

    @property
    def precision(self) -> Precision:
        """Their formats."""

    @property
    def unknown(self) -> Symbol | None:
        """The symbol that a comparison is solved for."""


def operator_rates(x: OperatorFormula, scope: StepOperators, used: Platform) -> Binding:
    """The rates that an operator runs at, the unknown left open."""
    values = used.rates(x.role, x.cost.matmul, x.width, scope.precision)
    return _but_unknown(values | used.energies(values), scope)


def bounding_rates(x: OperatorFormula, scope: StepOperators, used: Platform) -> Binding:
    """The rates that an operator runs at in the lower bound, the unknown left open."""
    return _but_unknown(used.bounding_rates(x.cost.matmul, x.operands, scope.precision), scope)


def _but_unknown(values: Mapping[str, Any], scope: StepOperators) -> Binding:
    return Binding({s.symbol(name): value for name, value in values.items() if s.symbol(name) != scope.unknown})


def serial_time(scope: StepOperators, used: Platform) -> Expr:
    """Seconds of one operator after another."""
    return Add(*(x.layers * operator_time.time(x.cost, operator_rates(x, scope, used)) for x in scope.bound_forms))


def matmul_seconds(scope: StepOperators, used: Platform) -> Expr:
    """Seconds of all matmuls, each at the fastest rate that one of its operands permits."""
    forms = scope.bound_forms
    return Add(*(x.layers * bounding_rates(x, scope, used)(operator_time.matmul_time(x.cost)) for x in forms))


def memory_seconds(scope: StepOperators, used: Platform) -> Expr:
    """Seconds in which memory moves weights and cache at its peak."""
    return Add(
        *(
            x.layers * bounding_rates(x, scope, used)(operator_time.memory_time(x.cost.weights_and_cache))
            for x in scope.bound_forms
        )
    )


def lower_bound(scope: StepOperators, used: Platform) -> Expr:
    """The larger of the two: no schedule takes less."""
    return Max(matmul_seconds(scope, used), memory_seconds(scope, used), evaluate=False)


def step_energy(scope: StepOperators, used: Platform) -> Expr:
    """Joules of all operators. Raises UsageError where none are known."""
    check_energy_known(used)
    return Add(*(x.layers * operator_rates(x, scope, used)(operator_time.energy(x.cost)) for x in scope.bound_forms))
