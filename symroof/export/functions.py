"""Quantities of a model as functions: what stays open are named arguments, all else is bound."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, reached, symbols_of
from symroof.cost.graph import operators
from symroof.cost.notation import place
from symroof.cost.quantities import Formula, Named, quantity
from symroof.errors import UnknownName, UsageError, shorten
from symroof.export.subexpressions import collected, gather, shared
from symroof.model.model import Model, chosen
from symroof.quantization.precision import Precision, precision

UNIFORM = (s.B, s.n, s.c)


@dataclass(frozen=True)
class Function:
    """A quantity as a function of `arguments`: each of `steps` names what it comes to, then `value` is the result."""

    quantity: Named
    arguments: tuple[Symbol, ...]
    steps: tuple[tuple[Symbol, Expr], ...]
    value: Expr
    precision: Precision | None = None  # where it binds a width


@dataclass(frozen=True)
class Export:
    """Functions of a model, or of one layer of its operator or block `op`."""

    model: Model
    op: str
    rules: tuple[str, ...]
    functions: tuple[Function, ...]
    formulas: tuple[Formula, ...]  # the same by blocks, nothing named on the way


@dataclass(frozen=True)
class Scope:
    """What symbols stand for: by `bound` numbers and lone symbols, by `named` what is a step of its own."""

    bound: Binding
    named: Mapping[Symbol, Expr]


def exported(
    model: Model,
    names: Iterable[str],
    op: str = "",
    rules: str | Iterable[str] = "standard",
    logits: str | None = None,
    free: Sequence[str] = (),
    uniform: bool = False,
    **formats: str | None,
) -> Export:
    """The named quantities as functions of the symbols named `free`, which stay open.

    Sizes, widths and choices of the rules are bound and, where `uniform` or once B, n or c is free, the sums over a
    batch of B queries of n new and c cached tokens. Raises UnknownName for a symbol that nobody knows, UsageError for
    one that no formula has or that is neither bound nor free.
    """
    root, wanted = model.graph(rules), [quantity(x) for x in names]
    node, kept = root.find(op) if op else root, tuple(dict.fromkeys(looked_up(x) for x in free))
    layer, used = model.definitions(rules, logits), symbols_of(x.of(y.cost) for x in wanted for y in operators(node))
    found = reached(used, layer)
    present(kept, found, model)
    formed = precision(model.config, model.architecture, s.b_s in used, **formats) if widths(used) - {*kept} else None
    known = {**model.sizes, **({s.symbol(x): value for x, value in formed.widths().items()} if formed else {})}
    inner = scope(
        {x: expr for x, expr in layer.items() if x in found and x not in kept},
        {x: value for x, value in known.items() if x not in kept},
        uniform or any(x in kept for x in UNIFORM),
    )
    functions = []
    for x in wanted:
        own = formed if widths(symbols_of(x.of(y.cost) for y in operators(node))) - {*kept} else None
        functions.append(function(Formula.of(node, x, inner.bound), inner.named, kept, own))
    flat = Binding(inner.bound.definitions, inner.named)
    return Export(model, op, chosen(rules, logits), tuple(functions), tuple(Formula.of(node, x, flat) for x in wanted))


def unbound(
    model: Model,
    names: Iterable[str],
    op: str = "",
    rules: str | Iterable[str] = "standard",
    logits: str | None = None,
    uniform: bool = False,
    bind: bool = False,
) -> Export:
    """The named quantities as functions of all their symbols; `uniform` and `bind` as for `Model.formula`."""
    whole = tuple(model.formula_parts(x, op, rules, logits, uniform, bind) for x in names)
    arguments = (sorted(x.total.free_symbols, key=lambda y: place(str(y))) for x in whole)
    functions = (Function(x.quantity, tuple(y), (), x.total) for x, y in zip(whole, arguments, strict=True))
    return Export(model, op, chosen(rules, logits), tuple(functions), whole)


def widths(used: Iterable[Symbol]) -> set[Symbol]:
    """The symbols that are bytes of an element."""
    return {x for x in used if s.group(x) == "width"}


def looked_up(name: str) -> Symbol:
    """The vocabulary's symbol of that name. Raises UnknownName."""
    try:
        return s.symbol(name)
    except KeyError:
        raise UnknownName("symbol", name, s.VOCABULARY) from None


def present(free: Iterable[Symbol], found: Collection[Symbol], model: Model) -> None:
    """Raises UsageError for a free symbol that the formulas lack, those of a uniform batch aside."""
    for x in free:
        if x not in found and x not in UNIFORM:
            listed = ", ".join(sorted(map(str, {*found, *UNIFORM}), key=place))
            raise UsageError(f"--free {x}: these formulas of {shorten(model.name)} have no such symbol, only {listed}")


def scope(layer: Mapping[Symbol, Expr], known: Mapping[Symbol, Any], uniform: bool) -> Scope:
    """Sizes and choices bound; sums over a uniform batch, and what varies with one, named unless they are atoms."""
    sums = {x: expr for x, expr in layer.items() if s.group(x) == "batch" and x != s.B}
    steps = {x for x in layer if s.group(x) == "step"}
    varying = {
        x for x, expr in layer.items() if not {x} & {*sums, s.B, *steps} and expr.free_symbols & {*sums, s.n, s.c}
    }
    choices = {x: expr for x, expr in layer.items() if x not in {*sums, *steps, *varying, s.B}}
    fixed, query = Binding(choices, known), Binding(sums, choices, known)
    named = {x: query(layer[x]) for x in varying} | {x: fixed(layer[x]) for x in steps}
    named |= {x: s.B * query.value(x) for x in sums} if uniform else {}
    atoms = {x: expr for x, expr in named.items() if expr.is_Atom}
    bound = Binding(choices, known, atoms)
    return Scope(bound, {x: Binding(atoms)(expr) for x, expr in named.items() if x not in atoms})


def function(
    formula: Formula, named: Mapping[Symbol, Expr], free: Sequence[Symbol], formed: Precision | None
) -> Function:
    """The formula with the steps that it takes. Raises UsageError for what is neither bound nor free."""
    value = formula.total if formula.quantity.unit == "s" else collected(formula.total, named)
    steps: dict[Symbol, Expr] = {}
    gather(value, named, steps)
    used = value.free_symbols.union(*(x.free_symbols for x in steps.values())) - steps.keys()
    if left := sorted(map(str, used - {*free}), key=place):
        raise UsageError(missing(formula, left, free))
    return Function(formula.quantity, tuple(x for x in free if x in used), shared(steps, value), value, formed)


def missing(formula: Formula, left: Sequence[str], free: Sequence[Symbol]) -> str:
    """What to do about symbols that nothing binds."""
    groups = {s.group(s.symbol(x)) for x in left}
    cure = f"name them too: --free {','.join([*map(str, free), *left])}"
    if "batch" in groups:
        cure += ", or B,n,c for a uniform batch in their place"
    elif "machine" in groups:
        cure += f", or leave {formula.quantity.name} out"
    return f"{formula.quantity.name}: neither bound nor free: {', '.join(left)}; {cure}"
