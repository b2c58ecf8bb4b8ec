"""The columns of a sweep: quantities of a step as formulas in what is swept, all else bound.

Names are the quantities of `symroof.formula` (FLOP, bytes), storage (weight_size + cache_size), intensity (FLOP per
byte), and memory: bytes of weights, cache and the most that one operator reads and writes. On a machine: time, seconds
of one operator after another; time.compute, seconds of matmuls at the fastest peaks that a format of their operands
permits; time.memory, seconds of weights and cache at the peak; time.lower, the larger of those; energy, joules; fits, 1
where the step fits the memory.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from sympy import Add, Dummy, Expr, Integer, Le, Max, Min, Mul, Rational, Symbol, floor

from symroof import symbols as s
from symroof.algebra.binding import Binding, symbols_of
from symroof.algebra.points import exact_number_or_infinity, multiplied_out
from symroof.cost import batch_sums
from symroof.cost.quantities import COSTS, RATIOS, SUMS, quantity
from symroof.cost.rule_names import unquantised_tool
from symroof.errors import UnknownName, UsageError
from symroof.hardware.platform import Platform
from symroof.model import operator_formulas
from symroof.model.model import Model
from symroof.model.operator_formulas import OperatorFormula
from symroof.performance import step_time
from symroof.quantization.precision import Precision, precision
from symroof.sweeps.ufunc_compiler import compile_program
from symroof.sweeps.ufunc_program import UfuncProgram

MEMORY = ("memory",)  # bytes that are not a field of a cost
MACHINE_COLUMNS: Mapping[str, Callable[["Case", Platform], Expr]] = {
    "time": step_time.serial_time,
    "time.compute": step_time.matmul_seconds,
    "time.memory": step_time.memory_seconds,
    "time.lower": step_time.lower_bound,
    "energy": step_time.step_energy,
    "fits": lambda case, used: Le(case.memory, Rational(exact_number_or_infinity(used.machine.memory)), evaluate=False),
}
COLUMNS = (*COSTS, *SUMS, *RATIOS, *MEMORY, *MACHINE_COLUMNS)


def column_unit(name: str) -> str:
    """The unit of a column: FLOP, bytes, FLOP/byte, s, J, or none."""
    if name in MACHINE_COLUMNS:
        return {"energy": "J", "fits": ""}.get(name, "s")
    if name in RATIOS:
        return "FLOP/byte"
    return "bytes" if name in (*SUMS, *MEMORY) or quantity(name).unit == "byte" else quantity(name).unit


def column_name(name: str) -> str:
    """The full name of a column, in which - and _ are alike. Raises UnknownName."""
    column = name.strip().lower().replace("-", "_")
    if column not in COLUMNS:
        raise UnknownName("quantity", name, COLUMNS)
    return column


@dataclass(frozen=True)
class Case:
    """A model under rules and formats, and the batch where it is not an axis.

    `sizes`: formulas of the sizes that are an axis, or follow one.
    """

    model: Model
    rules: tuple[str, ...]
    formats: Mapping[str, str | None]
    batch: Mapping[Symbol, int]
    sizes: Mapping[Symbol, Expr]
    unknown: Symbol | None = None  # nothing is solved for

    @cached_property
    def rows(self) -> tuple[tuple[str, Any, Any], ...]:
        """(path, layers, operator) of all operators."""
        return tuple(self.model.graph(self.rules).rows())

    @cached_property
    def symbols(self) -> set[Symbol]:
        """The symbols of their costs."""
        return operator_formulas.cost_symbols(self.rows)

    @cached_property
    def precision(self) -> Precision:
        """The formats of all roles."""
        recurrent, tool = s.b_s in self.symbols, unquantised_tool(self.rules)
        return precision(self.model.config, self.model.architecture, recurrent, tool=tool, **self.formats)

    @cached_property
    def numbers(self) -> dict[Symbol, Any]:
        """Sizes, and the batch where it is not an axis."""
        return {**self.model.sizes, **self.batch, **self.sizes}

    @cached_property
    def widths(self) -> dict[Symbol, Fraction]:
        """Bytes per element."""
        return operator_formulas.known_width_values(self.precision)

    @cached_property
    def definitions(self) -> "SymbolDefinitions":
        """The definitions of all other symbols by the rules and the batch."""
        return symbol_definitions(self.model.definitions(self.rules), self.symbols, self.numbers)

    def forms(self, widths: Mapping[Symbol, Any]) -> tuple[OperatorFormula, ...]:
        """The operators with numbers for all but the axes."""
        bound = Binding(self.definitions.symbols, {x: y for x, y in self.numbers.items() if x != y}, widths)
        without_differences = self.definitions.without_differences
        return operator_formulas.bind_operators(self.rows, lambda x: without_differences(bound(x)))

    @cached_property
    def bound_forms(self) -> tuple[OperatorFormula, ...]:
        """The operators with the bytes per element of the formats."""
        return self.forms(self.widths)

    def total(self, name: str) -> Expr:
        """A quantity of all operators."""
        elements = name == "parameters"
        operators = (
            self.forms({x: Integer(1) for x in self.symbols if s.group(x) == "width"}) if elements else self.bound_forms
        )
        return Add(*(x.of(quantity(name)) for x in operators))

    @cached_property
    def memory(self) -> Expr:
        """Bytes in memory during the step."""
        moved = {x.cost.act_read + x.cost.act_write for x in self.bound_forms}
        return self.total("weight_size") + self.total("cache_size") + Max(*moved, evaluate=False)

    def column(self, name: str, used: Platform | None) -> Expr:
        """A column's formula. Raises UsageError for one that needs a machine, or bytes, where there are none."""
        return operator_formulas.check_widths(self._column(name, used), self.precision)

    def _column(self, name: str, used: Platform | None) -> Expr:
        if name in MACHINE_COLUMNS:
            if used is None:
                raise UsageError(f"quantity {name} needs a machine: give one, such as --on h100-sxm")
            return MACHINE_COLUMNS[name](self, used)
        if name in SUMS:
            return Add(*map(self.total, SUMS[name]))
        if name in RATIOS:
            above, below = map(self.total, RATIOS[name])
            return above / below
        return self.memory if name in MEMORY else self.total(name)

    def program(self, names: Iterable[str], used: Platform | None, arguments: Sequence[Symbol]) -> UfuncProgram:
        """Columns as a program of the axes."""
        return compile_program([self.column(x, used) for x in names], arguments, self.definitions.intermediates)


