"""A reader of printed LaTeX: the value of a formula for numbers in place of its symbols."""

import re
from collections import deque
from fractions import Fraction
from math import floor, isqrt

SPACING = re.compile(r"\\[Bb]igg?[lr]?(?![a-z])|\\[,;!]|\\q?quad|&|\{\}")
NAME = r"(?:\\[a-z]+|[A-Za-z])(?:_(?:[A-Za-z0-9]|\{(?:\\(?:mathrm|text)\{[^{}]*\}|[^{}]*)\}))?'?"
WORDS = r"\\(?:frac|sqrt|min|max|log|lfloor|rfloor|cdot|times)(?![a-z])"
TOKEN = re.compile(rf"\s*({WORDS}|\d+(?:\.\d+)?|{NAME}|\S)")
ENDS = {")", "]", "}", ",", "+", "-", "/", r"\rfloor", r"\cdot", r"\times", ""}


def latex_value(latex, values):
    """The exact value of an expression; `values`: those of symbols, by their LaTeX names."""
    tokens = deque(TOKEN.findall(SPACING.sub(" ", latex)))
    value = read_sum(tokens, values)
    assert not tokens, (latex, list(tokens))
    return value


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
    return Fraction(token) if token[0].isdigit() else values[token]
