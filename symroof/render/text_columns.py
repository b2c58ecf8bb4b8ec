"""Plain text in columns."""

from collections.abc import Sequence, Set
from textwrap import wrap


def aligned(rows: Sequence[Sequence[str]], right: Set[int] = frozenset(), indent: str = "") -> str:
    """Rows of cells in columns two spaces apart, those of `right` flush right; one line a row."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    texts = (
        [x.rjust(n) if i in right else x.ljust(n) for i, (x, n) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    )
    return "".join(indent + "  ".join(cells).rstrip() + "\n" for cells in texts)


def fitting(rows: Sequence[Sequence[str]], spared: Sequence[str], right: Set[str], width: int) -> tuple[str, list[str]]:
    """Rows below a row of heads in columns, and the heads left out: of `spared` so many that lines fit `width`.

    Columns whose heads are in `right` stand flush right; a width of 0 holds all.
    """
    heads = rows[0]
    for left_out in range(len(spared) + 1):
        kept = [i for i, head in enumerate(heads) if head not in spared[:left_out]]
        numbers = {n for n, i in enumerate(kept) if heads[i] in right}
        text = aligned([[row[i] for i in kept] for row in rows], numbers)
        if not width or max(map(len, text.splitlines())) <= width:
            break
    return text, [head for head in heads if head in spared[:left_out]]


def hanging(rows: Sequence[tuple[str, str]], width: int, indent: str = "  ") -> str:
    """Names and texts in two columns; a text longer than `width` allows hangs on below itself. 0 never folds."""
    column = max((len(name) for name, _ in rows), default=0) + 3
    out = ""
    for name, text in rows:
        room = width - len(indent) - column
        folded = wrap(text, room, break_long_words=False, break_on_hyphens=False) if width and room > 20 else [text]
        out += indent + name.ljust(column) + ("\n" + indent + " " * column).join(folded) + "\n"
    return out
