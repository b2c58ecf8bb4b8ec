"""What became of a config's keys, as text."""

from collections import Counter
from collections.abc import Sequence

from symroof.config.audit import Entry
from symroof.errors import shorten
from symroof.render.text_columns import aligned, hanging

HEAD = ("Status", "Key", "Value")
ROOM = 24  # columns at least for what is said of a key


def table(found: Sequence[Entry], width: int = 0) -> str:
    """One line a key; what is said of it is folded where it does not fit `width`, and values are spared."""
    rows = [HEAD, *((x.status, x.key, shorten(x.value, 40)) for x in found)]
    told = ["Sizes, or why not", *(x.reason for x in found)]
    left = aligned(rows).splitlines()
    if width and max(map(len, left)) + ROOM > width:
        left = aligned([row[:2] for row in rows]).splitlines()
    text = hanging(list(zip(left, told, strict=True)), width, indent="")
    counts = Counter(x.status for x in found)
    return (
        "".join(f"{line.rstrip()}\n" for line in text.splitlines())
        + f"\n{len(found)} keys: "
        + ", ".join(f"{n} {status}" for status, n in counts.items())
        + "\n"
    )
