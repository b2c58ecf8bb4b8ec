"""Printed formulas read back: juxtaposed factors, `^`, one `/` a product, min, max, floor, ceil, log, sqrt."""

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from random import Random
from typing import Any

import sympy
from sympy import Add, Expr, Max, Min, Mul, Pow, Rational, Symbol

from symroof import symbols as s
from symroof.algebra.points import Point

FUNCTIONS = {
    "min": lambda *x: Min(*x, evaluate=False),
    "max": lambda *x: Max(*x, evaluate=False),
    "floor": sympy.floor,
    "ceil": sympy.ceiling,
    "ceiling": sympy.ceiling,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
}
TOKEN = re.compile(r"\s*(?:(\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?)|([^\W\d]\w*'*)(\()?|(\S))")


def parse_formula(text: str, where: Mapping[str, Expr] | None = None, odd_names: Iterable[str] = ()) -> Expr:
    """The expression that a formula prints; `where`: what names in it stand for; `odd_names` are no identifiers."""
    odd = {f"odd{i}_": name for i, name in enumerate(sorted(odd_names, key=len, reverse=True))}
    for placeholder, name in odd.items():
        text = text.replace(name, placeholder)
    names = {**{placeholder: Symbol(name) for placeholder, name in odd.items()}, **(where or {})}
    reader = Reader(list(tokens(text)), names)
    expr = reader.sum()
    assert not reader.rest, (text, reader.rest)
    return expr


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """Kinds and texts: number, name, function (with its bracket), sign."""
    for number, name, bracket, sign in TOKEN.findall(text):
        if number:
            yield "number", number.replace(",", "")
        elif name and bracket and name in FUNCTIONS:
            yield "function", name
        elif name:
            yield "name", name
            if bracket:
                raise AssertionError(f"{name}( in {text}: no function")
        elif sign:
            yield "sign", sign


class Reader:
    """Recursive descent over the tokens of a formula."""

    def __init__(self, rest: list[tuple[str, str]], names: Mapping[str, Expr]) -> None:
        self.rest, self.names = rest, names

    def takes(self, *signs: str) -> str:
        """The next token where it is one of some signs."""
        if self.rest and self.rest[0][0] == "sign" and self.rest[0][1] in signs:
            return self.rest.pop(0)[1]
        return ""

    def sum(self) -> Expr:
        """Products between + and -."""
        terms = [Mul(-1 if self.takes("-") else 1, self.product())]
        while sign := self.takes("+", "-"):
            terms.append(Mul(1 if sign == "+" else -1, self.product()))
        return Add(*terms)

    def product(self) -> Expr:
        """Factors beside each other, over at most one more."""
        factors = [self.power()]
        while self.rest and (self.rest[0][0] != "sign" or self.rest[0][1] == "("):
            factors.append(self.power())
        return Mul(*factors, 1 / self.power() if self.takes("/") else 1)

    def power(self) -> Expr:
        """An atom, raised to another where there is a `^`."""
        base = self.atom()
        return Pow(base, self.atom()) if self.takes("^") else base

    def atom(self) -> Expr:
        """A number, a name, a call, or a formula in brackets."""
        kind, text = self.rest.pop(0)
        if kind == "number":
            return Rational(text)
        if kind == "name":
            return self.names[text] if text in self.names else symbol_of_text(text)
        assert kind == "function" or text == "(", text
        args = [self.sum()]
        while self.takes(","):
            args.append(self.sum())
        assert self.takes(")")
        return FUNCTIONS[text](*args) if kind == "function" else args[0]


def symbol_of_text(name: str) -> Symbol:
    """The vocabulary's symbol of a name; a plain one for any other name, such as weight_bytes."""
    try:
        return s.symbol(name)
    except KeyError:
        return Symbol(name)


def parse_definitions(lines: Iterable[str], odd_names: Iterable[str] = ()) -> dict[str, Expr]:
    """The values of the names that lines such as `x = a (b + c)` define, each in names of those below it."""
    values: dict[str, Expr] = {}
    for line in reversed(list(lines)):
        name, _, text = line.partition(" = ")
        values[name] = parse_formula(text, values, odd_names)
    return values


def same(left: Expr, right: Expr, times: int = 3) -> bool:
    """Whether two expressions have the same value, exactly, at some random points."""
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    for i in range(times):
        point = Point({x: random_number(x, i) for x in symbols})
        if point.number(left) != point.number(right):
            return False
    return True


def random_number(x: Symbol, i: int) -> Any:
    """A number for a symbol: small whole ones for a batch, so that powers of it are exact, else any fraction."""
    random = Random(f"{x} {i}")
    return (
        random.randint(1, 7)
        if str(x) in ("B", "n", "T")
        else Fraction(random.randint(1, 400), random.choice((1, 1, 2, 7)))
    )
