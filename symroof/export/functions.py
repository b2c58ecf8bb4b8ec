"""Quantities of a model as functions: free symbols are named arguments, all else is bound."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr, Symbol

from symroof import symbols as s
from symroof.algebra.binding import Binding, reachable_symbols, symbols_of
from symroof.cost import rule_names
from symroof.cost.graph import Block, Op
from symroof.cost.notation import formula_text, symbol_order
from symroof.cost.quantities import TIMED, Formula, NamedQuantity, Rates, no_rates, quantity, symbols_of_part
from symroof.errors import UnknownName, UsageError, listed_names, shorten
from symroof.export.naming import function_name
from symroof.export.stepwise import Function, Setting, bound_widths, quantity_function
from symroof.export.timed import RatedPlatform, check_machine
from symroof.hardware.platform import Platform
from symroof.model.formulas import FormulaScope, following_symbols
from symroof.model.model import Model, rules_with_logits
from symroof.quantization.precision import Precision, precision

UNIFORM = (s.B, s.n, s.c)


@dataclass(frozen=True)
class Export:
    """Functions of a model, or of one layer of its operator or block `op`."""

    model: Model
    op: str
    rules: tuple[str, ...]
    functions: tuple[Function, ...]
    scope: FormulaScope  # what the functions are of
    rates: Mapping[Symbol, Expr] = field(default_factory=dict)  # of the machine
    following: Mapping[Symbol, Expr] = field(default_factory=dict)  # sizes that follow free ones, such as L_full with L

    @property
    def following_text(self) -> str:
        """Which sizes follow free ones, as an end of a sentence; empty for none."""
        sizes = (f"{x} = {formula_text(expr)}" for x, expr in self.following.items())
        return f", with {', '.join(sizes)}" if self.following else ""

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """The functions as formulas by block."""
        return tuple(self.scope.formula(x.quantity.name) for x in self.functions)


@dataclass(frozen=True)
class BoundScope:
    """Definitions of symbols: `bound` ones are numbers or single symbols, `named` ones are separate steps."""

    bound: Binding
    named: Mapping[Symbol, Expr]


def bound_functions(
    model: Model,
    names: Iterable[str],
    op: str = "",
    rules: str | Iterable[str] = "standard",
    logits: str | None = None,
    free: Sequence[str] = (),
    uniform: bool = False,
    on: Platform | None = None,
    **formats: str | None,
) -> Export:
    """The named quantities as functions of the symbols named `free`: each has all of them as arguments, in that order.

    Sizes, widths and choices of the rules are bound, `on` a platform the rates of time and energy and, where `uniform`
    or once B, n or c is free, the sums over a batch of B queries of n new and c cached tokens. Raises UnknownName for
    an unknown symbol, UsageError for one that no formula has or that is neither bound nor free.
    """
    root, opened = model.graph(rules), tuple(dict.fromkeys(free_symbol(x, model) for x in free))
    node, wanted = root.find(op) if op else root, [quantity(x) for x in names]
    check_machine(wanted, on)
    chosen = rules_with_logits(rules, logits)
    given = {"tool": rule_names.unquantised_tool(chosen), **formats}
    symbols = symbols_of_all(node, wanted)
    bound = bound_precision(model, symbols, () if on else opened, **given)
    rated = RatedPlatform(on, bound) if on and bound else None
    used = symbols_of_all(node, wanted, rated.of) if rated else symbols
    layer = reachable_definitions(model.definitions(rules, logits), used | counts_of_runs(node), opened, model)
    following = {x: expr for x, expr in following_symbols(opened, model.architecture).items() if x in layer}
    numbers = {x: value for x, value in {**known_numbers(model, bound), **following}.items() if x not in opened}
    scope = bound_scope(layer, numbers, uniform or any(x in opened for x in UNIFORM))
    rates = {x: value for x, value in rated.values(node).items() if x not in opened} if rated else {}
    setting = Setting(scope.bound, scope.named, opened, bound, rated, rates)
    functions = (quantity_function(named_function(model, op, x, on), node, x, setting) for x in wanted)
    open_layer = {x: expr for x, expr in model.definitions(rules, logits).items() if x not in opened}
    is_uniform = any(x in opened for x in UNIFORM) or uniform
    of = FormulaScope(root, open_layer, op, is_uniform, numbers, rated.of if rated else no_rates)
    return Export(model, op, chosen, tuple(functions), of, rates, following)


def counts_of_runs(node: Block | Op) -> set[Symbol]:
    """The symbols of how often the blocks in a block run, without how often it runs itself."""
    blocks = (x for x in node.children if isinstance(x, Block)) if isinstance(node, Block) else ()
    return symbols_of(count for x in blocks for _, count, _ in x.rows())


def named_function(model: Model, op: str, x: NamedQuantity, on: Platform | None) -> str:
    """The name of a quantity's function."""
    return function_name(model.name, op, x.name, on.label if on and x.name in TIMED else "")


