"""What a comparison asks of a machine: its rates, and time and energy of a step on it."""

from collections.abc import Callable
from typing import Any, Protocol

from sympy import Add, Expr, Integer, Max, Symbol

from symroof import symbols as s
from symroof import terms, timing
from symroof.binding import Binding
from symroof.branches import exact
from symroof.closed_forms import Form
from symroof.cost import Cost
from symroof.errors import UsageError
from symroof.language import Asked
from symroof.notation import text
from symroof.platforms import Platform
from symroof.precision import Precision
from symroof.scope import Scope
from symroof.terms import Term
from symroof.units import BASE, BYTE, JOULE, SECOND, Unit

ON_MACHINE = ("time", "energy", "memory", "bandwidth", "peak")
PARTS = ("bound", "compute", "memory", "lower")


class Operators(Protocol):
    """Operators with numbers for all but what is open, their formats, and the machine's symbol that is open, if any."""

    @property
    def bound_forms(self) -> tuple[Form, ...]:
        """The operators."""

    @property
    def precision(self) -> Precision:
        """Their formats."""

    @property
    def unknown(self) -> Symbol | None:
        """What a comparison is solved for."""


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


def rates(x: Form, scope: Operators, used: Platform, ideal: bool = False) -> Binding:
    """The rates that an operator runs at, the unknown left open."""
    found = used.rates(x.role, x.cost.matmul, x.width, scope.precision)
    found |= used.energies(found)
    found |= {"u_F": 1, "u_W": 1, "t_0": 0} if ideal else {}
    return Binding({s.symbol(name): value for name, value in found.items() if s.symbol(name) != scope.unknown})


def taken(scope: Operators, used: Platform) -> Expr:
    """Seconds of one operator after another."""
    return Add(*(x.layers * timing.time(x.cost, rates(x, scope, used)) for x in scope.bound_forms))


def computing(scope: Operators, used: Platform) -> Expr:
    """Seconds of all matmuls at the peaks."""
    found = scope.bound_forms
    return Add(*(x.layers * rates(x, scope, used, True)(timing.matmul_time(x.cost)) for x in found))


def moving(scope: Operators, used: Platform) -> Expr:
    """Seconds in which memory moves weights and cache at its peak."""
    return Add(*(x.layers * rates(x, scope, used, True)(timing.memory_time(kept(x.cost))) for x in scope.bound_forms))


def lower(scope: Operators, used: Platform) -> Expr:
    """The larger of those."""
    return Max(computing(scope, used), moving(scope, used), evaluate=False)


def joules(scope: Operators, used: Platform) -> Expr:
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
