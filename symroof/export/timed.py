"""Time and energy on a platform, in its rates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sympy import Expr, Rational, Symbol

from symroof.cost.graph import Block, Op, operators_of
from symroof.cost.quantities import TIMED, NamedQuantity
from symroof.errors import UsageError
from symroof.hardware.platform import Platform, check_energy_known
from symroof.model.operator_formulas import rate_values, rates_on_platform
from symroof.quantization.precision import Precision


@dataclass(frozen=True)
class RatedPlatform:
    """A platform, and the formats that choose the rates of its matmuls."""

    platform: Platform
    precision: Precision

    def of(self, op: Op) -> dict[Symbol, Expr]:
        """What an operator's time and energy have for the symbols of a machine."""
        return rates_on_platform(op, self.platform, self.precision)

    def values(self, node: Block | Op) -> Mapping[Symbol, Expr]:
        """The values of the rates that stay symbols in the times of a part's operators."""
        values = rate_values(self.platform, self.precision, operators_of(node))
        return {x: Rational(value) for x, value in values.items()}


def check_machine(wanted: Iterable[NamedQuantity], on: Platform | None) -> None:
    """Raises UsageError for a machine where no quantity needs one, or whose energy is not known."""
    names = {x.name for x in wanted}
    if on and not names & {*TIMED}:
        raise UsageError(f"{on.label}: only {' and '.join(TIMED)} need a machine: add --quantity {TIMED[0]}")
    if on and "energy" in names:
        check_energy_known(on)
