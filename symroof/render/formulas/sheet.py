"""A quantity as a paper prints it: blocks, an operator a line, cases beside each other, and when each case holds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Add, Expr, Integer, Mul, Symbol, expand_mul, factor_terms

from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.algebra.points import multiplied_out
from symroof.cost.notation import formula_text, symbol_order
from symroof.cost.quantities import Formula, FormulaPart, NamedQuantity, collect_terms, unit_share
from symroof.model.formulas import FormulaScope
from symroof.model.model import Model
from symroof.render.formulas.words import block_in_words, sublayers_of

FEW, SHORT = 4, 50  # terms and characters of a block that is written in one line

Terms = tuple[Expr, ...]


@dataclass(frozen=True)
class SheetLine:
    """A label, and a sum: one, or one for each case."""

    label: str
    sums: tuple[Terms, ...]


@dataclass(frozen=True)
class BlockGroup:
    """A block in words, how many times it runs and in which of the layers, and its lines, each of one layer.

    A line without a label is the whole block.
    """

    title: str
    count: Expr
    layers: str
    lines: tuple[SheetLine, ...]

    @property
    def in_cases(self) -> bool:
        """Whether a line depends on the case."""
        return any(len(line.sums) > 1 for line in self.lines)


@dataclass(frozen=True)
class Condition:
    """Queries are absorbed where `left` < `right`; for long contexts where n < `bound` = `number`.

    `blocks`: in which blocks, where different conditions hold in different ones; else empty.
    """

    blocks: tuple[str, ...]
    left: Expr
    right: Expr
    bound: Expr | None = None
    number: Expr | None = None


@dataclass(frozen=True)
class FormulaSheet:
    """A quantity's groups; the names of its cases, empty without cases; the coefficients of each; conditions."""

    quantity: NamedQuantity
    groups: tuple[BlockGroup, ...]
    cases: tuple[str, ...]
    coefficients: tuple[Mapping[Expr, Expr], ...]
    conditions: tuple[Condition, ...]

    @property
    def exprs(self) -> list[Expr]:
        """Everything that is printed, as expressions."""
        sums = (Add(*terms) for group in self.groups for line in group.lines for terms in line.sums)
        sides = (y for x in self.conditions for y in (x.left, x.right))
        return [*sums, *(group.count for group in self.groups), *sides]


def formula_sheet(model: Model, scope: FormulaScope, name: str, by: str = "") -> FormulaSheet:
    """The sheet of a quantity; `by`: block, operator or symbol, or empty for what reads best."""
    if by:
        scope.check_grouping(name, by)
    cases, formulas = map(tuple, zip(*scope.in_cases(name).items(), strict=True))
    if scope.op:
        formulas, by = tuple(in_one_part(x, scope.node.name) for x in formulas), by or "operator"
    groups = groups_of(model, formulas, by)
    if not any(group.in_cases for group in groups):
        cases, formulas = (), formulas[:1]
    quantity, known = formulas[0].quantity, model.known()
    coefficients = () if quantity.unit == "s" else tuple(formula.coefficients(known) for formula in formulas)
    conditions = conditions_of(model, scope, name) if cases else ()
    return FormulaSheet(quantity, groups, cases, coefficients, tuple(conditions))


def in_one_part(formula: Formula, name: str) -> Formula:
    """The formula of a block or operator as one part of that name."""
    part = FormulaPart(name, Integer(1), tuple(line for x in formula.parts for line in x.lines))
    return Formula(formula.quantity, (part,) if part.lines else ())


def groups_of(model: Model, formulas: Sequence[Formula], by: str) -> tuple[BlockGroup, ...]:
    """The groups of a quantity that is given in each case."""
    if by == "symbol":
        return tuple(groups_by_symbol(formulas))
    names = dict.fromkeys(part.name for formula in formulas for part in formula.parts)
    parts = {name: [_part_named(name, formula) for formula in formulas] for name in names}
    long = {_labels(x) for x in parts.values() if by == "operator" or (not by and not is_short(x))}
    return tuple(block_group(model, name, x, _labels(x) in long) for name, x in parts.items())


def _part_named(name: str, formula: Formula) -> FormulaPart:
    """A part of a formula; one without lines where it comes to nothing."""
    return next((x for x in formula.parts if x.name == name), FormulaPart(name, Integer(1), ()))


def _labels(parts: Sequence[FormulaPart]) -> tuple[str, ...]:
    """The labels of a block's lines, in all cases."""
    return tuple(dict.fromkeys(line.label for part in parts for line in part.lines))


def is_short(parts: Sequence[FormulaPart]) -> bool:
    """Whether a block reads best in one line."""
    sums = merge_equal([part.terms for part in parts])
    return len(sums) == 1 and len(sums[0]) <= FEW and len(sum_text(sums[0])) <= SHORT


def block_group(model: Model, name: str, parts: Sequence[FormulaPart], by_operator: bool) -> BlockGroup:
    """A block in one line, or an operator a line."""
    whole = tuple(map(short_product, merge_equal([part.terms for part in parts])))
    lines = operator_lines(parts) if by_operator else (SheetLine("", whole),)
    count = max((part.count for part in parts), key=lambda x: x != 1)
    return BlockGroup(block_in_words(name), count, layers_in_words(model, name), lines)


