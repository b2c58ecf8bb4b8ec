"""Where the lines of a long formula end: before a plus or minus, within brackets only where they alone are too wide."""

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise

from symroof.records import frozen
from symroof.render.latex.widths import printed_width

TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|.")
OPENING, CLOSING = ("(", "[", r"\lfloor"), (")", "]", r"\rfloor")
GROUP_BEGINS, GROUP_ENDS = ("{", r"\begin"), ("}", r"\end")
STEP = 10.0  # points of a \quad, by which a line is indented
DEEPEST = 3  # times that a line is indented, once more for each bracket that it begins within
BRACKET_COST = 1.2  # in lines: a break within brackets is worse than one more line
TOO_WIDE = 100.0  # in lines for each point


@frozen
class Piece:
    """A part of a formula that holds no break: the brackets that it begins within, and its width in points."""

    latex: str
    depth: int
    width: float

    @property
    def steps(self) -> int:
        """Times that a line which begins with it is indented."""
        return min(1 + self.depth, DEEPEST)


def split_lines(latex: str, first: float, others: float) -> list[str]:
    r"""The lines of a formula, the first at most `first` points wide, the others `others` with their indentation.

    A piece that is wider by itself stays whole.
    """
    pieces = shallowest_first(formula_pieces(latex))
    starts = best_breaks(pieces, first, others)
    lines = [pieces[i:j] for i, j in pairwise([*starts, len(pieces)])]
    return [line_text(x, indented=i > 0) for i, x in enumerate(lines)]


def line_text(pieces: list[Piece], indented: bool) -> str:
    """A line, behind its indentation."""
    text = " ".join(x.latex for x in pieces)
    return "\\quad" * pieces[0].steps + f" {text}" if indented else text


def formula_pieces(latex: str) -> Iterator[Piece]:
    """What is between the signs of its sums and after the commas of its functions, except within braces."""
    text, depth, brackets, braces = "", 0, 0, 0
    tokens = ["", *TOKEN.findall(latex), ""]
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token == " " and not braces and (after in ("+", "-") or before == ","):
            yield Piece(text, depth, piece_width(text))
            text, depth = "", brackets
        else:
            text += token
        brackets += (token in OPENING) - (token in CLOSING)
        braces += (token in GROUP_BEGINS) - (token in GROUP_ENDS)
    yield Piece(text, depth, piece_width(text))


def shallowest_first(pieces: Iterable[Piece]) -> list[Piece]:
    """Depths from that of the breaks in the fewest brackets: of `L (a + b)` those within the only ones."""
    whole = list(pieces)
    least = min((x.depth for x in whole[1:]), default=0)
    return [whole[0], *(Piece(x.latex, x.depth - least, x.width) for x in whole[1:])]


def piece_width(latex: str) -> float:
    """Its width where something is before it: a sign that it begins with has space around it."""
    return printed_width("{}" + latex) if latex[:2] in ("+ ", "- ") else printed_width(latex)


def best_breaks(pieces: list[Piece], first: float, others: float) -> tuple[int, ...]:
    """The first piece of each line: few lines, none too wide, few breaks within brackets, lines of like widths."""
    ends = [0.0, *accumulate(x.width for x in pieces)]

    def cost(i: int, j: int) -> float:
        space = others - STEP * pieces[i].steps if i else first
        left = space - (ends[j] - ends[i])
        return 1 + BRACKET_COST * pieces[i].depth + (0.1 * (left / space) ** 2 if left >= 0 else -TOO_WIDE * left)

    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for j in range(1, len(pieces) + 1):
        best.append(min((best[i][0] + cost(i, j), (*best[i][1], i)) for i in range(j)))
    return best[-1][1]
