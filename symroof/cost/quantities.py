"""Closed forms of a graph's quantities, in the parts that a reader recognises."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sympy import Add, Expr, Integer, Symbol, expand_mul, sympify

from symroof import symbols as s
from symroof.algebra.binding import Binding, symbols_of
from symroof.cost import operator_time
from symroof.cost.cost import Cost, Quantity
from symroof.cost.graph import Block, Op, operators_of
from symroof.cost.notation import symbol_order, term_order
from symroof.errors import UnknownName


@dataclass(frozen=True)
class NamedQuantity:
    """A quantity: its name, title, unit (FLOP, byte, s, J or none), and the function of a cost that it is."""

    name: str
    title: str
    unit: str
    of: Callable[[Cost], Quantity]


ONES = Binding(dict.fromkeys(s.WIDTHS, Integer(1)))

QUANTITIES = {
    x.name: x
    for x in (
        NamedQuantity("matmul_flops", "matmul FLOP", "FLOP", lambda x: x.matmul),
        NamedQuantity("vector_flops", "vector FLOP", "FLOP", lambda x: x.vector),
        NamedQuantity("flops", "FLOP", "FLOP", lambda x: x.flops),
        NamedQuantity("weight_bytes", "weight bytes read", "byte", lambda x: x.weight_read),
        NamedQuantity("cache_bytes", "cache bytes read and written", "byte", lambda x: x.cache_read + x.cache_write),
        NamedQuantity("cache_read_bytes", "cache bytes read", "byte", lambda x: x.cache_read),
        NamedQuantity("cache_write_bytes", "cache bytes written", "byte", lambda x: x.cache_write),
        NamedQuantity(
            "activation_bytes", "activation bytes read and written", "byte", lambda x: x.act_read + x.act_write
        ),
        NamedQuantity("input_bytes", "input bytes", "byte", lambda x: x.input),
        NamedQuantity("output_bytes", "output bytes", "byte", lambda x: x.output),
        NamedQuantity("bytes", "bytes moved", "byte", lambda x: x.moved),
        NamedQuantity("parameters", "parameters", "", lambda x: ONES(x.weight_held)),
        NamedQuantity("weight_size", "weight bytes stored", "byte", lambda x: x.weight_held),
        NamedQuantity("cache_size", "cache bytes stored", "byte", lambda x: x.cache_held),
        NamedQuantity("time", "time of one operator after another", "s", lambda x: operator_time.time(x)),
        NamedQuantity("energy", "energy", "J", lambda x: operator_time.energy(x)),
    )
}

TIMED = ("time", "energy")  # quantities that need a machine
COSTS = tuple(name for name in QUANTITIES if name not in TIMED)
SUMS = {"storage": ("weight_size", "cache_size")}
RATIOS = {"intensity": ("flops", "bytes")}

# What `symroof formula` prints by default.
USUAL = ("matmul_flops", "vector_flops", "weight_bytes", "cache_bytes", "activation_bytes", "parameters", "cache_size")


def quantity(name: str) -> NamedQuantity:
    """The quantity of that name; `-` and `_` are alike. Raises UnknownName."""
    key = name.lower().replace("-", "_")
    if key not in QUANTITIES:
        raise UnknownName("quantity", name, QUANTITIES)
    return QUANTITIES[key]


Rates = Callable[[Op], Mapping[Symbol, Expr]]


def no_rates(_: Op) -> Mapping[Symbol, Expr]:
    """No operator has rates."""
    return {}


def symbols_of_part(node: Block | Op, named: NamedQuantity, rates: Rates = no_rates) -> set[Symbol]:
    """The symbols of a quantity of a part."""
    used = ((symbols_of([named.of(x.cost)]), rates(x)) for x in operators_of(node))
    return symbols_of(known.get(y, y) for symbols, known in used for y in symbols)


@dataclass(frozen=True)
class FormulaLine:
    """An operator's share in one layer of its block: the sum of `terms`, labelled with its name."""

    label: str
    terms: tuple[Expr, ...]


@dataclass(frozen=True)
class FormulaPart:
    """A block's or operator's share: `count` times the sum of its lines, in dataflow order."""

    name: str
    count: Expr
    lines: tuple[FormulaLine, ...]

    @property
    def terms(self) -> tuple[Expr, ...]:
        """The terms of all lines; those that differ by a number only are one."""
        return tuple(collect_terms(Add(*line.terms) for line in self.lines))

    @property
    def total(self) -> Expr:
        """The share as one expression."""
        return self.count * Add(*self.terms)


