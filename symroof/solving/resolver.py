"""What a comparison means for a model and a batch: its two sides as formulas in one unknown.

Names are quantities of `cost.quantities`, storage (weight_size + cache_size), intensity (flops / bytes), symbols of
the vocabulary, and batch, new and cached for B, n and c. flops(mlp/down) is the sum over all layers of an operator or
block. Of a machine, or of N: time(h100-sxm, N) is the time of one operator after another, time(...).compute that of
all matmuls and .memory that of weights and cache, both at the peaks, .lower is the larger and .bound says which it is;
energy(...); memory(...), bandwidth(...) and peak(..., bf16) of the machine.
"""

from collections.abc import Callable
from dataclasses import replace

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.cost.batch import BATCH_SYMBOLS
from symroof.cost.quantities import COSTS, RATIOS, SUMS, quantity
from symroof.errors import SymroofError, UnknownName, UsageError, listed_names
from symroof.model.model import Model
from symroof.solving import terms
from symroof.solving.machine_quantities import ON_MACHINE, PARTS, machine_term
from symroof.solving.parser import (
    FUNCTIONS,
    CallNode,
    NameNode,
    Node,
    NumberNode,
    OperationNode,
    ParsedComparison,
    TextError,
    counts_in_products,
    error_at,
    numbers_in,
    with_billions,
)
from symroof.solving.scope import SolveScope
from symroof.solving.terms import ComparisonTerm
from symroof.units import BASE_UNITS, BYTE, COUNT, JOULE, SECOND

NAMED = (*COSTS, *SUMS, *RATIOS)
BOUNDS = {"compute": ">=", "memory": "<"}
Sides = tuple[str, ComparisonTerm, ComparisonTerm]  # how they are compared, left and right
UNITS = {"FLOP": COUNT, "byte": BYTE, "s": SECOND, "J": JOULE, "": COUNT}


def resolve_sides(question: ParsedComparison, scope: SolveScope) -> Sides:
    """The relation of a comparison and the terms of both sides.

    10B is bytes or billions, whichever makes both sides the same unit. Raises UsageError where both do.
    """
    if not (numbers := numbers_of_bytes_or_billions(question)):
        return sides_as_read(question, scope)
    billions = changed_sides(question, with_billions)
    if not has_units_that_fit(billions, scope):
        return sides_as_read(question, scope)
    if has_units_that_fit(question, scope):
        text, value = numbers[0].text, numbers[0].text.rstrip("B ")
        hint = f"write {value} bytes, or {value} * 1e9"
        raise error_at(question.text, numbers[0].at, f"{text} is bytes or billions here: {hint}")
    for x in numbers:
        scope.notes.append(f"{x.text} is read as {x.text.rstrip('B ')} billion; bytes are written GB or GiB")
    return sides_as_read(billions, scope)


def changed_sides(question: ParsedComparison, change: Callable[[Node], Node]) -> ParsedComparison:
    """A comparison with both of its sides changed."""
    return replace(question, left=change(question.left), right=change(question.right))


def has_units_that_fit(question: ParsedComparison, scope: SolveScope) -> bool:
    """Whether both sides are of one unit, where plain factors are counts."""
    try:
        sides_as_read(changed_sides(question, counts_in_products), scope)
    except UsageError:
        return False
    return True


def numbers_of_bytes_or_billions(question: ParsedComparison) -> list[NumberNode]:
    """The numbers of a comparison that are written as 10B."""
    both = (*numbers_in(question.left), *numbers_in(question.right))
    return list({x.text: x for x in both if x.bytes_or_billions}.values())


def sides_as_read(question: ParsedComparison, scope: SolveScope) -> Sides:
    """The relation of a comparison and the terms of both sides, a B of a number as it is. Raises UsageError."""
    for x, other in ((question.left, question.right), (question.right, question.left)):
        if isinstance(x, CallNode) and (x.name, x.part) == ("time", "bound"):
            return bound_comparison(x, other, question, scope)
    left, right = (resolve_term(x, scope, question.text) for x in (question.left, question.right))
    try:
        terms.common_unit(left, right, "compared")
    except UsageError as error:
        raise error_at(question.text, question.at, error) from error
    return question.relation, left, right


def bound_comparison(x: CallNode, other: Node, question: ParsedComparison, scope: SolveScope) -> Sides:
    """time(...).bound = compute or memory, as a comparison of compute and memory time."""
    if question.relation != "=" or not isinstance(other, NameNode) or other.name not in BOUNDS:
        raise error_at(question.text, other.at, "what bounds a step is = compute or = memory")
    parts = (CallNode(x.name, x.words, part, x.at) for part in ("compute", "memory"))
    left, right = (resolve_term(part, scope, question.text) for part in parts)
    return BOUNDS[other.name], left, right


