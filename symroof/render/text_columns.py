"""Plain text: cells in columns, lines and paragraphs wrapped at a width."""

from collections.abc import Iterable, Sequence, Set
from textwrap import wrap

WIDEST = 100  # columns of the longest line of a formula
NARROWEST = 20  # columns to the right of a name; with no more of them a text is not wrapped


def align_columns(rows: Sequence[Sequence[str]], right: Set[int] = frozenset(), indent: str = "") -> str:
    """Rows of cells in columns two spaces wide, columns of `right` right-aligned; one line per row."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = (
        [x.rjust(n) if i in right else x.ljust(n) for i, (x, n) in enumerate(zip(row, widths, strict=True))]
        for row in rows
    )
    return "".join(indent + "  ".join(cells).rstrip() + "\n" for cells in texts)


def fit_columns(
    rows: Sequence[Sequence[str]], optional: Sequence[str], right: Set[str], width: int
) -> tuple[str, list[str]]:
    """A table under a row of heads, and the heads left out: the first of `optional`, until lines fit `width`.

    Columns whose heads are in `right` are right-aligned; a width of 0 leaves nothing out.
    """
    for count in range(len(optional) + 1):
        text = _without_columns(rows, optional[:count], right)
        if not width or max(map(len, text.splitlines())) <= width:
            break
    return text, [head for head in rows[0] if head in optional[:count]]


def _without_columns(rows: Sequence[Sequence[str]], left_out: Sequence[str], right: Set[str]) -> str:
    columns = [i for i, head in enumerate(rows[0]) if head not in left_out]
    numbers = {n for n, i in enumerate(columns) if rows[0][i] in right}
    return align_columns([[row[i] for i in columns] for row in rows], numbers)


def hanging_columns(rows: Sequence[tuple[str, str]], width: int, indent: str = "  ") -> str:
    """Names and texts in two columns; a text too long for `width` continues below itself. 0 never wraps."""
    margin = len(indent) + max((len(name) for name, _ in rows), default=0) + 3
    return "".join(hanging_text((indent + name).ljust(margin), text, width) for name, text in rows)


def hanging_text(start: str, text: str, width: int) -> str:
    """`start` and a text wrapped in the columns to the right of it; a width of 0 never wraps."""
    room = width - len(start)
    lines = wrap(text, room, break_long_words=False, break_on_hyphens=False) if width and room > NARROWEST else [text]
    return start + ("\n" + " " * len(start)).join(lines) + "\n"


def wrap_line(line: str, width: int) -> str:
    """A line wrapped at `width`, its indentation repeated; 0 never wraps."""
    indent = line[: len(line) - len(line.lstrip())]
    return "\n".join(wrap(line, width, subsequent_indent=indent, break_long_words=False)) if width else line


def wrap_lines(lines: Iterable[str], width: int) -> str:
    """Each line wrapped at `width`, its indentation repeated; 0 never wraps."""
    return "\n".join(wrap_line(line, width) for line in lines)


def join_paragraphs(paragraphs: Iterable[str]) -> str:
    """Paragraphs separated by an empty line; empty ones are left out."""
    return "\n\n".join(x.rstrip("\n") for x in paragraphs if x) + "\n"
