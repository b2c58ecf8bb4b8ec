"""A reader of printed LaTeX: the value of a formula for numbers in place of its symbols."""

import re
from collections import deque
from fractions import Fraction
from math import floor, isqrt

from formula_reader import Names

SPACING = re.compile(r"\\[Bb]igg?[lr]?(?![a-z])|\\[,;!]|\\q?quad|&|\{\}")
NAME = r"(?:\\[a-z]+|[A-Za-z])(?:_(?:[A-Za-z0-9]|\{(?:\\(?:mathrm|text)\{[^{}]*\}|[^{}]*)\}))?'?"
WORDS = r"\\(?:frac|sqrt|min|max|log|lfloor|rfloor|cdot|times)(?![a-z])"
TOKEN = re.compile(rf"\s*({WORDS}|\d+(?:\.\d+)?|{NAME}|\S)")
CASES = re.compile(r"\\begin\{cases\}(.*?)\\end\{cases\}")
ENDS = {")", "]", "}", ",", "+", "-", "/", r"\rfloor", r"\cdot", r"\times", ""}


def latex_value(latex, values):
    """The exact value of an expression; `values`: those of symbols, by their LaTeX names."""
    latex = CASES.sub(lambda x: piece_that_holds(x[1], values), latex)
    tokens = deque(TOKEN.findall(SPACING.sub(" ", latex)))
    value = read_sum(tokens, values)
    assert not tokens, (latex, list(tokens))
    return value


def piece_that_holds(rows, values):
    """The first of some pieces, each with its condition, in brackets."""
    for row in rows.split(r"\\"):
        piece, condition = row.split("&")
        left, _, right = condition.replace(r"\text{for}\:", "").partition(">")
        if r"\text{otherwise}" in condition or latex_value(left, values) > latex_value(right, values):
            return f"({piece})"
    raise AssertionError(rows)


def head(tokens):
    return tokens[0] if tokens else ""


def read_sum(tokens, values):
    total, sign = Fraction(0), 1
    if head(tokens) in ("+", "-"):
        sign = -1 if tokens.popleft() == "-" else 1
    while True:
        total += sign * read_product(tokens, values)
        if head(tokens) not in ("+", "-"):
            return total
        sign = -1 if tokens.popleft() == "-" else 1


def read_product(tokens, values):
    total = read_power(tokens, values)
    while True:
        if head(tokens) == "/":
            tokens.popleft()
            total /= read_power(tokens, values)
        elif head(tokens) in (r"\cdot", r"\times"):
            tokens.popleft()
            total *= read_power(tokens, values)
        elif head(tokens) in ENDS:
            return total
        else:
            total *= read_power(tokens, values)


def read_power(tokens, values):
    base = read_atom(tokens, values)
    if head(tokens) != "^":
        return base
    tokens.popleft()
    if head(tokens) == "{":
        exponent = read_group(tokens, values, "}")
    else:  # one character, of which a reader would take no more
        token = tokens.popleft()
        assert len(token) == 1, token
        exponent = Fraction(token) if token.isdigit() else values[token]
    return power(base, exponent)


def power(base, exponent):
    if exponent.denominator == 1:
        return base ** int(exponent)
    assert exponent.denominator == 2, exponent
    root = Fraction(isqrt(base.numerator), isqrt(base.denominator))
    assert root**2 == base, "only squares have exact roots"
    return root ** int(2 * exponent)


def read_group(tokens, values, end):
    """What is between an opening bracket and its end; of several, a list."""
    tokens.popleft()
    parts = [read_sum(tokens, values)]
    while head(tokens) == ",":
        tokens.popleft()
        parts.append(read_sum(tokens, values))
    assert tokens.popleft() == end, end
    return parts[0] if len(parts) == 1 else parts


def read_atom(tokens, values):
    token = head(tokens)
    if token in ("(", "[", "{"):
        return read_group(tokens, values, {"(": ")", "[": "]", "{": "}"}[token])
    if token == r"\lfloor":
        return Fraction(floor(read_group(tokens, values, r"\rfloor")))
    tokens.popleft()
    if token == r"\frac":
        return read_group(tokens, values, "}") / read_group(tokens, values, "}")
    if token == r"\sqrt":
        return power(read_group(tokens, values, "}"), Fraction(1, 2))
    if token in (r"\min", r"\max"):
        parts = read_group(tokens, values, ")")
        return (min if token == r"\min" else max)(parts)
    if token[0].isdigit():
        return Fraction(token)
    return values[token](read_group(tokens, values, ")")) if callable(values[token]) else values[token]