def symbols_of_all(node: Block | Op, wanted: Iterable[NamedQuantity], rates: Rates = no_rates) -> set[Symbol]:
    """The symbols of some quantities of a part."""
    return set().union(*(symbols_of_part(node, x, rates) for x in wanted))


def reachable_definitions(
    layer: Mapping[Symbol, Expr], used: set[Symbol], free: Sequence[Symbol], model: Model
) -> dict[Symbol, Expr]:
    """The definitions that formulas need, without the free symbols, and the sizes that follow those.

    Raises UsageError for a free symbol that they lack.
    """
    layer = {**layer, **following_symbols(free, model.architecture)}
    reachable = reachable_symbols(used, layer)
    check_free_symbols(free, reachable, model)
    return {x: expr for x, expr in layer.items() if x in reachable and x not in free}


def bound_precision(model: Model, used: set[Symbol], free: Sequence[Symbol], **formats: str | None) -> Precision | None:
    """The formats of the model, where a width is bound."""
    if not bound_widths(used, free):
        return None
    return precision(model.config, model.architecture, s.b_s in used, **formats)


def known_numbers(model: Model, formats: Precision | None) -> dict[Symbol, Any]:
    """The model's sizes, and the widths of formats."""
    widths = formats.widths() if formats else {}
    return {**model.sizes, **{s.symbol(x): value for x, value in widths.items()}}


def unbound_functions(
    model: Model,
    names: Iterable[str],
    op: str = "",
    rules: str | Iterable[str] = "standard",
    logits: str | None = None,
    uniform: bool = False,
    bind: bool = False,
) -> Export:
    """The named quantities as functions of all their symbols; `uniform` and `bind` as for `Model.formula`."""
    scope = model.formula_scope(op, rules, logits, uniform, bind)
    whole = [scope.formula(x) for x in names]
    arguments = (sorted(x.total.free_symbols, key=lambda y: symbol_order(str(y))) for x in whole)
    functions = (
        Function(named_function(model, op, x.quantity, None), x.quantity, tuple(y), (), x.total)
        for x, y in zip(whole, arguments, strict=True)
    )
    return Export(model, op, rules_with_logits(rules, logits), tuple(functions), scope)


def free_symbol(name: str, model: Model) -> Symbol:
    """The vocabulary's symbol of that name, or of a key of the config. Raises UsageError."""
    try:
        return model.symbol(name)
    except KeyError:
        raise UnknownName("symbol", name, s.VOCABULARY) from None


def check_free_symbols(free: Iterable[Symbol], reachable: Collection[Symbol], model: Model) -> None:
    """Raises UsageError for a free symbol that is neither in the formulas nor of a uniform batch."""
    known = {*reachable, *UNIFORM}
    for x in free:
        if x not in known:
            listed = listed_names(sorted(map(str, known), key=symbol_order))
            raise UsageError(f"--free {x}: these formulas of {shorten(model.name)} have no such symbol, only {listed}")


def bound_scope(layer: Mapping[Symbol, Expr], known: Mapping[Symbol, Any], uniform: bool) -> BoundScope:
    """Sizes and choices bound; sums over a uniform batch, and what depends on one, named unless they are atoms."""
    sums = {x: expr for x, expr in layer.items() if s.group(x) == "batch" and x != s.B}
    steps = {x for x in layer if s.group(x) == "step"}
    rest = {x: expr for x, expr in layer.items() if x not in {*sums, *steps, s.B}}
    varying = {x for x, expr in rest.items() if expr.free_symbols & {*sums, s.n, s.c}}
    choices = {x: expr for x, expr in rest.items() if x not in varying}
    fixed, query = Binding(choices, known), Binding(sums, choices, known)
    named = {x: query(layer[x]) for x in varying} | {x: fixed(layer[x]) for x in steps}
    named |= {x: s.B * query.value(x) for x in sums} if uniform else {}
    atoms = {x: expr for x, expr in named.items() if expr.is_Atom}
    compound = {x: Binding(atoms)(expr) for x, expr in named.items() if x not in atoms}
    return BoundScope(Binding(choices, known, atoms), compound)
