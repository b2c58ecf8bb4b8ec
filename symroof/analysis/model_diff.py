"""What makes one model cost more than another: changes of structure, sizes and formats, each with its contribution.

One model is turned into the other change by change, and the contribution of a change is what it adds, so that
contributions add up to the difference: first the structure, one flag or sublayer at a time; then the sizes; then the
bytes per element; both in the order of the vocabulary. A contribution depends on the changes before it. Sizes that only
the other model has are set with the structure that needs them; a sublayer with another name in the other model has its
previous sizes until these are changed.

`to_dict` and `compare --symbolic --json` are one schema, SCHEMA; a key's meaning never changes within a version:

    schema, symroof      name of the schema, version of the package
    models               names of the one and of the other; differences are the other's less the one's
    rules, batch         names of the rules; {B, n, c}
    quantities           name, unit, ours, theirs, difference (numbers on the batch); formula (of the difference in
                         B, n and c, a Python expression); causes: group (structure, sizes, formats), name, before,
                         after, number, in_batch (its part in B, n and c) and formula (of a structural one, in the
                         vocabulary; else null); flips: symbol -> {first: sign (-1, 0, 1) of the difference at its
                         smallest number, flips: [[number, sign from there on], ...], solved (exactly; else bracketed),
                         complete (false where there are more flips than these)}, the other symbols as in the batch
    warnings             those of a report of each model, after its name
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Add, Expr, Integer, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.factoring import difference_quotient
from symroof.algebra.points import Number, Point, exact_number_or_infinity, multiplied_out
from symroof.algebra.rootfinding import roots
from symroof.algebra.rootfinding.signs import Signs
from symroof.algebra.unevaluated import with_numbers
from symroof.analysis.structure_diff import structure_changes
from symroof.architecture.structure import Structure
from symroof.blocks import decoder
from symroof.cost import rules as counting
from symroof.cost.batch import LARGEST
from symroof.cost.notation import symbol_order
from symroof.cost.quantities import NamedQuantity
from symroof.errors import UsageError
from symroof.model import operator_formulas
from symroof.model.keywords import check_keywords
from symroof.model.model import Model, Rules, Source, as_model, rules_with_logits
from symroof.model.operator_formulas import OperatorFormula
from symroof.model.report import json_number
from symroof.reference_tools import registry
from symroof.results import Result, header

SCHEMA = "symroof.differences/1"
USUAL = ("flops", "bytes", "parameters", "cache_size")

Values = Mapping[Symbol, Expr]


@dataclass(frozen=True)
class ModelChange:
    """One change: group, name, text before and after, the operators that change, all sizes before and after."""

    group: str
    name: str
    before: str
    after: str
    old: tuple[OperatorFormula, ...]
    new: tuple[OperatorFormula, ...]
    values: tuple[Values, Values]

    def contribution(self, named: NamedQuantity) -> "Contribution":
        """What it adds to a quantity."""
        left, right = (operator_formulas.total_formula(x, named) for x in (self.old, self.new))
        earlier, later = self.values
        bound = multiplied_out(with_numbers(right, later)) - multiplied_out(with_numbers(left, earlier))
        is_structural = self.group == "structure"
        formula, slope = (self.formula(named), None) if is_structural else (None, self.slope(right))
        return Contribution(self.group, self.name, self.before, self.after, bound, formula, slope)

    def slope(self, total: Expr) -> Expr | None:
        """What a formula gains as a size x becomes x', over x' - x; None where it is no polynomial in x."""
        return difference_quotient(total, s.symbol(self.name), changed_symbol(self.name))

    def formula(self, named: NamedQuantity) -> Expr:
        """The same for a structural change, without operators that stay as they are."""
        left, right = ({relative_path(x, side): x.of(named) for x in side} for side in (self.old, self.new))
        terms = [multiplied_out(right[x] - left[x]) for x in left.keys() & right.keys() if left[x] != right[x]]
        removed, added = (Add(*(a[x] for x in a.keys() - b.keys())) for a, b in ((left, right), (right, left)))
        return Add(*terms) + added - removed


@dataclass(frozen=True)
class Contribution:
    """What a change adds to a quantity: `expr` in B, n and c; for a structural one also `formula` in the vocabulary.

    For one of a size x to x', `slope` is what it adds over x' - x, in the vocabulary, where that is a polynomial.
    """

    group: str
    name: str
    before: str
    after: str
    expr: Expr
    formula: Expr | None
    slope: Expr | None = None

    def to_dict(self, batch: Values) -> dict[str, Any]:
        """The schema's cause."""
        formula = None if self.formula is None else str(self.formula)
        return {
            "group": self.group,
            "name": self.name,
            "before": self.before,
            "after": self.after,
            "number": json_number(number_on_batch(self.expr, batch)),
            "in_batch": str(self.expr),
            "formula": formula,
        }


