"""What became of a config's keys, as text."""

from collections import Counter
from collections.abc import Sequence

from symroof.config.audit import KeyStatus
from symroof.errors import shorten
from symroof.render.text_columns import align_columns, hanging_columns

HEADS = ("Status", "Key", "Value")
NARROWEST = 24  # columns of the reasons; where fewer are free the values are left out


def audit_table(keys: Sequence[KeyStatus], width: int = 0) -> str:
    """One row per key, reasons wrapped at `width`; then the number of keys by status."""
    rows = [HEADS, *((x.status, x.key, shorten(x.value, 40)) for x in keys)]
    left = align_columns(rows).splitlines()
    if width and max(map(len, left)) + NARROWEST > width:
        left = align_columns([row[:2] for row in rows]).splitlines()
    reasons = ["Sizes, or why not", *(x.reason for x in keys)]
    table = hanging_columns(list(zip(left, reasons, strict=True)), width, indent="")
    return "".join(f"{line.rstrip()}\n" for line in table.splitlines()) + f"\n{status_counts(keys)}\n"


def status_counts(keys: Sequence[KeyStatus]) -> str:
    """`31 keys: 20 used, 11 ignored`."""
    return f"{len(keys)} keys: " + ", ".join(f"{n} {status}" for status, n in Counter(x.status for x in keys).items())
