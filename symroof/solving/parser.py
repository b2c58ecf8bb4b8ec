"""A comparison as people write it, `cache_bytes = 2 * weight_bytes`, read into a small tree; plain Python.

    comparison   sum (= == < <= > >=) sum
    sum          product (+ - product)*          product   signed (* / signed)*
    signed       - signed, or power              power     atom (^ or **) signed
    atom         number with a unit, name, (sum), name(arguments), name(arguments).part

The arguments of FUNCTIONS are sums; those of any other name are words: time(h100-sxm, 4), flops(mlp/down). Nothing is
evaluated here, and no name looked up but those of functions. Raises UsageError: what, where, the cure.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from symroof.errors import UnknownName, UsageError, shorten
from symroof.units import NUMBER, Unit, number_value, unit_at

FUNCTIONS = {"min": 2, "max": 2, "floor": 1, "ceil": 1, "log": 1, "sqrt": 1}  # the least number of arguments
LONGEST, DEEPEST = 500, 40  # characters of a text, and how deep its parts may be nested
RELATIONS = ("<=", ">=", "==", "=", "<", ">")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WORDS = re.compile(r"[^()]{0,200}")
SPACE = re.compile(r"\s*")


@dataclass(frozen=True)
class Number:
    """A number; its unit is None where none is written, and `text` what is."""

    value: Fraction
    unit: Unit | None
    text: str
    at: int


@dataclass(frozen=True)
class Name:
    """A name, and where in the text it stands."""

    name: str
    at: int


@dataclass(frozen=True)
class Asked:
    """What is asked of something by name: flops(mlp/down), time(h100-sxm, 4).bound."""

    name: str
    words: tuple[str, ...]
    part: str
    at: int


@dataclass(frozen=True)
class Operation:
    """An operation, a sign or one of FUNCTIONS, of some parts."""

    sign: str
    parts: "tuple[Node, ...]"
    at: int


Node = Number | Name | Asked | Operation


@dataclass(frozen=True)
class Comparison:
    """Two sums and how they are compared: =, <, <=, > or >=."""

    relation: str
    left: Node
    right: Node
    text: str
    at: int


class Mistake(UsageError):
    """A mistake in a text, with its place."""


def mistake(text: str, at: int, told: object) -> Mistake:
    """An error that says where in a text it is."""
    return Mistake(f"character {at + 1} of {shorten(text, 100)!r}: {told}")


def comparison(text: str) -> Comparison:
    """The comparison that a text writes. Raises UsageError."""
    if len(text) > LONGEST:
        raise UsageError(f"a comparison of {len(text)} characters: give {LONGEST} at most")
    reader = _Reader(text)
    left = reader.sum()
    at, relation = reader.at, reader.take(*RELATIONS)
    if not relation:
        raise reader.unexpected("a comparison is missing: give one, such as storage <= 80 GiB")
    right = reader.sum()
    if reader.take(*RELATIONS):
        raise mistake(text, reader.last, "one comparison too many: give one")
    if reader.at < len(text):
        raise reader.unexpected()
    return Comparison("=" if relation == "==" else relation, left, right, text, at)


class _Reader:
    """A text, and how far it is read."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.last, self.depth, self.measured = text, 0, 0, 0, ""
        self.skip()

    @property
    def next(self) -> str:
        """What comes next, as an error quotes it."""
        found = NAME.match(self.text, self.at)
        return shorten(found[0] if found else self.text[self.at : self.at + 1])

    def skip(self) -> None:
        """To the next character that is no space."""
        found = SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def wrong(self, told: object) -> Mistake:
        """An error where the text is read to."""
        return mistake(self.text, self.at, told)

    def unexpected(self, at_end: str = "") -> Mistake:
        """An error about what comes next where a sum is complete, or about the end."""
        cure = "numbers are written 80000 or 80_000" if self.next == "," else "a sign is missing, one of + - * / ^"
        if self.measured and self.text[: self.at].rstrip().endswith(self.measured):
            cure += f"; {self.measured!r} is a number with its unit"
        return self.wrong(f"{self.next!r} is not expected here: {cure}" if self.next else at_end)

    def take(self, *signs: str) -> str:
        """The first of some signs that comes next, read; empty where none does."""
        for sign in signs:
            if self.text.startswith(sign, self.at):
                self.last, self.at = self.at, self.at + len(sign)
                self.skip()
                return sign
        return ""

    def sum(self) -> Node:
        """A sum, or one product."""
        return self.row(self.product, "+", "-")

    def product(self) -> Node:
        """A product, or one factor; `**` is a power's."""
        return self.row(self.signed, "*", "/")

    def row(self, part: Callable[[], Node], *signs: str) -> Node:
        """Parts with signs between them, taken from the left."""
        found = part()
        while sign := self.take(*signs):
            at = self.last
            found = Operation(sign, (found, part()), at)
        return found

    def signed(self) -> Node:
        """A power, or what a minus stands before."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"nested deeper than {DEEPEST}: write it with fewer parentheses")
        if self.take("-"):
            at = self.last
            found: Node = Operation("-", (Number(Fraction(0), None, "0", at), self.signed()), at)
        else:
            found = self.power()
        self.depth -= 1
        return found

    def power(self) -> Node:
        """An atom, or one to a power."""
        base = self.atom()
        if not self.take("^", "**"):
            return base
        at = self.last
        return Operation("^", (base, self.signed()), at)

    def atom(self) -> Node:
        """A number, a name, what is asked of one, or a sum in parentheses."""
        if self.take("("):
            found = self.sum()
            self.close()
            return found
        if number := NUMBER.match(self.text, self.at):
            return self.number(number)
        name = NAME.match(self.text, self.at)
        if not name:
            what = f"{self.next!r} is not expected here" if self.next else "it ends"
            raise self.wrong(f"{what}: a number, a name or a parenthesis is missing")
        self.last, self.at = self.at, name.end()
        self.skip()
        return self.called(name[0], name.start()) if self.take("(") else Name(name[0], name.start())

    def close(self) -> None:
        """The end of what is in parentheses."""
        if not self.take(")"):
            raise self.unexpected("it ends: a closing parenthesis is missing")

    def number(self, found: re.Match[str]) -> Number:
        """A number and its unit."""
        try:
            factor, unit, end = unit_at(self.text, found.end())
        except UnknownName as error:
            raise mistake(self.text, found.end(), f"{error}; a product is written with *") from error
        self.last, self.at = self.at, end
        self.skip()
        value = number_value(found) * factor
        text = self.text[self.last : end]
        self.measured = text if unit else self.measured
        return Number(value, unit, text, self.last)

    def called(self, name: str, start: int) -> Node:
        """What follows a name and a parenthesis."""
        if name in FUNCTIONS:
            parts = [self.sum()]
            while self.take(","):
                parts.append(self.sum())
            self.close()
            if len(parts) < FUNCTIONS[name] or (FUNCTIONS[name] == 1 and len(parts) > 1):
                needed = "one argument" if FUNCTIONS[name] == 1 else "two or more arguments"
                raise mistake(self.text, start, f"{name} takes {needed}, {len(parts)} given")
            return Operation(name, tuple(parts), start)
        found = WORDS.match(self.text, self.at)
        words = found[0] if found else ""
        self.at += len(words)
        self.close()
        part = ""
        if self.take("."):
            ending = NAME.match(self.text, self.at)
            if not ending:
                raise self.wrong(f"a name is missing after the dot, such as {name}({words.strip()}).bound")
            part, self.at = ending[0], ending.end()
            self.skip()
        return Asked(name, tuple(x.strip().strip("'\"").strip() for x in words.split(",")), part, start)
