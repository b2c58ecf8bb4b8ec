"""Machines as a table."""

from collections.abc import Iterable
from textwrap import wrap

from symroof.hardware.machines import Machine, Number
from symroof.render.text_columns import fitting

HEAD = ("Machine", "Vendor", "Year", "GiB", "GB/s", "bf16", "fp8", "fp4", "vector", "Link", "Watt", "Conf")
SPARED = ("Vendor", "Year", "Link", "fp4", "Conf", "Watt", "vector", "fp8")  # where a line is too long, in this order
NUMBERS = frozenset(HEAD) - {"Machine", "Vendor", "Conf"}
LEGEND = (
    "bf16 (fp16 where there is none), fp8, fp4: dense peaks of matmuls in TFLOP/s, never sparse.",
    "vector: TFLOP/s of elementwise operations, in fp32. GiB and GB/s: memory and its bandwidth.",
    "Link: GB/s that a device sends, one direction. Watt: the most it is rated for. A dash: none, or unknown.",
    "Conf: A two sources that agree, B one source or an exact ratio, C derived; `--json` has sources and notes.",
)


def table(machines: Iterable[Machine], width: int = 0) -> str:
    """One line a machine and what the columns mean; of the columns of SPARED those that fit `width`, 0 for all."""
    text, left_out = fitting([HEAD, *map(_cells, machines)], SPARED, NUMBERS, width)
    told = [*LEGEND, *([f"Left out for want of room: {', '.join(left_out)}."] if left_out else [])]
    return "\n".join([text, *(wrap(" ".join(told), width) if width else told)]) + "\n"


def _cells(x: Machine) -> tuple[str, ...]:
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
