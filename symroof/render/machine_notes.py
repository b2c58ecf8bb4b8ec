"""Sentences about machines: peaks, efficiency, memory."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from symroof.hardware.machines import Machine
from symroof.hardware.platform import Platform, Reach
from symroof.performance.capacity import MemoryNeed
from symroof.units import duration, iec, percent, si

EXPECTED_EXPERTS = (
    "Lower bound: of routed experts, those that a router without preference reads in expectation;"
    " a skewed one reads fewer."
)


def machine_notes(platform: Platform, formats: Collection[str], fastest: Iterable[str] = ()) -> Iterator[str]:
    """The machine's peaks in these formats and the `fastest` of a lower bound, what an estimate assumes of them."""
    machine = platform.machine
    yield f"Machine: {machine.label}: {peaks_text(machine, formats)}{confidence_text(machine)}."
    if peaks := [peak_text(machine, name) for name in sorted(fastest) if name not in formats]:
        yield f"Lower bound: matmuls at {', '.join(peaks)} where an operand permits it."
    if machine.count > 1:
        yield (
            f"The {machine.count} devices split every operator evenly, communication takes no time "
            "(ideal tensor parallelism)."
        )
    if efficiency := efficiency_text(platform):
        yield f"Estimate: {efficiency}."
    if platform.overhead:
        yield f"Estimate: launching an operator takes {duration(platform.overhead)}."


def peaks_text(machine: Machine, formats: Iterable[str]) -> str:
    """Matmul peaks, elementwise peak, bandwidth, memory."""
    peaks = [peak_text(machine, name) for name in formats]
    vector = f"{si(machine.vector)}FLOP/s elementwise" if machine.vector else "no elementwise rate published: no time"
    return ", ".join([*peaks, vector, f"{si(machine.bandwidth)}B/s", iec(machine.memory)])


def peak_text(machine: Machine, name: str) -> str:
    """`989.00 TFLOP/s in bf16`."""
    return f"{si(machine.peak(name))}FLOP/s in {name}"


def confidence_text(machine: Machine) -> str:
    """How reliable a built-in machine's figures are; empty for custom ones."""
    return f" (confidence {machine.confidence}; sources: symroof machines --json)" if machine.confidence else ""


def efficiency_text(platform: Platform) -> str:
    """MFU and MBU where they are below 1: in one figure, or by class of operators."""
    below_peak = {name: mfu_mbu_text(x) for name, x in platform.reach.items() if x != Reach()}
    if len(set(platform.reach.values())) == 1:
        return "".join(set(below_peak.values()))
    return "; ".join(f"{name}: {text}" for name, text in below_peak.items())


def mfu_mbu_text(reach: Reach) -> str:
    """`60.0 % of the peak FLOP/s, 80.0 % of the bandwidth`."""
    return f"{percent(reach.mfu)} of the peak FLOP/s, {percent(reach.mbu)} of the bandwidth"


def memory_text(need: MemoryNeed, machine: Machine) -> str:
    """The machine's memory, and the parts of what is needed."""
    excess = need.total - machine.memory
    return f"of {iec(machine.memory)}{f', {iec(excess)} too much' if excess > 0 else ''}: {need.parts}"


def sources_note(machines: Sequence[Machine]) -> str:
    """How reliable the figures of built-in machines are; empty where there are none."""
    labels = ", ".join(f"{x.label} (confidence {x.confidence})" for x in machines if x.confidence)
    return labels and f"Machines: {labels}; sources: symroof machines --json."
