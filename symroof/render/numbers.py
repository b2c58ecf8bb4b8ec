"""Exact numbers as a reader wants them: SI prefixes for FLOP, IEC for bytes."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

SI = ("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q")
IEC = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def scaled(x: Any, base: int, prefixes: tuple[str, ...]) -> tuple[str, str]:
    """The number with two decimals, and its prefix: ("16.08", "G")."""
    numerator, denominator = (x, 1) if type(x) is int else Fraction(x).as_integer_ratio()
    size, step = 200 * abs(numerator), 0
    while size >= (200 * base - 1) * denominator and step < len(prefixes) - 1:  # it would round to the next prefix
        denominator, step = denominator * base, step + 1
    if abs(numerator) >= 10**6 * denominator:
        return f"{Decimal(numerator) / Decimal(denominator):.2e}", prefixes[step]
    return f"{numerator / denominator:.2f}", prefixes[step]


def si(x: Any) -> str:
    """A count: `16.08 G`."""
    return " ".join(scaled(x, 1000, SI)).rstrip()


def iec(x: Any) -> str:
    """Bytes: `14.96 GiB`."""
    return " ".join(scaled(x, 1024, IEC))


def si_cell(x: Any) -> str:
    """A count that aligns on its decimal point when set flush right."""
    number, prefix = scaled(x, 1000, SI)
    return f"{number} {prefix:<1}"


def iec_cell(x: Any) -> str:
    """Bytes that align on their decimal point when set flush right."""
    number, prefix = scaled(x, 1024, IEC)
    return f"{number} {prefix:<3}"


def ratio(x: Any) -> str:
    """Operational intensity, or any quotient; a dash where there is none."""
    return "-" if x is None else f"{float(x):.3f}"


def duration(x: Any) -> str:
    """Seconds: `12.34 ms`."""
    value, unit = float(x), "s"
    for smaller in ("ms", "us", "ns"):
        if value >= 1 or not value:
            break
        value, unit = value * 1000, smaller
    return f"{value:,.2f} {unit}"


def duration_cell(x: Any) -> str:
    """Seconds that align on their decimal point when set flush right; a dash for none."""
    if not x:
        return "-   "
    number, unit = duration(x).split()
    return f"{number} {unit:<2}"


def percent(x: Any) -> str:
    """A share: `12.3 %`."""
    return f"{100 * float(x):.1f} %"
