"""Where one cost of a model on a machine reaches another: closed forms, and the smallest whole number."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sympy import Add, Expr, Integer, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.algebra.points import Point
from symroof.algebra.rootfinding import roots
from symroof.algebra.rootfinding.closed_forms import polynomial_root, without_divisors
from symroof.cost.batch import LARGEST
from symroof.cost.cost import Cost, sum_costs
from symroof.hardware.platform import Place, Platform, as_platform
from symroof.model import operator_formulas
from symroof.model.keywords import check_keywords
from symroof.model.model import Model, Rules, Source, as_model
from symroof.model.operator_formulas import OperatorFormula
from symroof.model.report import Row
from symroof.quantization.precision import Precision


@dataclass(frozen=True)
class Crossover:
    """The smallest `symbol` at which `left` reaches `right`, two closed forms in it and the machine's rates.

    `condition` says what else holds there. `value` is None where it never does; `solution` is the value in closed
    form before rounding up, None where the equation has no simple one. Where `approximate`, the forms are not
    polynomials and the root was bracketed. `root` is the solution in sizes, widths, the batch and the machine's rates.
    """

    name: str
    condition: str
    symbol: Symbol
    left: Expr
    right: Expr
    solution: Expr | None
    value: int | None
    approximate: bool = False
    root: Expr | None = None

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

    operators = operator_formulas.operator_formulas(model, rules, logits)

    def sides(given: dict[Symbol, int]) -> StepSides:
        batch = {x: Integer(value) for x, value in given.items()}
        at = operator_formulas.model_point(model, {s.B: batch_size, s.n: 1, s.c: cached, **given}, **formats)
        step = step_sides(model.uniform(batch, rules, logits, **formats), platform, precision)
        return replace(step, in_sizes=SidesInSizes(operators, platform, precision, at, given))

    return (
        sides({s.n: 1, s.c: cached}).compute_bound("decode turns compute-bound", f"{cached:,} tokens cached", s.B),
        sides({s.n: 1, s.B: batch_size}).cache_above_weights(f"decode, batch {batch_size:,}"),
        sides({s.c: 0, s.B: batch_size}).compute_bound("prefill turns compute-bound", f"batch {batch_size:,}", s.n),
    )


@dataclass(frozen=True)
class SidesInSizes:
    """The operators of a step in sizes, B, n and c; a machine; and a point at which their branches are chosen."""

    operators: Sequence[OperatorFormula]
    platform: Platform
    precision: Precision
    at: Point
    given: Mapping[Symbol, int]

    def gap(self, x: Symbol, value: int, of: Callable[[OperatorFormula], Expr]) -> Expr:
        """A sum over operators, times the rates that it is divided by, on its branch where x has a value.

        Of what is given, 0 and 1 are put in; other numbers stay symbols.
        """
        at, few = self.at.moved({x: value}, x), {y: Integer(z) for y, z in self.given.items() if z in (0, 1)}
        total = Add(*(at.branch(of(form)) for form in self.operators))
        return without_divisors(total.xreplace(few), lambda y: y.is_Symbol and s.group(y) == "machine")

    def compute_less_memory(self, form: OperatorFormula) -> Expr:
        """Seconds of an operator's matmuls less those of its weights and cache, at the peaks."""
        compute = operator_formulas.matmul_time_at_peaks(form, self.platform, self.precision)
        return compute - operator_formulas.memory_time_at_peak(form)


def cache_less_weights(form: OperatorFormula) -> Expr:
    """Bytes of cache that an operator reads less those of its weights."""
    return form.layers * (form.cost.cache_read - form.cost.weight_read)


@dataclass(frozen=True)
class StepSides:
    """The seconds of a step's matmuls as a formula of the peaks, the step's cost, and the machine's rates."""

    matmul_time: Expr
    cost: Cost
    rates: Mapping[Symbol, Fraction]
    in_sizes: SidesInSizes | None = None

    def compute_bound(self, name: str, condition: str, x: Symbol) -> Crossover:
        """Where matmuls take as long as moving weights and cache."""
        moving = self.cost.weights_and_cache.moved / s.W
        point = crossover(name, condition, x, self.matmul_time, moving, self.rates)
        return self.with_root(point, self.in_sizes.compute_less_memory) if self.in_sizes else point

    def cache_above_weights(self, condition: str) -> Crossover:
        """Where as much of the cache is read as of the weights."""
        name, cost = "cache read passes weights read", self.cost
        point = crossover(name, condition, s.c, cost.cache_read, cost.weight_read, self.rates)
        return self.with_root(point, cache_less_weights)

    def with_root(self, point: Crossover, of: Callable[[OperatorFormula], Expr]) -> Crossover:
        """A crossover with its root in sizes."""
        if self.in_sizes is None or point.value is None:
            return point
        in_numbers = Point({point.symbol: point.value}).branch(Binding(self.rates)(point.left - point.right))
        gap = self.in_sizes.gap(point.symbol, point.value, of)
        return replace(point, root=polynomial_root(gap, point.symbol, in_numbers))


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
