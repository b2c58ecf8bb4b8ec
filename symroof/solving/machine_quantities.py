"""Quantities of a machine in a comparison: its rates, and time and energy of a step on it."""

from collections.abc import Callable
from typing import Any

from sympy import Expr, Integer, Symbol

from symroof.algebra.points import exact_number_or_infinity
from symroof.cost import operator_time
from symroof.cost.cost import Cost
from symroof.cost.notation import formula_text
from symroof.errors import UsageError
from symroof.hardware.machines import Machine
from symroof.hardware.platform import Platform
from symroof.model.operator_formulas import OperatorFormula, matmul_time_at_peaks, memory_time_at_peak
from symroof.performance.step_time import lower_bound, matmul_seconds, memory_seconds, serial_time, step_energy
from symroof.solving import terms
from symroof.solving.parser import CallNode
from symroof.solving.scope import SolveScope
from symroof.solving.terms import ComparisonTerm
from symroof.units import BASE_UNITS, BYTE, JOULE, SECOND, Unit

ON_MACHINE = ("time", "energy", "memory", "bandwidth", "peak")
PARTS = ("bound", "compute", "memory", "lower")
RATES: dict[str, tuple[Callable[[Machine, str], Any], Unit]] = {
    "memory": (lambda machine, _: machine.memory, BYTE),
    "bandwidth": (lambda machine, _: machine.bandwidth, BASE_UNITS["B/s"]),
    "peak": (lambda machine, form: machine.peak(form), BASE_UNITS["FLOP/s"]),
}
OF_STEP: dict[str, tuple[Callable[[SolveScope, Platform], Expr], Unit]] = {
    "": (serial_time, SECOND),
    "energy": (step_energy, JOULE),
    "compute": (matmul_seconds, SECOND),
    "memory": (memory_seconds, SECOND),
    "lower": (lower_bound, SECOND),
}

IN_RATES: dict[str, Callable[[Platform, SolveScope], Callable[[OperatorFormula], Expr]]] = {
    "compute": lambda used, scope: lambda x: matmul_time_at_peaks(x, used, scope.precision),
    "memory": lambda _, __: memory_time_at_peak,
}


def machine_term(x: CallNode, scope: SolveScope) -> ComparisonTerm:
    """A call such as time(h100-sxm, 4).compute as a term. Raises UsageError."""
    name, count, form = machine_arguments(x)
    platform = scope.platform(name, count)
    label = f"{x.name}({', '.join(y for y in x.words if y)})" + (f".{x.part}" if x.part else "")
    if x.part == "bound":
        raise UsageError(f"what bounds a step is a word: write {label} = compute, or = memory")
    if x.name in RATES:
        rate, unit = RATES[x.name]
        return terms.constant_term(exact_number_or_infinity(rate(platform.machine, form)), Symbol(label), unit)
    key = "energy" if x.name == "energy" else x.part
    of_step, unit = OF_STEP[key]
    in_rates = IN_RATES[key](platform, scope) if key in IN_RATES else None
    seconds = of_step(scope, platform)
    return scope.leaf(label, seconds, Integer(1), unit, description=DESCRIPTIONS[key], in_rates=in_rates)


def machine_arguments(x: CallNode) -> tuple[str, int, str]:
    """The machine's name, how many of it, and the format of a peak. Raises UsageError."""
    name, *rest = x.words
    counts = [y for y in rest if y.isdigit()]
    forms = [y for y in rest if not y.isdigit()]
    if not name or len(counts) > 1 or len(forms) > (x.name == "peak") or not all(map(_is_count, counts)):
        raise UsageError(f"write {x.name}(MACHINE) or {x.name}(MACHINE, N), such as {x.name}(h100-sxm, 4)")
    if x.name == "peak" and not any(forms):
        raise UsageError("write the format too: peak(h100-sxm, bf16)")
    return name, int(counts[0]) if counts else 1, forms[0] if forms else ""


def _is_count(text: str) -> bool:
    return text.isascii() and len(text) < 8 and 1 <= int(text) <= 10**6


def formula_of_parts(of: Callable[[Cost], Expr]) -> str:
    """A formula of a cost, in the names of its parts."""
    parts = Cost(matmul=Symbol("matmul"), vector=Symbol("vector"), weight_read=Symbol("moved"))
    return formula_text(of(parts))


DESCRIPTIONS = {
    "": f"the sum over operators of {formula_of_parts(operator_time.time)}",
    "energy": f"the sum over operators of {formula_of_parts(operator_time.energy)}",
    "compute": "the sum over operators of matmul/F, at the fastest peak F that an operand's format permits",
    "memory": "(weight_bytes + cache_bytes)/W, at the peak W",
    "lower": "the larger of .compute and .memory",
}
