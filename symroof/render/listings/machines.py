"""Machines as a table, and one machine as text."""

from collections.abc import Iterable
from textwrap import wrap

from symroof.hardware.machines import Machine, Number
from symroof.hardware.platform import Platform
from symroof.render.machine_notes import efficiency_text
from symroof.render.text_columns import align_columns, fit_columns
from symroof.units import duration, iec, si

HEADS = ("Machine", "Vendor", "Year", "GiB", "GB/s", "bf16", "fp8", "fp4", "vector", "Link", "Watt", "Conf")
OPTIONAL = (
    "Vendor",
    "Year",
    "Link",
    "fp4",
    "Conf",
    "Watt",
    "vector",
    "fp8",
)  # left out of a narrow table, in this order
NUMBERS = frozenset(HEADS) - {"Machine", "Vendor", "Conf"}
LEGEND = (
    "bf16 (fp16 where there is none), fp8, fp4: dense peaks of matmuls in TFLOP/s, never sparse.",
    "vector: TFLOP/s of elementwise operations, in fp32. GiB and GB/s: memory and its bandwidth.",
    "Link: GB/s that a device sends, one direction. Watt: the most it is rated for. A dash: none, or unknown.",
    "Conf: A two sources that agree, B one source or an exact ratio, C derived; `--json` has sources and notes.",
)


def machines_table(machines: Iterable[Machine], width: int = 0) -> str:
    """One row per machine and what the columns mean; as many of the OPTIONAL columns as fit `width`, 0 for all."""
    text, left_out = fit_columns([HEADS, *map(_machine_cells, machines)], OPTIONAL, NUMBERS, width)
    notes = [*LEGEND, *([f"Left out to fit the width: {', '.join(left_out)}."] if left_out else [])]
    return "\n".join([text, *(wrap(" ".join(notes), width) if width else notes)]) + "\n"


def _machine_cells(x: Machine) -> tuple[str, ...]:
    peaks = x.peaks
    wide = peaks.get("bf16", peaks.get("fp16"))
    rates = (_short(rate, 1e12) for rate in (wide, peaks.get("fp8"), peaks.get("fp4"), x.vector))
    year = "-" if x.year is None else str(x.year)
    sizes = (_short(x.memory, 2**30), _whole(x.bandwidth, 1e9))
    return (x.name, x.vendor, year, *sizes, *rates, _whole(x.link, 1e9), _whole(x.power), x.confidence or "-")


def _short(x: Number | None, unit: float) -> str:
    """One decimal where the number is below 1000."""
    return "-" if x is None else f"{x / unit:,.{0 if x >= 999.95 * unit else 1}f}"


def _whole(x: Number | None, unit: float = 1) -> str:
    return "-" if x is None else f"{x / unit:,.0f}"


def machine_text(machine: Machine) -> str:
    """One machine: its peaks by format, memory, bandwidth, link, power and sources."""
    rows = [
        ("matmul peaks", ", ".join(f"{form} {si(rate)}FLOP/s" for form, rate in machine.peaks.items())),
        ("elementwise", "-" if machine.vector is None else f"{si(machine.vector)}FLOP/s"),
        ("memory", iec(machine.memory)),
        ("bandwidth", f"{si(machine.bandwidth)}B/s"),
        ("link", "-" if machine.link is None else f"{si(machine.link)}B/s per device and direction"),
        ("power", "-" if machine.power is None else f"{machine.power:,g} W"),
        ("source", f"{machine.source} (confidence {machine.confidence or '-'})"),
        *(("note", note) for note in machine.notes),
    ]
    vendor = ", ".join(str(x) for x in (machine.vendor, machine.year) if x)
    return f"{machine.label}" + (f" ({vendor})" if vendor else "") + f"\n{align_columns(rows)}"


def platform_text(platform: Platform) -> str:
    """A machine, and the fraction of its peaks that is reached (MFU, MBU)."""
    rows = [
        ("matmul format", platform.compute or "the wider of both operands"),
        ("efficiency", efficiency_text(platform) or "at the peaks"),
        ("launch overhead", duration(platform.overhead)),
    ]
    return machine_text(platform.machine) + "\n" + align_columns(rows)
