"""Expressions as trees of eight operations, in the order a person writes them: what every language is written from."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

from sympy import Add, Expr, Integer, Max, Min, Mul, Pow, floor

from symroof.cost.notation import rank


@dataclass(frozen=True)
class Node:
    """An operation: add, mul, min and max of any number of trees, div and pow of two, neg and floor of one."""

    op: str
    args: tuple["Tree", ...]


Tree = Node | str | Fraction | float  # an operation, a symbol by its name, an exact number, another number

FUNCTIONS = {Min: "min", Max: "max", floor: "floor"}


def place(expr: Expr) -> tuple[Any, str]:
    """Where a term or operand stands among others; sympy's own order of some is another in each process."""
    return rank(expr), str(expr)


def tree(expr: Expr) -> Tree:
    """The tree of an expression of the engine; its numbers are never negative."""
    if expr.is_Symbol:
        return str(expr)
    if expr.is_number and expr.could_extract_minus_sign():
        return Node("neg", (tree(-expr),))
    if expr.is_Rational:
        return Fraction(int(expr.p), int(expr.q))
    if expr.is_Float:
        return float(expr)
    if expr.is_Add:
        return Node("add", tuple(map(tree, sorted(expr.args, key=place))))
    if expr.is_Mul or (expr.is_Pow and expr.exp.is_number and expr.exp < 0):
        return product(expr)
    if expr.is_Pow:
        return Node("pow", (tree(expr.base), tree(expr.exp)))
    args = (over_one(expr.args[0]),) if isinstance(expr, floor) else map(tree, sorted(expr.args, key=place))
    return Node(FUNCTIONS[expr.func], tuple(args))


def product(expr: Expr) -> Tree:
    """Factors over factors: the number first, sums last."""
    number, rest = expr.as_coeff_Mul()
    whole, parts = (Integer(number.p), Integer(number.q)) if number.is_Rational else (number, Integer(1))
    if whole < 0:
        return Node("neg", (tree(-expr),))
    factors = Mul.make_args(rest)
    below = [Pow(x.base, -x.exp) for x in factors if x.is_Pow and x.exp.is_number and x.exp < 0]
    above = [x for x in factors if not (x.is_Pow and x.exp.is_number and x.exp < 0)]
    top = multiplied([whole, *above])
    return Node("div", (top, multiplied([parts, *below]))) if parts != 1 or below else top


def multiplied(factors: list[Expr]) -> Tree:
    """A product, without the ones."""
    kept = [x for x in factors if x != 1]
    found = tuple(map(tree, sorted(kept, key=lambda x: (not x.is_number, bool(x.is_Add), rank(x)[2], str(x)))))
    return Node("mul", found) if len(found) > 1 else found[0] if found else Fraction(1)


def over_one(expr: Expr) -> Tree:
    """A sum over one divisor, so that floats take its floor right: (c + n)/3 and not c/3 + n/3."""
    numbers = (x.as_coeff_Mul()[0] for x in Add.make_args(expr))
    divisor = lcm(*(int(x.q) for x in numbers if x.is_Rational))
    above = tree(Add(*(x * divisor for x in Add.make_args(expr))))
    return Node("div", (above, Fraction(divisor))) if divisor != 1 else above


def nodes(found: Tree) -> Iterator[Tree]:
    """A tree and all that is in it."""
    yield found
    if isinstance(found, Node):
        for x in found.args:
            yield from nodes(x)
