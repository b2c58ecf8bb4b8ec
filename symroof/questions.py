"""What a comparison means for a model and a batch: its two sides as formulas in one unknown.

Names are quantities of `formula.QUANTITIES`, storage (weight_size + cache_size), intensity (flops / bytes), symbols of
the vocabulary, and batch, new and cached for B, n and c. flops(mlp/down) is what all layers of an operator or block
take. Of a machine, or of N: time(h100-sxm, N) is that of one operator after another, time(...).compute and .memory
are what matmuls take, and weights and cache, at the peaks, .lower is the larger and .bound says which; energy(...);
memory(...), bandwidth(...) and peak(..., bf16) are the machine's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sympy import Add, Expr, Integer, Max, Symbol

from symroof import closed_forms, terms, timing, workload
from symroof import symbols as s
from symroof.binding import Binding
from symroof.branches import exact
from symroof.closed_forms import Form
from symroof.cost import FIELDS, Cost
from symroof.errors import SymroofError, UnknownName, UsageError
from symroof.formula import QUANTITIES, quantity
from symroof.graph import Op
from symroof.language import FUNCTIONS, Asked, Comparison, Mistake, Name, Node, Number, Operation, mistake
from symroof.machines import Machine, machine
from symroof.model import Model, symbols_of
from symroof.notation import text
from symroof.platforms import Platform, platform
from symroof.precision import Precision, precision
from symroof.terms import Term
from symroof.units import BASE, BYTE, COUNT, JOULE, SECOND, Unit

WORDS = {"batch": "B", "new": "n", "cached": "c"}
SUMS = {"storage": ("weight_size", "cache_size")}
RATIOS = {"intensity": ("flops", "bytes")}
COSTS = tuple(name for name in QUANTITIES if name not in closed_forms.TIMED)
NAMED = (*COSTS, *SUMS, *RATIOS)
ON_MACHINE = ("time", "energy", "memory", "bandwidth", "peak")
PARTS = ("bound", "compute", "memory", "lower")
BOUNDS = {"compute": ">=", "memory": "<"}
UNITS = {"FLOP": COUNT, "byte": BYTE, "s": SECOND, "J": JOULE, "": COUNT}


@dataclass(frozen=True)
class Leaf:
    """A quantity in a comparison as it is written, whether the unknown is in it, and what it is, in one of three ways.

    The sum of a quantity over the operators at a path; what it is `made` of, in names; a formula as text.
    """

    name: str
    depends: bool
    quantity: str = ""
    path: str = ""
    made: Expr | None = None
    told: str = ""


@dataclass(frozen=True)
class Scope:
    """A model and all that a comparison leaves unsaid: the unknown, the batch, what is held, rules, formats, machines.

    `held` are sizes that follow the unknown. `use` is what `platforms.platform` takes besides a machine.
    """

    model: Model
    unknown: Symbol
    batch: Mapping[Symbol, int]
    held: Mapping[Symbol, Expr]
    rules: tuple[str, ...]
    formats: Mapping[str, str | None]
    machines: Mapping[str, Machine]
    use: Mapping[str, Any]
    leaves: dict[str, Leaf] = field(default_factory=dict)  # those met so far, as they are written
    platforms: dict[str, Platform] = field(default_factory=dict)  # likewise, by label

    @cached_property
    def precision(self) -> Precision:
        """The formats in force."""
        model = self.model
        return precision(model.config, model.architecture, s.b_s in self.symbols, **self.formats)

    @cached_property
    def symbols(self) -> set[Symbol]:
        """All symbols of the operators' costs."""
        return symbols_of(getattr(op.cost, x) for _, _, op in self.rows for x in FIELDS)

    @cached_property
    def rows(self) -> tuple[tuple[str, Expr, Op], ...]:
        """(path, layers, operator) of all operators."""
        return tuple(self.model.graph(self.rules).rows())

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The operators in sizes, widths, B, n and c."""
        return closed_forms.forms(self.model, self.rules)

    @cached_property
    def bound(self) -> Binding:
        """What all symbols of the operators but the unknown stand for."""
        return self.binding(self.symbols)

    def binding(self, exprs: Iterable[Expr]) -> Binding:
        """What all symbols of some formulas but the unknown stand for."""
        layer = self.model.definitions(self.rules)
        choices = {x: expr for x, expr in layer.items() if s.group(x) in ("rule", "step")}
        sums = workload.uniform(layer, symbols_of([*exprs, *choices.values()]))
        values = {**closed_forms.point(self.model, self.batch, **self.formats).values, **self.held}
        return Binding(choices, sums, {x: value for x, value in values.items() if x != self.unknown})

    @cached_property
    def bound_forms(self) -> tuple[Form, ...]:
        """The operators in the unknown alone."""
        return tuple(
            Form(path, op.role, op.width, self.bound(count),
                 Cost(*(self.bound(getattr(op.cost, name)) for name in FIELDS)))
            for path, count, op in self.rows
        )  # fmt: skip

    def form(self, leaf: Leaf) -> Expr | None:
        """The closed form of a quantity, in sizes, widths, B, n and c; None where it is a machine's."""
        if leaf.made is not None or not leaf.quantity:
            return leaf.made
        return Add(*(x.of(quantity(leaf.quantity)) for x in self.forms if within(x.path, leaf.path)))

    def in_sums(self, leaf: Leaf) -> Expr:
        """The closed form of a quantity in sizes, widths and sums over the batch."""
        layer, of = self.model.definitions(self.rules), quantity(leaf.quantity).of
        bound = Binding({x: expr for x, expr in layer.items() if s.group(x) == "rule"})
        return Add(*(bound(count * of(op.cost)) for path, count, op in self.rows if within(path, leaf.path)))

    def total(self, name: str, path: str) -> Expr:
        """A quantity of the operators at a path, or of all, in the unknown alone. Raises UnknownName."""
        if path:
            self.model.graph(self.rules).find(path)
        of = quantity(name).of
        return Add(*(self.bound(count) * self.bound(of(op.cost)) for at, count, op in self.rows if within(at, path)))

    def platform(self, name: str, count: int) -> Platform:
        """So many of a machine, used as is said."""
        found = platform(machine(name, self.machines).times(count), **self.use)
        self.platforms[found.machine.label] = found
        return found

    def leaf(self, name: str, above: Expr, below: Expr, unit: Unit | None, **what: Any) -> Term:
        """A quantity as a term that is written as its name."""
        self.leaves[name] = Leaf(name, bool(above.free_symbols | below.free_symbols), **what)
        return Term(above, below, Symbol(name), unit)