@dataclass(frozen=True)
class QuantityDifference:
    """A quantity of one model minus that of another: its parts, which add up to it, and where its sign changes."""

    named: NamedQuantity
    ours: Number
    theirs: Number
    expr: Expr
    parts: tuple[Contribution, ...]
    flips: Mapping[Symbol, Signs]

    @property
    def number(self) -> Number:
        """The difference on the batch."""
        return self.theirs - self.ours

    def to_dict(self, batch: Values) -> dict[str, Any]:
        """The schema's quantity."""
        return {
            "name": self.named.name,
            "unit": self.named.unit,
            "ours": json_number(self.ours),
            "theirs": json_number(self.theirs),
            "difference": json_number(self.number),
            "formula": str(self.expr),
            "causes": [x.to_dict(batch) for x in self.parts],
            "flips": {str(x): signs_record(signs) for x, signs in self.flips.items()},
        }


def signs_record(x: Signs) -> dict[str, Any]:
    """The signs of a difference along a symbol as JSON has them."""
    return {"first": x.first, "flips": list(map(list, x.flips)), "solved": x.solved, "complete": x.complete}


@dataclass(frozen=True, repr=False)
class Differences(Result):
    """Two models, a batch of B queries of n new and c cached tokens, and the difference of each quantity by name."""

    one: Model
    other: Model
    rules: tuple[str, ...]
    batch: Mapping[Symbol, int]
    quantities: Mapping[str, QuantityDifference]

    def __getitem__(self, name: str) -> QuantityDifference:
        """The difference of a quantity."""
        return self.quantities[name]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader has to know beyond the figures, by model."""
        return tuple(f"{model.name}: {x}" for model in (self.one, self.other) for x in model.warnings)

    def to_dict(self) -> dict[str, Any]:
        """The differences in the schema that this module documents."""
        return {
            **header(SCHEMA),
            "models": [self.one.name, self.other.name],
            "rules": list(self.rules),
            "batch": {str(x): value for x, value in self.batch.items()},
            "quantities": [x.to_dict(self.batch) for x in self.quantities.values()],
            "warnings": list(self.warnings),
        }

    def closed_forms(self) -> dict[str, Any]:
        """The difference of each quantity, in B, n and c."""
        return {name: x.expr for name, x in self.quantities.items()}

    def __repr__(self) -> str:
        return f"<symroof differences of {self.other.name} less {self.one.name}: {', '.join(self.quantities)}>"


def compare(
    one: Model | Source,
    other: Model | Source,
    quantities: Sequence[str] = USUAL,
    new: int = 1,
    cached: int = 0,
    batch_size: int | None = None,
    rules: Rules = "standard",
    logits: str | None = None,
    **formats: str | None,
) -> Differences:
    """How much more `other` costs than `one`, as expressions by cause."""
    check_keywords(compare, formats)
    one, other = as_model(one), as_model(other)
    names = rules_with_logits(rules, logits)
    if registry.tool_of_rules(names):
        raise UsageError(f"rules {names[0]} are those of another tool: give rules of symroof, such as standard")
    if custom := [x.name for x in (one, other) if x.custom]:
        raise UsageError(f"{custom[0]} has a custom graph, and only structures are compared: compare its formulas")
    chosen = [operator_formulas.quantity_without_time(x) for x in quantities]
    batch = operator_formulas.batch_values(new, cached, batch_size)
    ends = [operator_formulas.operator_formulas(x, rules, logits) for x in (one, other)]
    values = [exact_sizes(x, **formats) for x in (one, other)]
    structures = one.architecture.structure, other.architecture.structure
    structural = list(structural_changes(*structures, names, values[0], values[1]))
    sizes = structural[-1].values[1] if structural else values[0]
    changes = [*structural, *size_changes(sizes, values[1], ends[1])]
    return Differences(
        one, other, names, batch, {x.name: quantity_difference(x, ends, values, changes, batch) for x in chosen}
    )


def exact_sizes(model: Model, **formats: str | None) -> dict[Symbol, Expr]:
    """A model's sizes and widths as exact sympy numbers."""
    return {
        x: Rational(exact_number_or_infinity(y))
        for x, y in operator_formulas.model_point(model, {}, **formats).values.items()
    }


