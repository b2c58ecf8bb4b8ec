"""Time and energy of a step on a machine, as sums over its operators in what is left open."""

from typing import Protocol

from sympy import Add, Expr, Max, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cost import timing
from symroof.cost.cost import Cost
from symroof.errors import UsageError
from symroof.hardware.platform import Platform
from symroof.model.uniform import Form
from symroof.quantization.precision import Precision


class Operators(Protocol):
    """Operators with numbers for all but what is open, their formats, and the machine's symbol that is open, if any."""

    @property
    def bound_forms(self) -> tuple[Form, ...]:
        """The operators."""

    @property
    def precision(self) -> Precision:
        """Their formats."""

    @property
    def unknown(self) -> Symbol | None:
        """What a comparison is solved for."""


def rates(x: Form, scope: Operators, used: Platform, ideal: bool = False) -> Binding:
    """The rates that an operator runs at, the unknown left open."""
    found = used.rates(x.role, x.cost.matmul, x.width, scope.precision)
    found |= used.energies(found)
    found |= {"u_F": 1, "u_W": 1, "t_0": 0} if ideal else {}
    return Binding({s.symbol(name): value for name, value in found.items() if s.symbol(name) != scope.unknown})


def serial_time(scope: Operators, used: Platform) -> Expr:
    """Seconds of one operator after another."""
    return Add(*(x.layers * timing.time(x.cost, rates(x, scope, used)) for x in scope.bound_forms))


def matmul_seconds(scope: Operators, used: Platform) -> Expr:
    """Seconds of all matmuls at the peaks."""
    found = scope.bound_forms
    return Add(*(x.layers * rates(x, scope, used, True)(timing.matmul_time(x.cost)) for x in found))


def memory_seconds(scope: Operators, used: Platform) -> Expr:
    """Seconds in which memory moves weights and cache at its peak."""
    return Add(
        *(
            x.layers * rates(x, scope, used, True)(timing.memory_time(weights_and_cache(x.cost)))
            for x in scope.bound_forms
        )
    )


def lower_bound(scope: Operators, used: Platform) -> Expr:
    """The larger of those."""
    return Max(matmul_seconds(scope, used), memory_seconds(scope, used), evaluate=False)


def step_energy(scope: Operators, used: Platform) -> Expr:
    """Joules of all operators. Raises UsageError where none are known."""
    if not used.joules and used.machine.power is None:
        raise UsageError(f"no power is published of {used.machine.label}, and its energy is not known")
    return Add(*(x.layers * rates(x, scope, used)(timing.energy(x.cost)) for x in scope.bound_forms))


def weights_and_cache(cost: Cost) -> Cost:
    """What of a cost is weights and cache."""
    return Cost(weight_read=cost.weight_read, cache_read=cost.cache_read, cache_write=cost.cache_write)