def resolve_term(x: Node, scope: SolveScope, text: str) -> ComparisonTerm:
    """A node of a comparison as a term. Raises UsageError."""
    try:
        if isinstance(x, OperationNode):
            return apply_operation(x, [resolve_term(y, scope, text) for y in x.parts])
        if isinstance(x, NumberNode):
            return terms.constant_term(x.value, number_expr(x), x.unit)
        if isinstance(x, NameNode):
            return name_term(x.name, scope)
        return call_term(x, scope)
    except TextError:
        raise
    except SymroofError as error:
        raise error_at(text, x.at, error) from error


def number_expr(x: NumberNode) -> Expr:
    """A number as it is written; with a unit it is a name."""
    return Symbol(x.text) if x.unit is not None or not x.text.isdigit() else Integer(int(x.text))


def apply_operation(x: OperationNode, parts: list[ComparisonTerm]) -> ComparisonTerm:
    """The result of an operation on terms."""
    if x.sign in FUNCTIONS:
        return terms.function_term(x.sign, parts)
    operations: dict[str, Callable[[ComparisonTerm, ComparisonTerm], ComparisonTerm]] = {
        "+": terms.add_terms,
        "-": lambda a, b: terms.add_terms(a, b, -1),
        "*": terms.multiply_terms,
        "/": terms.divide_terms,
        "^": terms.raise_to_power,
    }
    return operations[x.sign](*parts)


def name_term(name: str, scope: SolveScope) -> ComparisonTerm:
    """A quantity of the whole step, or a symbol."""
    if name in NAMED:
        return quantity_term(name, "", scope)
    if name in ON_MACHINE:
        raise UsageError(f"{name} needs a machine: write {name}(h100-sxm), or {name}(h100-sxm, 4) for four")
    if name in BOUNDS:
        raise UsageError(f"{name} is what bounds a step: write time(h100-sxm).bound = {name}")
    x = symbol_of_name(name, scope.model)
    unit = BASE_UNITS.get(s.entry(str(x)).unit, COUNT)
    value = scope.binding([x])(x)
    if value.free_symbols - {scope.unknown}:
        raise UsageError(unbound_message(x, scope))
    return ComparisonTerm(value, Integer(1), x, unit)


def symbol_of_name(name: str, model: Model) -> Symbol:
    """The vocabulary's symbol of a name, of one of BATCH_SYMBOLS, or of a key of the config. Raises UsageError."""
    try:
        return model.symbol(BATCH_SYMBOLS.get(name, name))
    except KeyError:
        known = [*NAMED, *ON_MACHINE, *BATCH_SYMBOLS, *model.architecture.sizes]
        raise UnknownName("name", name, known, "; `symroof symbols` lists symbols") from None


def unbound_message(x: Symbol, scope: SolveScope) -> str:
    """Why a symbol has no number."""
    if s.group(x) == "machine":
        calls = "peak(h100-sxm, bf16), bandwidth(h100-sxm) or memory(h100-sxm)"
        return f"{x} is a property of a machine: write {calls}, or solve for it"
    return f"{x} is not a size of {scope.model.name}, which has {listed_names(list(scope.model.architecture.sizes))}"


def quantity_term(name: str, path: str, scope: SolveScope) -> ComparisonTerm:
    """A quantity of the step, or of all layers of an operator or block."""
    label = f"{name}({path})" if path else name
    if name in SUMS or name in RATIOS:
        one, other = (quantity_term(x, path, scope) for x in (SUMS | RATIOS)[name])
        made = terms.add_terms(one, other) if name in SUMS else terms.divide_terms(one, other)
        return scope.leaf(label, made.above, made.below, made.unit, made=made.shown)
    unit = UNITS[quantity(name).unit]
    return scope.leaf(label, scope.total(name, path), Integer(1), unit, quantity=name, path=path)


def call_term(x: CallNode, scope: SolveScope) -> ComparisonTerm:
    """A quantity of an operator, a block or a machine. Raises UsageError."""
    if x.part and x.name != "time":
        raise UsageError(f"{x.name}(...) has no .{x.part}: time(MACHINE) has .{', .'.join(PARTS)}")
    if x.part and x.part not in PARTS:
        raise UnknownName("part of a time", x.part, PARTS)
    if x.name in ON_MACHINE:
        return machine_term(x, scope)
    if x.name in NAMED and len(x.words) == 1 and x.words[0]:
        return quantity_term(x.name, x.words[0].lower(), scope)
    raise UsageError(call_message(x, scope.model))


def call_message(x: CallNode, model: Model) -> str:
    """Why a name cannot have arguments, or not these."""
    if x.name in NAMED:
        return f"{x.name}(...) takes one operator or block, such as {x.name}(attention)"
    if x.name in (*BATCH_SYMBOLS, *model.architecture.sizes) or x.name in s.VOCABULARY:
        return f"{x.name} is a number: a product is written {x.name} * (...)"
    return str(UnknownName("function", x.name, [*NAMED, *ON_MACHINE, *FUNCTIONS]))
