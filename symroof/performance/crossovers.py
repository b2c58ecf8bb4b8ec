"""Where one cost of a model on a machine reaches another: closed forms, and the smallest whole number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.algebra.rootfinding import roots
from symroof.cost.batch import LARGEST
from symroof.cost.cost import Cost, sum_costs
from symroof.hardware.platform import Place, Platform, as_platform
from symroof.model.keywords import check_keywords
from symroof.model.model import Model, Rules, Source, as_model
from symroof.model.report import Row
from symroof.quantization.precision import Precision


@dataclass(frozen=True)
class Crossover:
    """The smallest `symbol` at which `left` reaches `right`, two closed forms in it and the machine's rates.

    `condition` says what else holds there. `value` is None where it never does; `solution` is the value in closed
    form before rounding up, None where the equation has no simple one. Where `approximate`, the forms are not
    polynomials and the root was bracketed.
    """

    name: str
    condition: str
    symbol: Symbol
    left: Expr
    right: Expr
    solution: Expr | None
    value: int | None
    approximate: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The crossover as JSON has it, its closed forms as Python expressions."""
        forms = {"left": str(self.left), "right": str(self.right)}
        return {"name": self.name, "told": self.condition, "symbol": str(self.symbol), "value": self.value, **forms}


def crossovers(
    model: Model | Source,
    on: Place,
    cached: int = 0,
    batch_size: int = 1,
    rules: Rules = "standard",
    logits: str | None = None,
    **formats: Any,
) -> tuple[Crossover, ...]:
    """Where decode turns compute-bound, where cache bytes pass weight bytes, where a prompt turns compute-bound.

    Matmuls against weights and cache, as in the lower bound of a roofline: units overlap, activations stay on chip, a
    matmul runs at the fastest rate that one of its operands permits.
    """
    check_keywords(crossovers, formats)
    model = as_model(model)
    platform, precision = as_platform(on), model.precision(**formats)

    def sides(values: dict[Symbol, int]) -> StepSides:
        batch = {x: Integer(value) for x, value in values.items()}
        return step_sides(model.uniform(batch, rules, logits, **formats), platform, precision)

    return (
        sides({s.n: 1, s.c: cached}).compute_bound("decode turns compute-bound", f"{cached:,} tokens cached", s.B),
        sides({s.n: 1, s.B: batch_size}).cache_above_weights(f"decode, batch {batch_size:,}"),
        sides({s.c: 0, s.B: batch_size}).compute_bound("prefill turns compute-bound", f"batch {batch_size:,}", s.n),
    )


@dataclass(frozen=True)
class StepSides:
    """The seconds of a step's matmuls as a formula of the peaks, the step's cost, and the machine's rates."""

    matmul_time: Expr
    cost: Cost
    rates: Mapping[Symbol, Fraction]

    def compute_bound(self, name: str, condition: str, x: Symbol) -> Crossover:
        """Where matmuls take as long as moving weights and cache."""
        moving = self.cost.weights_and_cache.moved / s.W
        return crossover(name, condition, x, self.matmul_time, moving, self.rates)

    def cache_above_weights(self, condition: str) -> Crossover:
        """Where as much of the cache is read as of the weights."""
        name, cost = "cache read passes weights read", self.cost
        return crossover(name, condition, s.c, cost.cache_read, cost.weight_read, self.rates)


def step_sides(rows: Sequence[Row], platform: Platform, precision: Precision) -> StepSides:
    """The matmul seconds and the cost of a report's rows."""
    rates, matmul_time = {s.W: Fraction(platform.machine.bandwidth)}, Integer(0)
    for row in rows:
        if row.cost.matmul != 0:
            for name, share in platform.fastest_formats(row.operands, precision).items():
                peak = s.symbol(f"F_{name}")
                rates[peak] = Fraction(platform.machine.peak(name))
                matmul_time += row.layers * row.cost.matmul * share / peak
    return StepSides(matmul_time, sum_costs(row.all for row in rows), rates)


def crossover(
    name: str, condition: str, x: Symbol, left: Expr, right: Expr, rates: Mapping[Symbol, Fraction]
) -> Crossover:
    """The smallest whole x at which `left` reaches `right`."""
    gap = Binding(rates)(left - right)
    signs = roots.whole_signs(gap, x, 0 if x == s.c else 1, LARGEST)
    return Crossover(name, condition, x, left, right, intersection(x, left, right), signs.reached, not signs.solved)


def intersection(x: Symbol, left: Expr, right: Expr) -> Expr | None:
    """Where two straight lines in x meet; None where they are not straight, or never meet."""
    gap = (left - right).expand()
    if not gap.is_polynomial(x) or gap.has(x) is False:
        return None
    slope, offset = gap.coeff(x, 1), gap.coeff(x, 0)
    return -offset / slope if (gap - slope * x - offset).expand() == 0 else None
