"""The columns of a sweep: quantities of a step as formulas in what is swept, all else bound.

Names are quantities of `formula.QUANTITIES` (FLOP, bytes), storage (weight_size + cache_size), intensity (FLOP per
byte), and memory: bytes that the step keeps, which are weights, cache and the most that one operator reads and writes.
On a machine: time, seconds of one operator after another; time.compute and time.memory, what matmuls take at the
peaks, and weights and cache; time.lower, the larger of those; energy, joules; fits, 1 where memory holds the step.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from sympy import Add, Dummy, Expr, Integer, Le, Max, Min, Mul, Rational, Symbol, floor

from symroof import symbols as s
from symroof.algebra.binding import Binding, symbols_of
from symroof.algebra.points import exact, multiplied_out
from symroof.cost import batch_sums
from symroof.cost.cost import FIELDS, Cost
from symroof.cost.quantities import COSTS, RATIOS, SUMS, quantity
from symroof.errors import UnknownName, UsageError
from symroof.hardware.platform import Platform
from symroof.model import uniform
from symroof.model.model import Model
from symroof.model.uniform import Form
from symroof.performance import step_time
from symroof.quantization.precision import Precision, precision
from symroof.sweeps.tape import Tape
from symroof.sweeps.tape_compiler import compiled

NEEDED = ("memory",)  # bytes besides those of a cost
CLOCKS: Mapping[str, Callable[["Case", Platform], Expr]] = {
    "time": step_time.serial_time,
    "time.compute": step_time.matmul_seconds,
    "time.memory": step_time.memory_seconds,
    "time.lower": step_time.lower_bound,
    "energy": step_time.step_energy,
    "fits": lambda case, used: Le(case.memory, Rational(exact(used.machine.memory)), evaluate=False),
}
KNOWN = (*COSTS, *SUMS, *RATIOS, *NEEDED, *CLOCKS)


def unit(name: str) -> str:
    """The unit of a column: FLOP, bytes, FLOP/byte, s, J, or none."""
    if name in CLOCKS:
        return {"energy": "J", "fits": ""}.get(name, "s")
    if name in RATIOS:
        return "FLOP/byte"
    return "bytes" if name in (*SUMS, *NEEDED) or quantity(name).unit == "byte" else quantity(name).unit


def named(name: str) -> str:
    """A column by its name, in which - and _ are alike. Raises UnknownName."""
    found = name.strip().lower().replace("-", "_")
    if found not in KNOWN:
        raise UnknownName("quantity", name, KNOWN)
    return found


@dataclass(frozen=True)
class Case:
    """A model under rules and formats, with what of batch and sizes is no axis: all that formulas leave unsaid.

    `sizes`: formulas of the sizes that are an axis, or follow one.
    """

    model: Model
    rules: tuple[str, ...]
    formats: Mapping[str, str | None]
    batch: Mapping[Symbol, int]
    sizes: Mapping[Symbol, Expr]
    unknown: Symbol | None = None  # of a comparison's, which it is not

    @cached_property
    def rows(self) -> tuple[tuple[str, Any, Any], ...]:
        """(path, layers, operator) of all operators."""
        return tuple(self.model.graph(self.rules).rows())

    @cached_property
    def symbols(self) -> set[Symbol]:
        """The symbols of their costs."""
        return symbols_of(getattr(op.cost, x) for _, _, op in self.rows for x in FIELDS)

    @cached_property
    def precision(self) -> Precision:
        """The formats in force."""
        return precision(self.model.config, self.model.architecture, s.b_s in self.symbols, **self.formats)

    @cached_property
    def numbers(self) -> dict[Symbol, Any]:
        """Sizes, and what of the batch is no axis."""
        return {**self.model.sizes, **self.batch, **self.sizes}

    @cached_property
    def widths(self) -> dict[Symbol, Fraction]:
        """Bytes an element."""
        return uniform.widths(self.precision)

    @cached_property
    def meaning(self) -> "Meaning":
        """What rules and the batch make of all other symbols."""
        return meaning(self.model.definitions(self.rules), self.symbols, self.numbers)

    def forms(self, widths: Mapping[Symbol, Any]) -> tuple[Form, ...]:
        """The operators with numbers for all but the axes."""
        bound = Binding(self.meaning.symbols, {x: y for x, y in self.numbers.items() if x != y}, widths)
        found = self.meaning
        return tuple(
            Form(
                path,
                op.role,
                op.width,
                bound(count),
                Cost(*(found.straight(bound(getattr(op.cost, x))) for x in FIELDS)),
            )
            for path, count, op in self.rows
        )

    @cached_property
    def bound_forms(self) -> tuple[Form, ...]:
        """Those with elements of the formats in force."""
        return self.forms(self.widths)

    def total(self, name: str) -> Expr:
        """A quantity of all operators."""
        found = self.forms(dict.fromkeys(self.widths, Integer(1))) if name == "parameters" else self.bound_forms
        return Add(*(x.of(quantity(name)) for x in found))

    @cached_property
    def memory(self) -> Expr:
        """Bytes that the step keeps."""
        moved = {x.cost.act_read + x.cost.act_write for x in self.bound_forms}
        return self.total("weight_size") + self.total("cache_size") + Max(*moved, evaluate=False)

    def column(self, name: str, used: Platform | None) -> Expr:
        """A column's formula. Raises UsageError for one that needs a machine where there is none."""
        if name in CLOCKS:
            if used is None:
                raise UsageError(f"quantity {name} is that of a machine: give one, such as --on h100-sxm")
            return CLOCKS[name](self, used)
        if name in SUMS:
            return Add(*(self.total(x) for x in SUMS[name]))
        if name in RATIOS:
            above, below = (self.total(x) for x in RATIOS[name])
            return above / below
        return self.memory if name in NEEDED else self.total(name)

    def tape(self, names: Iterable[str], used: Platform | None, arguments: Sequence[Symbol]) -> Tape:
        """Columns as a tape of the axes."""
        return compiled([self.column(x, used) for x in names], arguments, self.meaning.kept)


