"""What a comparison asks of a machine: its rates, and time and energy of a step on it."""

from collections.abc import Callable
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof.algebra.points import exact
from symroof.cost import timing
from symroof.cost.cost import Cost
from symroof.cost.notation import text
from symroof.errors import UsageError
from symroof.performance.step_time import lower_bound, matmul_seconds, memory_seconds, serial_time, step_energy
from symroof.solving import terms
from symroof.solving.parser import Asked
from symroof.solving.scope import Scope
from symroof.solving.terms import Term
from symroof.units import BASE_UNITS, BYTE, JOULE, SECOND, Unit

ON_MACHINE = ("time", "energy", "memory", "bandwidth", "peak")
PARTS = ("bound", "compute", "memory", "lower")


def on_machine(x: Asked, scope: Scope) -> Term:
    """What is asked of a machine."""
    name, count, form = machine_words(x)
    used = scope.platform(name, count)
    label = f"{x.name}({', '.join(y for y in x.words if y)})" + (f".{x.part}" if x.part else "")
    if x.part == "bound":
        raise UsageError(f"what bounds a step is a word: write {label} = compute, or = memory")
    facts: dict[str, tuple[Callable[[], Any], Unit]] = {
        "memory": (lambda: used.machine.memory, BYTE),
        "bandwidth": (lambda: used.machine.bandwidth, BASE_UNITS["B/s"]),
        "peak": (lambda: used.machine.peak(form), BASE_UNITS["FLOP/s"]),
    }
    if x.name in facts:
        of, unit = facts[x.name]
        return terms.constant(exact(of()), Symbol(label), unit)
    makes = {"": serial_time, "compute": matmul_seconds, "memory": memory_seconds, "lower": lower_bound}
    if x.name == "energy":
        return scope.leaf(label, step_energy(scope, used), Integer(1), JOULE, told=TOLD[x.name])
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