@dataclass(frozen=True)
class SymbolDefinitions:
    """Definitions of symbols, and the intermediate symbols in them: their formulas, and whether of whole numbers.

    `complements`: an intermediate as a whole less the rest of that whole, which is another intermediate.
    """

    symbols: Mapping[Symbol, Any]
    intermediates: Mapping[Symbol, tuple[Expr, bool]]
    complements: Mapping[Symbol, Expr]

    def without_differences(self, expr: Expr) -> Expr:
        """A sum whose negative terms cancel, where they are intermediates that their complements replace."""
        if not expr.free_symbols & self.complements.keys():
            return expr
        negative = [x for x in Add.make_args(multiplied_out(expr)) if x.as_coeff_Mul()[0] < 0]
        replaced = {x: y for x, y in self.complements.items() if any(term.has(x) for term in negative)}
        return multiplied_out(expr.xreplace(replaced)) if replaced else expr


def symbol_definitions(
    layer: Mapping[Symbol, Expr], used: set[Symbol], numbers: Mapping[Symbol, Any]
) -> SymbolDefinitions:
    """The definitions of some rules for the symbols that are used.

    Sums over the batch are substituted where floats add them up without loss, and are intermediates where not; so are
    values that a step derives from them, such as the experts that it reads.
    """
    steps = {x: expr for x, expr in layer.items() if s.group(x) == "step" and x in used}
    terms = batch_sums.query_terms(layer, used | symbols_of(steps.values()))
    known, choices = {x: y for x, y in numbers.items() if x != y}, batch_free_choices(layer)
    intermediates: dict[Symbol, tuple[Expr, bool]] = {}
    sums = batch_sum_values(terms, Binding(choices, known), intermediates)
    complements = intermediate_complements(intermediates)
    values = step_values(steps, Binding(choices, known, sums), intermediates)
    return SymbolDefinitions({**choices, **sums, **values}, intermediates, complements)


def batch_free_choices(layer: Mapping[Symbol, Expr]) -> dict[Symbol, Expr]:
    """The choices of the rules that depend neither on the batch nor on other definitions."""
    open_symbols = {*layer, s.n, s.c}
    return {x: expr for x, expr in layer.items() if s.group(x) == "rule" and not expr.free_symbols & open_symbols}


def batch_sum_values(
    terms: Mapping[Symbol, Expr], fixed: Binding, intermediates: dict[Symbol, tuple[Expr, bool]]
) -> dict[Symbol, Expr]:
    """Sums over B queries by the term of one query; a term that subtracts is an intermediate."""
    values = {x: fixed(expr) for x, expr in terms.items() if x != s.B}
    return {
        x: fixed(s.B) * (expr if is_positive_sum(expr) else intermediate(x, expr, True, intermediates))
        for x, expr in values.items()
    }


def intermediate_complements(intermediates: dict[Symbol, tuple[Expr, bool]]) -> dict[Symbol, Expr]:
    """Each intermediate with a choice for a factor, as the product without that less another intermediate."""
    wholes = {x: (without_choice(expr), expr) for x, (expr, _) in intermediates.items()}
    return {
        x: whole - intermediate(x, whole - expr, True, intermediates)
        for x, (whole, expr) in wholes.items()
        if whole is not None
    }


def step_values(
    steps: Mapping[Symbol, Expr], bound: Binding, intermediates: dict[Symbol, tuple[Expr, bool]]
) -> dict[Symbol, Expr]:
    """What a step makes of the batch: a number, a symbol, or an intermediate."""
    values = {x: bound(expr) for x, expr in steps.items()}
    return {
        x: expr if expr.is_number or expr.is_Symbol else intermediate(x, expr, False, intermediates)
        for x, expr in values.items()
    }


def intermediate(x: Symbol, expr: Expr, whole: bool, intermediates: dict[Symbol, tuple[Expr, bool]]) -> Symbol:
    """A new intermediate symbol that replaces another."""
    name = Dummy(str(x), nonnegative=True)
    intermediates[name] = (expr, whole)
    return name


def without_choice(expr: Expr) -> Expr | None:
    """A product without its factor Min(1, ...), a choice of 0 or 1; None where it has none."""
    factors = Mul.make_args(expr)
    choice = next((x for x in factors if isinstance(x, Min) and Integer(1) in x.args), None)
    return None if choice is None else Mul(*(x for x in factors if x is not choice))


def is_positive_sum(expr: Expr) -> bool:
    """Whether a sum has nothing to subtract."""
    if expr.has(Min, Max, floor):
        return False
    return all(x.as_coeff_Mul()[0] >= 0 for x in Add.make_args(multiplied_out(expr)))