def quantity_difference(
    named: NamedQuantity,
    ends: Sequence[tuple[OperatorFormula, ...]],
    values: Sequence[Values],
    changes: Sequence[ModelChange],
    batch: Mapping[Symbol, int],
) -> QuantityDifference:
    """A quantity's difference, its parts and where its sign changes."""
    left, right = (
        multiplied_out(with_numbers(operator_formulas.total_formula(x, named), y))
        for x, y in zip(ends, values, strict=True)
    )
    gap = right - left
    parts = tuple(part for part in (x.contribution(named) for x in changes) if part.expr != 0)
    numbers = number_on_batch(left, batch), number_on_batch(right, batch)
    return QuantityDifference(named, *numbers, gap, parts, sign_flips(gap, batch))


def sign_flips(gap: Expr, batch: Mapping[Symbol, int]) -> dict[Symbol, Signs]:
    """Where a difference in B, n and c changes its sign along each of them, the other two as in the batch."""
    return {
        x: roots.whole_signs(with_numbers(gap, {y: Integer(z) for y, z in batch.items() if y != x}), x, least, LARGEST)
        for x, least in ((s.c, 0), (s.n, 1), (s.B, 1))
    }


def number_on_batch(expr: Expr, batch: Mapping[Symbol, int]) -> Number:
    """The value of an expression in B, n and c on the batch."""
    return Point(batch).number(expr)


def structural_changes(
    left: Structure, right: Structure, names: tuple[str, ...], ours: Values, theirs: Values
) -> Iterator[ModelChange]:
    """The changes from one structure to the other, in order; sizes that only the other model has are set with them."""
    values = dict(ours)
    for x in structure_changes(left, right):
        before = values
        inherited = {s.symbol(a): values[s.symbol(b)] for a, b in x.inherited.items() if s.symbol(b) in values}
        values = {**theirs, **inherited, **values}
        old, new = (structure_operators(part, names) for part in (x.old, x.new))
        yield ModelChange("structure", x.name, x.before, x.after, old, new, (before, values))


def size_changes(values: Values, theirs: Values, operators: Sequence[OperatorFormula]) -> Iterator[ModelChange]:
    """The changes of sizes, then of widths, that the operators of the other model use, in the vocabulary's order."""
    used = set().union(*(form.symbols for form in operators))
    for group, title in (("size", "sizes"), ("width", "formats")):
        for x in sorted((x for x in used if s.group(x) == group), key=lambda x: symbol_order(str(x))):
            if values.get(x) != theirs[x]:
                before, values = values, {**values, x: theirs[x]}
                changed = tuple(form for form in operators if x in form.symbols)
                texts = size_text(before.get(x)), size_text(theirs[x])
                yield ModelChange(title, str(x), *texts, changed, changed, (before, values))


def relative_path(form: OperatorFormula, side: Sequence[OperatorFormula]) -> str:
    """An operator's path; without its block's name where that is the only one."""
    return form.path.partition("/")[2] if all(x.block == form.block for x in side) else form.path


def changed_symbol(name: str) -> Symbol:
    """The symbol of a size after its change: H_q'."""
    return Symbol(f"{name}'", positive=True)


def size_text(x: Expr | None) -> str:
    """A size or width as text."""
    return "none" if x is None else f"{int(x):,}" if x.is_Integer else f"{float(x):g}"


def structure_operators(structure: Structure | None, names: tuple[str, ...]) -> tuple[OperatorFormula, ...]:
    """The operators of a part of a structure: those of its sublayers, or those around them where it has none."""
    if structure is None:
        return ()
    layer = counting.rule_layer(names, structure)
    if not structure.sublayers:
        return operator_formulas.formulas_of_rows(decoder.decoder_graph(structure).rows(), layer)
    blocks = [decoder.sublayer_block(x) for x in structure.sublayers]
    rows = ((f"{x.name}/{path}", count, op) for x in blocks for path, count, op in x.rows())
    return operator_formulas.formulas_of_rows(rows, layer)
