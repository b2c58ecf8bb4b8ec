"""A step's operators in closed form, in sizes, widths, B, n and c; their values for a model and batch."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import Expr, Integer, Rational, Symbol, oo, sympify

from symroof import symbols as s
from symroof.algebra.binding import symbols_of
from symroof.algebra.points import Point, exact_number_or_infinity
from symroof.cost import batch_sums, operator_time
from symroof.cost import rules as counting
from symroof.cost.batch import queries
from symroof.cost.cost import FIELDS, Cost
from symroof.cost.graph import Op
from symroof.cost.quantities import TIMED, NamedQuantity, quantity
from symroof.errors import UsageError
from symroof.hardware.platform import Platform
from symroof.model.model import Model, Rules, rules_with_logits
from symroof.quantization.precision import Precision


@dataclass(frozen=True)
class OperatorFormula:
    """One operator: path, role, width and operands as in `Op`; layers and cost per layer, as formulas."""

    path: str
    role: str
    width: str
    operands: tuple[str, ...]
    layers: Expr
    cost: Cost

    @property
    def block(self) -> str:
        """The block it is in."""
        return self.path.partition("/")[0]

    @cached_property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols in its number of layers and its costs."""
        return frozenset(symbols_of([self.layers, *(getattr(self.cost, x) for x in FIELDS)]))

    def of(self, named: NamedQuantity) -> Expr:
        """A quantity, summed over its layers."""
        return self.layers * named.of(self.cost)


def operator_formulas(
    model: Model, rules: Rules = "standard", logits: str | None = None
) -> tuple[OperatorFormula, ...]:
    """The operators of a step of B queries of n new and c cached tokens each."""
    layer = counting.rule_layer(rules_with_logits(rules, logits), model.architecture.structure)
    return formulas_of_rows(model.graph(rules).rows(), layer)


def formulas_of_rows(rows: Iterable[tuple[str, Any, Op]], layer: counting.Layer) -> tuple[OperatorFormula, ...]:
    """Operators in sizes, widths, B, n and c, under the definitions of some rules."""
    operators = list(rows)
    return bind_operators(operators, batch_sums.uniform_binding(layer, cost_symbols(operators)))


def bind_operators(rows: Iterable[tuple[str, Any, Op]], bind: Callable[[Any], Expr]) -> tuple[OperatorFormula, ...]:
    """Operators with definitions substituted in their layers and costs."""
    return tuple(
        OperatorFormula(path, op.role, op.width, op.operands, bind(count), op.cost.map(bind))
        for path, count, op in rows
    )


def cost_symbols(rows: Iterable[tuple[str, Any, Op]]) -> set[Symbol]:
    """All symbols of the costs of operators."""
    return symbols_of(getattr(op.cost, x) for _, _, op in rows for x in FIELDS)


def total_formula(operators: Iterable[OperatorFormula], named: NamedQuantity) -> Expr:
    """A quantity, summed over operators."""
    return sum((x.of(named) for x in operators), Integer(0))


def block_sums(terms: Iterable[tuple[str, Expr]]) -> dict[str, Expr]:
    """Terms added up by block; a sum that is 0 is left out."""
    sums: dict[str, Expr] = {}
    for block, term in terms:
        sums[block] = sums.get(block, Integer(0)) + term
    return {block: term for block, term in sums.items() if term != 0}


def quantity_without_time(name: str) -> NamedQuantity:
    """The quantity of that name. Raises UnknownName, or UsageError for one that needs a machine."""
    named = quantity(name)
    if named.name in TIMED:
        raise UsageError(f"{named.name} needs a machine: give --on")
    return named


def batch_values(new: Any, cached: Any, batch_size: int | None) -> dict[Symbol, int]:
    """B, n and c of a batch of identical queries. Raises UsageError for any other batch."""
    groups = queries(new, cached, batch_size)
    if len(groups) > 1:
        raise UsageError("this command needs identical queries: give a single value")
    return {s.B: groups[0].count, s.n: groups[0].new, s.c: groups[0].cached}


