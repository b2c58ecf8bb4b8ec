"""What a comparison means for a model and a batch: its two sides as formulas in one unknown.

Names are quantities of `formula.QUANTITIES`, storage (weight_size + cache_size), intensity (flops / bytes), symbols of
the vocabulary, and batch, new and cached for B, n and c. flops(mlp/down) is what all layers of an operator or block
take. Of a machine, or of N: time(h100-sxm, N) is that of one operator after another, time(...).compute and .memory
are what matmuls take, and weights and cache, at the peaks, .lower is the larger and .bound says which; energy(...);
memory(...), bandwidth(...) and peak(..., bf16) are the machine's.
"""

from collections.abc import Callable

from sympy import Expr, Integer, Symbol

from symroof import symbols as s
from symroof.cost.batch import BATCH_SYMBOLS
from symroof.cost.quantities import COSTS, RATIOS, SUMS, quantity
from symroof.errors import SymroofError, UnknownName, UsageError
from symroof.model.model import Model
from symroof.solving import terms
from symroof.solving.machine_quantities import ON_MACHINE, PARTS, on_machine
from symroof.solving.parser import FUNCTIONS, Asked, Comparison, Mistake, Name, Node, Number, Operation, mistake
from symroof.solving.scope import Scope
from symroof.solving.terms import Term
from symroof.units import BASE_UNITS, BYTE, COUNT, JOULE, SECOND

NAMED = (*COSTS, *SUMS, *RATIOS)
BOUNDS = {"compute": ">=", "memory": "<"}
UNITS = {"FLOP": COUNT, "byte": BYTE, "s": SECOND, "J": JOULE, "": COUNT}


def sides(asked: Comparison, scope: Scope) -> tuple[str, Term, Term]:
    """How the sides of a comparison are compared, and both. Raises UsageError."""
    for x, other in ((asked.left, asked.right), (asked.right, asked.left)):
        if isinstance(x, Asked) and (x.name, x.part) == ("time", "bound"):
            return bound_by(x, other, asked, scope)
    left, right = (term(x, scope, asked.text) for x in (asked.left, asked.right))
    try:
        terms.same(left, right, "compared")
    except UsageError as error:
        raise mistake(asked.text, asked.at, error) from error
    return asked.relation, left, right


def bound_by(x: Asked, other: Node, asked: Comparison, scope: Scope) -> tuple[str, Term, Term]:
    """What a step has to be bound by, as a comparison of the two units."""
    if asked.relation != "=" or not isinstance(other, Name) or other.name not in BOUNDS:
        raise mistake(asked.text, other.at, "what bounds a step is = compute or = memory")
    parts = (Asked(x.name, x.words, part, x.at) for part in ("compute", "memory"))
    left, right = (term(part, scope, asked.text) for part in parts)
    return BOUNDS[other.name], left, right


def term(x: Node, scope: Scope, asked: str) -> Term:
    """A node of a comparison as a term. Raises UsageError."""
    try:
        if isinstance(x, Operation):
            return operation(x, [term(y, scope, asked) for y in x.parts])
        if isinstance(x, Number):
            return terms.constant(x.value, number_shown(x), x.unit)
        if isinstance(x, Name):
            return named(x.name, scope)
        return told(x, scope)
    except Mistake:
        raise
    except SymroofError as error:
        raise mistake(asked, x.at, error) from error


def number_shown(x: Number) -> Expr:
    """A number as it is written: with its unit a name."""
    return Symbol(x.text) if x.unit is not None or not x.text.isdigit() else Integer(int(x.text))


def operation(x: Operation, parts: list[Term]) -> Term:
    """What an operation makes of terms."""
    if x.sign in FUNCTIONS:
        return terms.function(x.sign, parts)
    makes: dict[str, Callable[[Term, Term], Term]] = {
        "+": terms.added,
        "-": lambda a, b: terms.added(a, b, -1),
        "*": terms.times,
        "/": terms.over,
        "^": terms.power,
    }
    return makes[x.sign](*parts)


def named(name: str, scope: Scope) -> Term:
    """A quantity of the whole step, or a symbol."""
    if name in NAMED:
        return cost(name, "", scope)
    if name in ON_MACHINE:
        raise UsageError(f"{name} is that of a machine: write {name}(h100-sxm), or {name}(h100-sxm, 4) for four")
    if name in BOUNDS:
        raise UsageError(f"{name} is what a step may be bound by: write time(h100-sxm).bound = {name}")
    x = symbol(name, scope.model)
    unit = BASE_UNITS.get(s.entry(str(x)).unit, COUNT)
    found = scope.binding([x])(x)
    if found.free_symbols - {scope.unknown}:
        raise UsageError(unbound(x, scope))
    return Term(found, Integer(1), x, unit)


def symbol(name: str, model: Model) -> Symbol:
    """The vocabulary's symbol of a name, or of one of BATCH_SYMBOLS. Raises UnknownName."""
    try:
        return s.symbol(BATCH_SYMBOLS.get(name, name))
    except KeyError:
        known = [*NAMED, *ON_MACHINE, *BATCH_SYMBOLS, *model.architecture.sizes]
        raise UnknownName("name", name, known, "; `symroof symbols` lists symbols") from None


def unbound(x: Symbol, scope: Scope) -> str:
    """Why a symbol has no number."""
    if s.group(x) == "machine":
        return (
            f"{x} is a machine's: write peak(h100-sxm, bf16), bandwidth(h100-sxm) or memory(h100-sxm), or solve for it"
        )
    return f"{x} is no size of {scope.model.name}, which has {', '.join(scope.model.architecture.sizes)}"


def cost(name: str, path: str, scope: Scope) -> Term:
    """A quantity of the step, or of all layers of an operator or block."""
    shown = f"{name}({path})" if path else name
    if name in SUMS or name in RATIOS:
        one, other = (cost(x, path, scope) for x in (SUMS | RATIOS)[name])
        made = terms.added(one, other) if name in SUMS else terms.over(one, other)
        return scope.leaf(shown, made.above, made.below, made.unit, made=made.shown)
    unit = UNITS[quantity(name).unit]
    return scope.leaf(shown, scope.total(name, path), Integer(1), unit, quantity=name, path=path)


def told(x: Asked, scope: Scope) -> Term:
    """What is asked of an operator or a machine, as a term."""
    if x.part and x.name != "time":
        raise UsageError(f"{x.name}(...) has no .{x.part}: time(MACHINE) has .{', .'.join(PARTS)}")
    if x.part and x.part not in PARTS:
        raise UnknownName("part of a time", x.part, PARTS)
    if x.name in ON_MACHINE:
        return on_machine(x, scope)
    if x.name in NAMED and len(x.words) == 1 and x.words[0]:
        return cost(x.name, x.words[0].lower(), scope)
    raise UsageError(not_asked(x, scope.model))


def not_asked(x: Asked, model: Model) -> str:
    """Why a name is not followed by parentheses."""
    if x.name in NAMED:
        return f"{x.name}(...) is that of one operator or block, such as {x.name}(attention)"
    if x.name in (*BATCH_SYMBOLS, *model.architecture.sizes) or x.name in s.VOCABULARY:
        return f"{x.name} is a number: a product is written {x.name} * (...)"
    return str(UnknownName("function", x.name, [*NAMED, *ON_MACHINE, *FUNCTIONS]))
