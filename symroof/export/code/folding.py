"""Long values of code on several lines, broken where brackets are fewest."""

from collections.abc import Iterable
from itertools import pairwise

STEP = "    "
OPEN, CLOSED = "([{", ")]}"


def folded_lines(text: str, room: int) -> list[str]:
    """Lines of at most `room` columns where it can be broken: before terms, after commas, else within brackets.

    A line has one term, or several where all are names."""
    if len(text) <= room:
        return [text]
    if len(parts := split_outermost(text)) > 1:
        if all(part.lstrip("+- ").isidentifier() for part in parts):
            return filled_lines(parts, room)
        return [line for part in parts for line in folded_lines(part, room)]
    if not (bracket := longest_bracket(text)):
        return [text]
    start, end = bracket
    inner = folded_lines(text[start + 1 : end], room - len(STEP))
    return [text[: start + 1], *(STEP + line for line in inner), text[end:]]


def filled_lines(parts: Iterable[str], room: int) -> list[str]:
    """As many parts on a line as fit."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + 1 + len(part) <= room:
            lines[-1] += f" {part}"
        else:
            lines.append(part)
    return lines


def split_outermost(text: str) -> list[str]:
    """Operands, each with the comma behind it; of a single one the terms, each behind its sign."""
    depths = depth_of_each(text)
    spaces = [i for i, x in enumerate(text) if x == " " and not depths[i]]
    commas = [i for i in spaces if text[i - 1] == ","]
    breaks = [-1, *(commas or [i for i in spaces if text[i + 1] in "+-"]), len(text)]
    return [text[a + 1 : b] for a, b in pairwise(breaks)]


def longest_bracket(text: str) -> tuple[int, int] | None:
    """Where the longest pair of outermost brackets opens and closes; None where there is none."""
    depths = depth_of_each(text)
    opened = [i for i, x in enumerate(text) if x in OPEN and depths[i] == 1]
    closed = [i for i, x in enumerate(text) if x in CLOSED and depths[i] == 1]
    return max(zip(opened, closed, strict=True), key=lambda x: x[1] - x[0], default=None)


def depth_of_each(text: str) -> list[int]:
    """How many brackets each character is in, brackets counted as in themselves."""
    depths, depth = [], 0
    for x in text:
        depth += x in OPEN
        depths.append(depth)
        depth -= x in CLOSED
    return depths