def model_point(model: Model, batch: Mapping[Symbol, int], **formats: str | None) -> Point:
    """The values of a model's sizes, the widths of its formats, and a batch. Raises MissingFormat."""
    precision = model.precision(**formats)
    precision.widths()
    return known_point(model, batch, precision)


def known_point(model: Model, batch: Mapping[Symbol, int], precision: Precision) -> Point:
    """The values of a model's sizes, the widths that are known, and a batch."""
    return Point({**model.sizes, **known_width_values(precision), **batch})


def known_width_values(precision: Precision) -> dict[Symbol, Any]:
    """Bytes per element that are known, by width symbol."""
    return {s.symbol(name): exact_number_or_infinity(x) for name, x in precision.known_widths().items()}


def check_widths(expr: Expr, precision: Precision) -> Expr:
    """A formula whose widths are bound or known. Raises MissingFormat for one with a width that is neither."""
    if precision.lack and any(s.group(x) == "width" for x in expr.free_symbols - known_width_values(precision).keys()):
        precision.widths()
    return expr


def time_on_platform(form: OperatorFormula, platform: Platform, precision: Precision) -> Expr:
    """The time of an operator over all its layers, in the machine's rates: F_bf16, ..., F_v, W and t_0."""
    known = rates_on_platform(form, platform, precision)
    return form.layers * operator_time.time(form.cost, lambda x: x.xreplace(known))


def matmul_time_at_peaks(form: OperatorFormula, platform: Platform, precision: Precision) -> Expr:
    """The time of an operator's matmuls in the lower bound, in peaks: F_bf16, ..."""
    shares = platform.fastest_formats(form.operands, precision) if form.cost.matmul != 0 else {}
    return (
        form.layers
        * form.cost.matmul
        * sum((_rational(share) / s.symbol(f"F_{name}") for name, share in shares.items()), Integer(0))
    )


def memory_time_at_peak(form: OperatorFormula) -> Expr:
    """The time in which memory moves the weights and the cache of an operator, in its peak W."""
    return form.layers * form.cost.weights_and_cache.moved / s.W


def rates_on_platform(x: Op | OperatorFormula, platform: Platform, precision: Precision) -> dict[Symbol, Expr]:
    """What an operator's time and energy have for symbols of the machine: numbers, or peaks such as F_bf16, F_v and W.

    Symbols that stay are left out, those of the energy where it is not known.
    """
    rates = platform.rates(x.role, x.cost.matmul, x.width, precision)
    shares = platform.formats(x.width, precision) if x.cost.matmul != 0 else {}
    known = {s.u_F: _rational(rates["u_F"]), s.u_W: _rational(rates["u_W"])}
    if not platform.overhead:
        known[s.t_0] = Integer(0)
    if platform.machine.vector is None:
        known[s.F_v] = oo
    if shares:
        known[s.F] = 1 / sum(_rational(share) / s.symbol(f"F_{name}") for name, share in shares.items())
    energies = platform.energies({str(y): known.get(y, y) for y in (s.F, s.F_v, s.W, s.u_F, s.u_W)})
    return known | {s.symbol(name): sympify(y) for name, y in energies.items()}


def _rational(x: Any) -> Expr:
    """A number as an exact sympy Rational."""
    return Rational(exact_number_or_infinity(x))


def rate_values(
    platform: Platform, precision: Precision, operators: Iterable[Op | OperatorFormula]
) -> dict[Symbol, Any]:
    """The values of the machine's symbols in the times of some operators."""
    machine = platform.machine
    names = {name for x in operators if x.cost.matmul != 0 for name in platform.formats(x.width, precision)}
    peaks = {s.symbol(f"F_{name}"): exact_number_or_infinity(machine.peak(name)) for name in sorted(names)}
    vector = {} if machine.vector is None else {s.F_v: exact_number_or_infinity(machine.vector)}
    launch = {s.t_0: exact_number_or_infinity(platform.overhead)} if platform.overhead else {}
    return {**peaks, **vector, s.W: exact_number_or_infinity(machine.bandwidth), **launch}
