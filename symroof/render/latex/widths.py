"""How wide TeX prints a formula at 10 pt, in points: an estimate, which is seldom short, without running TeX."""

import re
from collections import deque
from collections.abc import Mapping


def width_table(text: str) -> dict[str, float]:
    """Pairs of a token and its width."""
    words = text.split()
    return dict(zip(words[::2], map(float, words[1::2]), strict=True))


# Widths of Computer Modern at 10 pt with italic corrections: cmmi10.tfm (math italic) and cmr10.tfm (roman).
ITALIC = width_table("""
    a 5.3 b 4.3 c 4.3 d 5.2 e 4.7 f 6 g 5.1 h 5.8 i 3.5 j 4.7 k 5.5 l 3.2 m 8.8 n 6 o 4.9 p 5 q 4.8 r 4.8 s 4.7
    t 3.6 u 5.7 v 5.2 w 7.4 x 5.7 y 5.3 z 5.1 A 7.5 B 8.1 C 7.9 D 8.6 E 8 F 7.8 G 7.9 H 9.1 I 5.2 J 6.5 K 9.2 L 6.8
    M 10.8 N 9.1 O 7.9 P 7.8 Q 7.9 R 7.7 S 6.7 T 7.2 U 7.9 V 8.1 W 10.8 X 9.1 Y 8 Z 7.6
""")
ROMAN = width_table("""
    a 5 b 5.6 c 4.4 d 5.6 e 4.4 f 3.8 g 5.1 h 5.6 i 2.8 j 3.1 k 5.3 l 2.8 m 8.3 n 5.6 o 5 p 5.6 q 5.3 r 3.9 s 3.9
    t 3.9 u 5.6 v 5.4 w 7.4 x 5.3 y 5.4 z 4.4 A 7.5 B 7.1 C 7.2 D 7.6 E 6.8 F 6.5 G 7.9 H 7.5 I 3.6 J 5.1 K 7.8
    L 6.3 M 9.2 N 7.5 O 7.8 P 6.8 Q 7.8 R 7.4 S 5.6 T 7.2 U 7.5 V 7.6 W 10.4 X 7.5 Y 7.8 Z 6.1 , 2.8
""")
OVERHANG = width_table("f 1.1 T 1.4 P 1.4 F 1.4 V 2.2 W 1.4 N 1.1 M 1.1 E 0.6 H 0.8")  # over a subscript
COMMANDS = width_table(r"""
    \quad 10 \qquad 20 \, 1.7 \; 2.8 \! -1.7 \infty 10 \lfloor 3.6 \rfloor 3.6 \ldots 13.4 \min 17 \max 20 \log 14.5
    \exp 17 \_ 5 \% 8.3 \# 8.3 \$ 5 \& 7.8 \{ 5 \} 5 \sqrt 8.4 ~ 3.3 \iff 24
""")
SPACE = 3.3
OTHER_COMMAND = 8.0  # as wide as the widest Greek letter
SIGNS = {"(": 3.9, ")": 3.9, "[": 2.8, "]": 2.8, ",": 4.5, "/": 5.0, "'": 3.0, ".": 2.8, "|": 2.8, "-": 3.3, ":": 2.8}
BINARY = {**dict.fromkeys(("+", "-", r"\cdot", r"\times"), 12.3), **dict.fromkeys(("=", "<", ">", r"\le"), 13.4)}
SIZES = {r"\bigl": 0.7, r"\bigr": 0.7, r"\Bigl": 2.1, r"\Bigr": 2.1}  # what larger brackets add to the plain ones
UPRIGHT = (r"\text", r"\mathrm", r"\textbf")
SCRIPT = 0.81  # width of a letter of the 7 pt fonts, by that of the 10 pt ones
TEXT_WIDTH = 345.0  # points of a line of the class article at 10 pt
TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|.")


def printed_width(latex: str) -> float:
    """Points that a formula in display style takes at 10 pt."""
    return _width(deque(TOKEN.findall(latex)))


def text_width(text: str) -> float:
    """Points that upright text takes at 10 pt."""
    return sum(_letter(x, ROMAN) for x in TOKEN.findall(text) if x not in "{}")


def _width(tokens: deque[str]) -> float:
    total, before = 0.0, "("
    while tokens:
        token = tokens.popleft()
        if token in BINARY and before in ("(", "[", "&", ",", r"\lfloor"):  # a sign, not an operator
            total += 7.8
        elif not token.isspace():
            total += _token_width(token, tokens)
        total -= OVERHANG.get(before, 0.0) if token == "_" else 0.0
        before = before if token.isspace() or token in SIZES else token
    return total


def _token_width(token: str, tokens: deque[str]) -> float:
    if token == r"\frac":
        return max(_width(_argument(tokens)), _width(_argument(tokens))) + 2.4
    if token in ("_", "^"):
        return SCRIPT * _width(_argument(tokens)) + 0.5
    if token in UPRIGHT:
        return text_width("".join(_argument(tokens)))
    return BINARY.get(token) or SIZES.get(token) or _letter(token, ITALIC)


def _letter(token: str, letters: Mapping[str, float]) -> float:
    if token in "{}&":
        return 0.0
    if token.startswith(("\\", "~")):
        return COMMANDS.get(token, OTHER_COMMAND)
    if token == " ":
        return SPACE
    return letters.get(token) or SIGNS.get(token, 5.0)  # digits are 5 pt wide


def _argument(tokens: deque[str]) -> deque[str]:
    """The next token, or all tokens of the next group."""
    while tokens[0].isspace():
        tokens.popleft()
    taken = deque([tokens.popleft()])
    depth = int(taken[0] == "{")
    while depth:
        token = tokens.popleft()
        depth += (token == "{") - (token == "}")
        taken.append(token)
    return taken
