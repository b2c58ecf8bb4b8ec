"""Expressions as trees of eight operations, in the order a person writes them: what every language is written from."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Expr, Max, Min, floor

from symroof.cost.notation import over_one_divisor, product_parts, term_order


@dataclass(frozen=True)
class Node:
    """An operation: add, mul, min and max of any number of trees, div and pow of two, neg and floor of one."""

    op: str
    args: tuple["Tree", ...]


Tree = Node | str | Fraction | float  # an operation, a symbol by its name, an exact number, another number

FUNCTIONS = {Min: "min", Max: "max", floor: "floor"}


def operand_order(expr: Expr) -> tuple[Any, str]:
    """Sort key of a term or operand; the order of sympy itself may differ between processes."""
    return term_order(expr), str(expr)


def expression_tree(expr: Expr) -> Tree:
    """The tree of an expression of the engine; its numbers are never negative."""
    if expr.is_Symbol:
        return str(expr)
    if expr.is_number and expr.could_extract_minus_sign():
        return Node("neg", (expression_tree(-expr),))
    if expr.is_Rational:
        return Fraction(int(expr.p), int(expr.q))
    if expr.is_Float:
        return float(expr)
    if expr.is_Add:
        return Node("add", tuple(map(expression_tree, sorted(expr.args, key=operand_order))))
    if expr.is_Mul or (expr.is_Pow and expr.exp.is_number and expr.exp < 0):
        return product_tree(expr)
    if expr.is_Pow:
        return Node("pow", (expression_tree(expr.base), expression_tree(expr.exp)))
    args = (
        (expression_tree(over_one_divisor(expr.args[0])),)  # so that floats take its floor right
        if isinstance(expr, floor)
        else map(expression_tree, sorted(expr.args, key=operand_order))
    )
    return Node(FUNCTIONS[expr.func], tuple(args))


def product_tree(expr: Expr) -> Tree:
    """Factors over factors: the number first, sums last."""
    negative, above, below = product_parts(expr)
    top = factors_tree(above)
    tree = Node("div", (top, factors_tree(below))) if below else top
    return Node("neg", (tree,)) if negative else tree


def factors_tree(factors: list[Expr]) -> Tree:
    """A product, without the ones."""
    others = [x for x in factors if x != 1]
    args = tuple(
        map(expression_tree, sorted(others, key=lambda x: (not x.is_number, bool(x.is_Add), term_order(x)[2], str(x))))
    )
    return Node("mul", args) if len(args) > 1 else args[0] if args else Fraction(1)


def subtrees(root: Tree) -> Iterator[Tree]:
    """A tree and all that is in it."""
    yield root
    if isinstance(root, Node):
        for x in root.args:
            yield from subtrees(x)