@dataclass(frozen=True)
class Formula:
    """A quantity of a model, or of one layer of a block or operator."""

    quantity: NamedQuantity
    parts: tuple[FormulaPart, ...]

    @classmethod
    def of(cls, node: Block | Op, quantity: NamedQuantity, bound: Binding, rates: Rates = no_rates) -> "Formula":
        """The quantity of `node` with `bound`'s definitions in it; blocks inside are parts, else operators.

        `rates`: an operator -> what its time and energy have for the symbols of a machine.
        """
        children = node.children if isinstance(node, Block) else (node,)
        parts = (_formula_part(child, quantity, bound, rates) for child in children)
        return cls(quantity, tuple(x for x in parts if x.lines))

    @property
    def total(self) -> Expr:
        """All parts as one expression."""
        return Add(*(part.total for part in self.parts))

    def by_block(self) -> dict[str, Expr]:
        """Part -> its share."""
        return {part.name: part.total for part in self.parts}

    def by_operator(self) -> dict[str, Expr]:
        """Path of an operator or one of its products -> its share."""
        rows = ((part, line) for part in self.parts for line in part.lines)
        return {line_path(part, line): part.count * Add(*line.terms) for part, line in rows}

    def by_symbol(self) -> dict[str, Expr]:
        """Sum over the batch -> what the quantity has in it; "fixed" -> the rest."""
        whole = self.total
        sums = sorted((x for x in whole.free_symbols if s.group(x) == "batch"), key=lambda x: symbol_order(str(x)))
        shares = {str(x): x * unit_share(whole, x, sums) for x in sums}
        return shares | ({"fixed": rest} if (rest := unit_share(whole, None, sums)) != 0 else {})

    def coefficients(self, sizes: Mapping[Symbol, Quantity]) -> dict[Expr, Expr]:
        """Free symbols -> their coefficient, once `sizes` are bound: {T: 13960740864, P: 524288, ...}."""
        collected: dict[Expr, Expr] = {}
        for term in Add.make_args(expand_mul(Binding(sizes)(self.total))):
            number, basis = term.as_coeff_Mul()
            collected[basis] = collected.get(basis, Integer(0)) + number
        return {basis: number for basis, number in collected.items() if number}


def line_path(part: FormulaPart, line: FormulaLine) -> str:
    """The path of a line's operator."""
    return line.label if [x.label for x in part.lines] == [part.name] else f"{part.name}/{line.label}"


def unit_share(expr: Expr, x: Symbol | None, sums: Sequence[Symbol]) -> Expr:
    """What a formula that is linear in some sums has for a unit of x; what it has without them where x is None."""
    return expr.xreplace(dict.fromkeys(sums, Integer(0))) if x is None else expr.diff(x)


def _formula_part(child: Block | Op, quantity: NamedQuantity, bound: Binding, rates: Rates) -> FormulaPart:
    """The share of one child, an operator a line."""
    count = child.count if isinstance(child, Block) else Integer(1)
    lines = (line for op in operators_of(child) for line in _operator_lines(op, quantity, bound, rates))
    return FormulaPart(child.name, bound(count), tuple(lines))


def _operator_lines(op: Op, quantity: NamedQuantity, bound: Binding, rates: Rates) -> Iterator[FormulaLine]:
    """An operator's line, and one of each of its products; those that differ by numbers only share a line."""
    shares = _labelled_costs(op) if quantity.unit == "FLOP" else {op.name: op.cost}
    lines: dict[tuple[Expr, ...], list[FormulaLine]] = {}
    for label, cost in shares.items():
        terms = collect_terms([bound_quantity(quantity, cost, bound, rates(op))])
        lines.setdefault(tuple(x.as_coeff_Mul()[1] for x in terms), []).append(FormulaLine(label, tuple(terms)))
    for equal in (x for rests, x in lines.items() if rests):
        terms = collect_terms(Add(*line.terms) for line in equal)
        yield FormulaLine(", ".join(line.label for line in equal), tuple(terms))


def bound_quantity(quantity: NamedQuantity, cost: Cost, bound: Binding, rates: Mapping[Symbol, Expr]) -> Expr:
    """A quantity of a cost with definitions and rates substituted; of a time, before sympy can order its operands."""
    if quantity.name == "time":
        return operator_time.time(cost.map(bound), lambda x: x.xreplace(rates))
    return bound(sympify(quantity.of(cost)).xreplace(rates))


def _labelled_costs(op: Op) -> dict[str, Cost]:
    """The products of an operator, and what it computes without them."""
    rest = replace(op.cost, matmul=Integer(0)) if op.products else op.cost
    return {**dict(op.products), op.name: rest}


def collect_terms(exprs: Iterable[Expr]) -> list[Expr]:
    """The terms in order, those that differ by a number only added up."""
    sums: dict[Expr, Expr] = {}
    for expr in exprs:
        for term in sorted(Add.make_args(expr), key=term_order):
            number, rest = term.as_coeff_Mul()
            sums[rest] = sums.get(rest, Integer(0)) + number
    return [number * rest for rest, number in sums.items() if number]