def within(path: str, of: str) -> bool:
    """Whether an operator is the one, or of the block, at a path; any is of an empty one."""
    return not of or path == of or path.startswith(of + "/")


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
        "+": terms.added, "-": lambda a, b: terms.added(a, b, -1), "*": terms.times, "/": terms.over, "^": terms.power,
    }  # fmt: skip
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
    unit = BASE.get(s.entry(str(x)).unit, COUNT)
    found = scope.binding([x])(x)
    if found.free_symbols - {scope.unknown}:
        raise UsageError(unbound(x, scope))
    return Term(found, Integer(1), x, unit)


def symbol(name: str, model: Model) -> Symbol:
    """The vocabulary's symbol of a name, or of one of WORDS. Raises UnknownName."""
    try:
        return s.symbol(WORDS.get(name, name))
    except KeyError:
        known = [*NAMED, *ON_MACHINE, *WORDS, *model.architecture.sizes]
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
    if x.name in (*WORDS, *model.architecture.sizes) or x.name in s.VOCABULARY:
        return f"{x.name} is a number: a product is written {x.name} * (...)"
    return str(UnknownName("function", x.name, [*NAMED, *ON_MACHINE, *FUNCTIONS]))


def on_machine(x: Asked, scope: Scope) -> Term:
    """What is asked of a machine."""
    name, count, form = machine_words(x)
    used = scope.platform(name, count)
    label = f"{x.name}({', '.join(y for y in x.words if y)})" + (f".{x.part}" if x.part else "")
    if x.part == "bound":
        raise UsageError(f"what bounds a step is a word: write {label} = compute, or = memory")
    facts: dict[str, tuple[Callable[[], Any], Unit]] = {
        "memory": (lambda: used.machine.memory, BYTE),
        "bandwidth": (lambda: used.machine.bandwidth, BASE["B/s"]),
        "peak": (lambda: used.machine.peak(form), BASE["FLOP/s"]),
    }
    if x.name in facts:
        of, unit = facts[x.name]
        return terms.constant(exact(of()), Symbol(label), unit)
    makes = {"": taken, "compute": computing, "memory": moving, "lower": lower}
    if x.name == "energy":
        return scope.leaf(label, joules(scope, used), Integer(1), JOULE, told=TOLD[x.name])
    return scope.leaf(label, makes[x.part](scope, used), Integer(1), SECOND, told=TOLD[x.part])