def operator_lines(parts: Sequence[FormulaPart]) -> tuple[SheetLine, ...]:
    """A line for each operator, in the order of dataflow."""
    terms = [{line.label: shorter_form(line.terms) for line in part.lines} for part in parts]
    return tuple(SheetLine(label, merge_equal([x.get(label, ()) for x in terms])) for label in _labels(parts))


def merge_equal(sums: Sequence[Terms]) -> tuple[Terms, ...]:
    """One sum where it is the same in all cases."""
    first = Add(*sums[0])
    return (sums[0],) if all(multiplied_out(Add(*x) - first) == 0 for x in sums[1:]) else tuple(sums)


@lru_cache(4096)
def shorter_form(terms: Terms) -> Terms:
    """A sum, or the same with common factors ahead of it, whichever is shorter."""
    whole = Add(*terms)
    if len(terms) == 1 and not whole.has(Add):
        return terms
    forms = ((factor_terms(whole),), (factor_terms(multiplied_out(whole)),), terms)
    return min(forms, key=lambda x: len(sum_text(x)))


def short_product(terms: Terms) -> Terms:
    """A sum as a product of factors of two terms at most; the sum where it is none."""
    form = factor_terms(Add(*terms))
    factors = [x for x in Mul.make_args(form) if not x.is_number]
    return (form,) if len(factors) > 1 and all(len(Add.make_args(x)) <= 2 for x in factors) else terms


def sum_text(terms: Terms, write: Callable[[Expr], str] = formula_text) -> str:
    """Terms in their order, `0` for none."""
    return join_terms(map(write, terms))


def join_terms(terms: Iterable[str]) -> str:
    """Terms as a sum, a negative one subtracted; `0` for none."""
    return " + ".join(terms).replace("+ -", "- ") or "0"


def layers_in_words(model: Model, name: str) -> str:
    """`40 of 48 layers`; empty for a block that is in all layers or in none."""
    sizes, sublayers = model.architecture.sizes, sublayers_of(name, model.architecture.structure)
    count = sizes.get(sublayers[0].layers) if sublayers else None
    return f"{count:,} of {sizes['L']:,} layers" if count and count != sizes["L"] else ""


def groups_by_symbol(formulas: Sequence[Formula]) -> Iterable[BlockGroup]:
    """A group for each sum over the batch: what one unit of it costs, by block."""
    names = dict.fromkeys(part.name for formula in formulas for part in formula.parts)
    shares = {name: [_part_named(name, formula) for formula in formulas] for name in names}
    symbols = set().union(*(formula.total.free_symbols for formula in formulas))
    sums = sorted((x for x in symbols if s.group(x) == "batch"), key=lambda x: symbol_order(str(x)))
    for x in (*sums, None):
        rows = ((name, [coefficient_of(x, part, sums) for part in parts]) for name, parts in shares.items())
        lines = tuple(SheetLine(block_in_words(name), merge_equal(terms)) for name, terms in rows if any(terms))
        if lines:
            title, count = ("fixed", Integer(1)) if x is None else (s.entry(str(x)).meaning, x)
            yield BlockGroup(title, count, "", lines)


def coefficient_of(x: Symbol | None, part: FormulaPart, sums: Sequence[Symbol]) -> Terms:
    """What a part, which is linear in `sums`, has for each unit of x; what it has in any case where x is None."""
    one = unit_share(Add(*part.terms), x, sums)
    terms = shorter_form(tuple(collect_terms([one])))
    return () if one == 0 else terms if part.count == 1 else (part.count * Add(*terms),)


def sheets_of(model: Model, scope: FormulaScope, names: Iterable[str], by: str = "") -> list[FormulaSheet]:
    """The sheets of several quantities."""
    return [formula_sheet(model, scope, name, by) for name in names]


def conditions_of(model: Model, scope: FormulaScope, name: str) -> Iterable[Condition]:
    """When queries are absorbed, for each choice of the rules that the quantity depends on."""
    choices = scope.choices(name)
    for choice, margin in choices.items():
        left, right = margin_sides(margin, model.sizes)
        shares = scope.shares_in_cases(name, choice) if len(choices) > 1 else {}
        blocks = (block_in_words(x) for x, (one, other) in shares.items() if one != other)
        bound = bound_of_long_contexts(margin, model.sizes)
        bind, number = scope.of_one_query, None if bound is None else Binding(model.sizes)(bound)
        yield Condition(tuple(blocks), bind(left), bind(right), None if bound is None else bind(bound), number)


def margin_sides(margin: Expr, sizes: Mapping[Symbol, Any]) -> tuple[Expr, Expr]:
    """The sides of margin > 0, as left < right, each with what counts in it for each sum ahead of sizes."""
    sums = sorted(margin.free_symbols - sizes.keys(), key=lambda x: symbol_order(str(x)))
    shares = {x: expand_mul(margin).coeff(x) for x in sums}
    sides: tuple[list[Expr], list[Expr]] = ([], [])
    for x, share in shares.items():
        positive = Binding(sizes)(share) > 0
        sides[bool(positive)].append(x * factor_terms(share if positive else expand_mul(-share)))
    return Add(*sides[0]), Add(*sides[1])


def bound_of_long_contexts(margin: Expr, sizes: Mapping[Symbol, Any]) -> Expr | None:
    """New tokens below which queries are absorbed, however long the context; None where it depends on more than P."""
    if margin.free_symbols - sizes.keys() != {s.P, s.c}:
        return None
    per_cached, per_pair = (expand_mul(margin).coeff(x) for x in (s.c, s.P))
    return factor_terms(per_cached) / expand_mul(-per_pair)