@dataclass(frozen=True)
class Meaning:
    """What symbols stand for, and the symbols in that which are kept: their formulas, whether of whole numbers.

    `others`: a kept symbol as a whole less what of the whole it is not, another kept symbol.
    """

    symbols: Mapping[Symbol, Any]
    kept: Mapping[Symbol, tuple[Expr, bool]]
    others: Mapping[Symbol, Expr]

    def straight(self, expr: Expr) -> Expr:
        """A sum in which what is taken away is gone, as far as it is a part of what is there."""
        if not expr.free_symbols & self.others.keys():
            return expr
        less = [x for x in Add.make_args(multiplied_out(expr)) if x.as_coeff_Mul()[0] < 0]
        names = {x: y for x, y in self.others.items() if any(term.has(x) for term in less)}
        return multiplied_out(expr.xreplace(names)) if names else expr


def meaning(layer: Mapping[Symbol, Expr], used: set[Symbol], numbers: Mapping[Symbol, Any]) -> Meaning:
    """What the definitions of some rules make of symbols that are used.

    Sums over the batch are inserted where floats add them up without loss, and kept apart where not; so is what a
    step makes of them, such as the experts that it reads.
    """
    steps = {x: expr for x, expr in layer.items() if s.group(x) == "step" and x in used}
    summands = batch_sums.summands(layer, used | symbols_of(steps.values()))
    choices = {
        x: expr for x, expr in layer.items() if s.group(x) == "rule" and not expr.free_symbols & {*layer, s.n, s.c}
    }
    known = {x: y for x, y in numbers.items() if x != y}
    fixed, kept, found = Binding(choices, known), dict[Symbol, tuple[Expr, bool]](), dict[Symbol, Any]()
    for x, expr in summands.items():
        if x != s.B:
            own = fixed(expr)
            found[x] = fixed(s.B) * (own if lossless(own) else apart(x, own, True, kept))
    wholes = {x: (whole, own) for x, (own, _) in kept.items() if (whole := chosen_of(own)) is not None}
    others = {x: whole - apart(x, whole - own, True, kept) for x, (whole, own) in wholes.items()}
    stepped = Binding(choices, known, found)
    for x, expr in steps.items():
        own = stepped(expr)
        found[x] = own if own.is_number or own.is_Symbol else apart(x, own, False, kept)
    return Meaning({**choices, **found}, kept, others)


def apart(x: Symbol, expr: Expr, whole: bool, kept: dict[Symbol, tuple[Expr, bool]]) -> Symbol:
    """A symbol that is kept in place of another."""
    name = Dummy(str(x), nonnegative=True)
    kept[name] = (expr, whole)
    return name


def chosen_of(expr: Expr) -> Expr | None:
    """What a product is at most that has a choice for a factor, which is 0 or 1; None for any other."""
    own = Mul.make_args(expr)
    choice = next((x for x in own if isinstance(x, Min) and Integer(1) in x.args), None)
    return None if choice is None else Mul(*(x for x in own if x is not choice))


def lossless(expr: Expr) -> bool:
    """Whether a sum has nothing to subtract."""
    if expr.has(Min, Max, floor):
        return False
    return all(x.as_coeff_Mul()[0] >= 0 for x in Add.make_args(multiplied_out(expr)))