def machine_words(x: Asked) -> tuple[str, int, str]:
    """The machine that is asked, of how many, and a format. Raises UsageError."""
    name, *rest = x.words
    form = rest.pop(0) if x.name == "peak" and rest and not rest[0].isdigit() else ""
    count = rest.pop(0) if rest else "1"
    if x.name == "peak" and rest and not form:
        form = rest.pop(0)
    if (
        not name
        or rest
        or not (count.isascii() and count.isdigit() and 1 <= int(count[:9]) <= 10**6 and len(count) < 8)
    ):
        raise UsageError(f"write {x.name}(MACHINE) or {x.name}(MACHINE, N), such as {x.name}(h100-sxm, 4)")
    if x.name == "peak" and not form:
        raise UsageError("write the format too: peak(h100-sxm, bf16)")
    return name, int(count), form


def rates(x: Form, scope: Scope, used: Platform, ideal: bool = False) -> Binding:
    """The rates that an operator runs at, the unknown left open."""
    found = used.rates(x.role, x.cost.matmul, x.width, scope.precision)
    found |= used.energies(found)
    found |= {"u_F": 1, "u_W": 1, "t_0": 0} if ideal else {}
    return Binding({s.symbol(name): value for name, value in found.items() if s.symbol(name) != scope.unknown})


def taken(scope: Scope, used: Platform) -> Expr:
    """Seconds of one operator after another."""
    return Add(*(x.layers * timing.time(x.cost, rates(x, scope, used)) for x in scope.bound_forms))


def computing(scope: Scope, used: Platform) -> Expr:
    """Seconds of all matmuls at the peaks."""
    found = scope.bound_forms
    return Add(*(x.layers * rates(x, scope, used, True)(timing.matmul_time(x.cost)) for x in found))


def moving(scope: Scope, used: Platform) -> Expr:
    """Seconds in which memory moves weights and cache at its peak."""
    return Add(*(x.layers * rates(x, scope, used, True)(timing.memory_time(kept(x.cost))) for x in scope.bound_forms))


def lower(scope: Scope, used: Platform) -> Expr:
    """The larger of those."""
    return Max(computing(scope, used), moving(scope, used), evaluate=False)


def joules(scope: Scope, used: Platform) -> Expr:
    """Joules of all operators. Raises UsageError where none are known."""
    if not used.joules and used.machine.power is None:
        raise UsageError(f"no power is published of {used.machine.label}, and its energy is not known")
    return Add(*(x.layers * rates(x, scope, used)(timing.energy(x.cost)) for x in scope.bound_forms))


def kept(cost: Cost) -> Cost:
    """What of a cost is weights and cache."""
    return Cost(weight_read=cost.weight_read, cache_read=cost.cache_read, cache_write=cost.cache_write)


def of_parts(of: Callable[[Cost], Expr]) -> str:
    """A formula of a cost, in the names of its parts."""
    parts = Cost(matmul=Symbol("matmul"), vector=Symbol("vector"), weight_read=Symbol("moved"))
    return text(of(parts))


TOLD = {
    "": f"the sum over operators of {of_parts(timing.time)}",
    "energy": f"the sum over operators of {of_parts(timing.energy)}",
    "compute": "the sum over operators of matmul/F, at the peaks F",
    "memory": "(weight_bytes + cache_bytes)/W, at the peak W",
    "lower": "the larger of .compute and .memory",
}
