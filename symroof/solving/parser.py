"""A question as people write it, `cache_bytes = 2 * weight_bytes`, read into small trees; plain Python.

    question     chain (and chain)*
    chain        sum (= == < <= > >=) sum, or sum < sum < sum in one direction: < <=, or > >=
    sum          product (+ - product)*          product   signed (* / signed)*
    signed       - signed, or power              power     atom (^ or **) signed
    atom         number with a unit, name, (sum), name(arguments), name(arguments).part

The arguments of FUNCTIONS are sums; those of any other name are words: time(h100-sxm, 4), flops(mlp/down). 10B is read
as bytes, and may be billions: units decide in `resolver`. Nothing is evaluated here, and only names of functions are
looked up. Raises UsageError: what, where, the cure.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from symroof.errors import UnknownName, UsageError, shorten
from symroof.units import COUNT, NUMBER, Unit, number_value, unit_at

FUNCTIONS = {"min": 2, "max": 2, "floor": 1, "ceil": 1, "log": 1, "sqrt": 1}  # the least number of arguments
LONGEST, DEEPEST = 500, 40  # characters of a text, and levels of nesting
RELATIONS = ("<=", ">=", "==", "=", "<", ">")
AND = re.compile(r"and\b")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WORDS = re.compile(r"[^()]{0,200}")
SPACE = re.compile(r"\s*")
PERCENT = Fraction(1, 100)
GROUPED_HERE = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9.])"  # 1,048,576, without the spaces that arguments may have


@dataclass(frozen=True)
class NumberNode:
    """A number with its unit, None where it has none, and the `text` that writes both."""

    value: Fraction
    unit: Unit | None
    text: str
    at: int

    @property
    def bytes_or_billions(self) -> bool:
        """Whether it is written as 10B, which is ten bytes or ten billion."""
        return bool(re.fullmatch(r".*[0-9.] ?B", self.text))

    @property
    def as_count(self) -> "NumberNode":
        """The same as a count, where it has no unit."""
        return replace(self, unit=COUNT) if self.unit is None else self

    @property
    def in_billions(self) -> "NumberNode":
        """The same with a B of billions."""
        return replace(self, value=self.value * 10**9, unit=COUNT) if self.bytes_or_billions else self


@dataclass(frozen=True)
class NameNode:
    """A name, and its position in the text."""

    name: str
    at: int


@dataclass(frozen=True)
class CallNode:
    """A name with arguments, and a part of its value: flops(mlp/down), time(h100-sxm, 4).bound."""

    name: str
    words: tuple[str, ...]
    part: str
    at: int


@dataclass(frozen=True)
class OperationNode:
    """An operation, a sign or one of FUNCTIONS, on its operands."""

    sign: str
    parts: "tuple[Node, ...]"
    at: int


Node = NumberNode | NameNode | CallNode | OperationNode


@dataclass(frozen=True)
class ParsedComparison:
    """Two sums and how they are compared: =, <, <=, > or >=; `words` are its part of the whole `text`."""

    relation: str
    left: Node
    right: Node
    text: str
    at: int
    words: str


def numbers_in(x: Node) -> Iterator[NumberNode]:
    """The numbers in a tree."""
    if isinstance(x, NumberNode):
        yield x
    elif isinstance(x, OperationNode):
        for part in x.parts:
            yield from numbers_in(part)


def with_billions(x: Node) -> Node:
    """A tree whose 10B are billions."""
    if isinstance(x, OperationNode):
        return replace(x, parts=tuple(map(with_billions, x.parts)))
    return x.in_billions if isinstance(x, NumberNode) else x


def counts_in_products(x: Node) -> Node:
    """A tree whose plain factors are counts, not of any unit: with 2 * 10B its unit is known."""
    if not isinstance(x, OperationNode):
        return x
    factors = x.sign in ("*", "/")
    parts = (y.as_count if factors and isinstance(y, NumberNode) else counts_in_products(y) for y in x.parts)
    return replace(x, parts=tuple(parts))


class TextError(UsageError):
    """A mistake in a text, with its position."""


def error_at(text: str, at: int, message: object) -> TextError:
    """An error that names its position in a text."""
    return TextError(f"character {at + 1} of {shorten(text, 40)!r}: {message}")


def parse_question(text: str) -> tuple[ParsedComparison, ...]:
    """The comparisons in a text, all of which have to hold. Raises UsageError."""
    if len(text) > LONGEST:
        raise UsageError(f"a comparison of {len(text)} characters: give {LONGEST} at most")
    reader = _Reader(text)
    comparisons = [*reader.chain()]
    while reader.take_and():
        comparisons += reader.chain()
    if reader.at < len(text):
        raise reader.unexpected()
    return tuple(comparisons)


class _Reader:
    """A text and the position of the next token; each method of the grammar reads one of its rules."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.last, self.depth, self.measured = text, 0, 0, 0, ""
        self.inside = 0  # how many functions, whose arguments commas separate
        self.skip()

    def chain(self) -> Iterator[ParsedComparison]:
        """The comparisons of neighbours in a chain of sums."""
        start, left = self.at, self.sum()
        at, relation = self.at, self.take(*RELATIONS)
        if not relation:
            raise self.unexpected("a comparison is missing: give one, such as storage <= 80 GiB")
        while relation:
            middle, right = self.at, self.sum()
            words = self.text[start : self.at].strip()
            yield ParsedComparison(relation.replace("==", "="), left, right, self.text, at, words)
            start, left, before, at = middle, right, relation, self.at
            relation = self.take(*RELATIONS)
            if relation and (before[0] == "=" or relation[0] != before[0]):
                raise error_at(self.text, at, "one comparison too many: join comparisons by and")

    def take_and(self) -> bool:
        """Read the next token if it is `and`."""
        return bool(AND.match(self.text, self.at) and self.take("and"))

    @property
    def next(self) -> str:
        """The next name or character, as an error quotes it."""
        name = NAME.match(self.text, self.at)
        return shorten(name[0] if name else self.text[self.at : self.at + 1])

    def skip(self) -> None:
        """Move to the next character that is not a space."""
        space = SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at

    def error(self, message: object) -> TextError:
        """An error at the current position."""
        return error_at(self.text, self.at, message)

    def unexpected(self, at_end: str = "") -> TextError:
        """An error about the token after a complete sum, or about the end."""
        if self.next == "and":
            return self.error("a comparison is missing before and, such as storage <= 80 GiB")
        cure = "numbers are written 80000 or 80_000" if self.next == "," else "a sign is missing, one of + - * / ^"
        if self.measured and self.text[: self.at].rstrip().endswith(self.measured):
            cure += f"; {self.measured!r} is a number with its unit"
        return self.error(f"{self.next!r} is not expected here: {cure}" if self.next else at_end)

    def take(self, *signs: str) -> str:
        """Read the next token if it is one of some signs; empty if it is not."""
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
        """A product, or one factor."""
        return self.row(self.signed, "*", "/")

    def row(self, operand: Callable[[], Node], *signs: str) -> Node:
        """Operands with signs between them, from left to right."""
        node = operand()
        while sign := self.take(*signs):
            at = self.last
            node = OperationNode(sign, (node, operand()), at)
        return node

    def signed(self) -> Node:
        """A power, or a minus and what it negates."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error(f"nested deeper than {DEEPEST}: write it with fewer parentheses")
        node = self.negative() if self.take("-") else self.power()
        self.depth -= 1
        return node

    def negative(self) -> Node:
        """What a minus negates, subtracted from 0."""
        at = self.last
        return OperationNode("-", (NumberNode(Fraction(0), None, "0", at), self.signed()), at)

    def power(self) -> Node:
        """An atom, or one to a power."""
        base = self.atom()
        if not self.take("^", "**"):
            return base
        at = self.last
        return OperationNode("^", (base, self.signed()), at)

    def atom(self) -> Node:
        """A number, a name, a call, or a sum in parentheses."""
        if self.take("("):
            node = self.sum()
            self.close()
            return node
        number = re.compile(NUMBER).match(self.text, self.at)
        return self.number(number) if number else self.name()

    def close(self) -> None:
        """A closing parenthesis."""
        if not self.take(")"):
            raise self.unexpected("it ends: a closing parenthesis is missing")

    def number(self, match: re.Match[str]) -> NumberNode:
        """A number and its unit, or a percentage."""
        value, end = self.digits(match)
        factor, unit, end = self.unit(end)
        self.last, self.at = self.at, end
        self.skip()
        text = self.text[self.last : end]
        self.measured = text if unit else self.measured
        return NumberNode(value * factor, unit, text, self.last)

    def unit(self, end: int) -> tuple[Fraction, Unit | None, int]:
        """The factor and unit behind a number that ends at an index, and where they end."""
        if self.text.startswith("%", end):
            return PERCENT, None, end + 1
        if AND.match(self.text, end + self.text.startswith(" ", end)):
            return Fraction(1), None, end
        try:
            return unit_at(self.text, end)
        except UnknownName as error:
            raise error_at(self.text, end, f"{error}; a product is written with *") from error

    def digits(self, match: re.Match[str]) -> tuple[Fraction, int]:
        """The number of a match and the index behind it; with commas, as 80,000 is printed, where none separate."""
        grouped = re.compile(GROUPED_HERE).match(self.text, self.at)
        if not grouped:
            return number_value(match), match.end()
        one, several = grouped[0].replace(",", ""), grouped[0].replace(",", ", ")
        if self.inside:
            raise self.error(f"{shorten(grouped[0])} is one number or several: write {one}, or {several}")
        return Fraction(one), grouped.end()

    def name(self) -> Node:
        """A name, or a call of one."""
        name = NAME.match(self.text, self.at)
        if not name or name[0] == "and":
            what = f"{self.next!r} is not expected here" if self.next else "it ends"
            raise self.error(f"{what}: a number, a name or a parenthesis is missing")
        self.last, self.at = self.at, name.end()
        self.skip()
        if not self.take("("):
            return NameNode(name[0], name.start())
        return self.function(name[0], name.start()) if name[0] in FUNCTIONS else self.call(name[0], name.start())

    def function(self, name: str, start: int) -> OperationNode:
        """The arguments of one of FUNCTIONS, behind its opening parenthesis."""
        self.inside += 1
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        self.close()
        self.inside -= 1
        one, count = FUNCTIONS[name] == 1, len(arguments)
        if count < FUNCTIONS[name] or (one and count > 1):
            needed = "one argument" if one else "two or more arguments"
            raise error_at(self.text, start, f"{name} takes {needed}, {count} given")
        return OperationNode(name, tuple(arguments), start)

    def call(self, name: str, start: int) -> CallNode:
        """The words in the parentheses behind any other name, and the part after a dot."""
        match = WORDS.match(self.text, self.at)
        words = match[0] if match else ""
        self.at += len(words)
        self.close()
        part = self.part(f"{name}({words.strip()})") if self.take(".") else ""
        return CallNode(name, tuple(x.strip().strip("'\"").strip() for x in words.split(",")), part, start)

    def part(self, call: str) -> str:
        """The name after a dot."""
        name = NAME.match(self.text, self.at)
        if not name:
            raise self.error(f"a name is missing after the dot, such as {call}.bound")
        self.at = name.end()
        self.skip()
        return name[0]