class Values(Names):
    """Numbers by LaTeX name."""

    read = staticmethod(latex_value)
    between_parts = r", (?:\\quad )?(?=[a-z] = )"


class Printed:
    """A printed quantity: `equations` of (left, text with cases) to be added up, `conditions` of the first case."""

    def __init__(self, sums, conditions=()):
        self.sums, self.conditions = sums, conditions

    def value(self, values, case):
        return sum(latex_value(in_case(text, case), values) for text in self.sums)

    def case(self, values):
        """0 or 1 where all conditions say so; None where they differ."""
        held = {holds(x, values) for x in self.conditions}
        return None if len(held) > 1 else int(held == {False})


def holds(condition, values):
    left, right = condition.split(" < ")
    return latex_value(left, values) < latex_value(right, values)


def in_case(text, case):
    """A text with one of the rows of each of its cases."""
    return re.sub(r"\\begin\{cases\}(.*?)\\end\{cases\}", lambda x: f"({case_row(x[1], case)})", text)


def case_row(inner, case):
    rows = []
    for row in inner.split(r" \\ "):
        text, mark, _ = row.partition(r" & \text")
        rows = [*rows, text] if mark else [*rows[:-1], f"{rows[-1]} {text}"]
    return rows[case]


def read_latex(text):
    """Title -> what is printed of it; and what names stand for."""
    printed, texts = {}, {}
    for title, body in re.findall(r"% ([^\n]*)\n\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", text, re.DOTALL):
        equations = equations_of(body)
        if title.startswith(("Sums over", "Where")):
            texts.update((left, right.removeprefix(r"\sum ")) for left, _, right in equations)
        else:
            lefts = [left for left, relation, _ in equations if relation == "="]
            assert len({*lefts}) == len(lefts), "a name of two blocks"
            sums = [right for _, relation, right in equations if relation == "="]
            held = [right for left, relation, right in equations if relation == r"\iff" and left.startswith(r"\text")]
            printed[title] = Printed(sums, held)
    return printed, texts


def equations_of(body):
    """(left, relation, right) of each equation, its rows joined."""
    equations = []
    for row in body.split(" \\\\\n"):
        left, _, content = row.partition(" & ")
        content = content.split(" && ")[0]
        relation = re.match(r"(=|\\iff|\\approx) ", content)
        if relation:
            equations.append([left.strip(), relation[1], content[relation.end() :]])
        else:
            assert not left.strip(), row
            equations[-1][2] += " " + content.replace(r"\quad", "", 1).strip()
    return equations


def read_markdown(text):
    """Title -> what is printed of it; what names stand for; numbers of sizes."""
    printed, texts, sizes = {}, {}, {}
    for block in re.split(r"\n\n(?=## |\| )", text):
        title, rows = block.split("\n")[0], [x.strip("| ").split(" | ") for x in block.split("\n") if x.startswith("|")]
        if title.startswith("## "):
            printed[title[3:]] = None
        elif rows and rows[0][0] == "part":
            printed[list(printed)[-1]] = printed_table(rows[2:])
        elif rows and rows[0][0] == "size":
            sizes.update((x[0].strip("$"), Fraction(x[1].replace(",", ""))) for x in rows[2:])
        else:
            texts.update((x[0].strip("$"), x[1].strip().replace("$", "")) for x in rows[2:] if len(x) > 1)
    return printed, texts, sizes


def printed_table(rows):
    """The sums of a table: counts in front of operators that follow, cases one after another."""
    sums, conditions, count = [], [], "1"
    for label, *cells in rows:
        text = cells[0].strip().strip("$") if cells else ""
        if label.startswith("**"):
            count = (re.search(r"× \$(.*?)\$", label) or ["", "1"])[1]
            sums += [text] if text else []
        elif label == "absorbed while":
            conditions.append(text.split("$")[0])
        elif label.endswith(", absorbed") and not label.startswith("in numbers"):
            sums.append(rf"{count} (\begin{{cases}} {text} & \text{{absorbed}}")
        elif label.endswith(", expanded") and not label.startswith("in numbers"):
            sums[-1] += rf" \\ {text} & \text{{expanded}} \end{{cases}})"
        elif not label.startswith("in "):
            sums.append(f"{count} ({text})")
    return Printed(sums, conditions)
