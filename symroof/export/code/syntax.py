"""How a language writes a tree: a table of its literals, functions and operators."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from symroof.export.trees import Node, Tree

LARGEST = 2**53  # whole numbers up to it are doubles
SUM, PRODUCT, ATOM = range(3)  # how tightly a text binds


@dataclass(frozen=True)
class Syntax:
    """Templates of two operands; `floored` is the floor of a quotient where the language has an operator for it."""

    number: Callable[[int | float], str]
    power: str
    least: str
    most: str
    floor: str
    many: bool = False  # least and most take any number of operands
    ratio: str = ""  # a function of numerator and denominator, where / is not exact
    floored: str = ""
    exact: bool = False  # whole numbers of any size
    name: Callable[[str], str] = str


def tree_source(x: Tree, y: Syntax, tight: int = SUM) -> str:
    """The tree in a language, in parentheses where it binds less than it has to."""
    text, binds = source_and_binding(x, y)
    return text if binds >= tight else f"({text})"


def source_and_binding(x: Tree, y: Syntax) -> tuple[str, int]:
    """The text of a tree and how tightly it binds."""
    if isinstance(x, str):
        return y.name(x), ATOM
    if not isinstance(x, Node):
        return number_source(x, y)
    return OPERATIONS[x.op](x, y)


def number_source(x: Fraction | float, y: Syntax) -> tuple[str, int]:
    """A number; a fraction of numbers too large for doubles is the double nearest to it."""
    if isinstance(x, float):
        return y.number(x), ATOM
    if x.denominator == 1:
        return y.number(x.numerator), ATOM
    if not y.exact and max(x.numerator, x.denominator) > LARGEST:
        return y.number(x.numerator / x.denominator), ATOM
    return quotient_source(Node("div", (Fraction(x.numerator), Fraction(x.denominator))), y)


def sum_source(x: Node, y: Syntax) -> tuple[str, int]:
    """Terms with their signs."""
    return " ".join(term_sources(x, y)).removeprefix("+ "), SUM


def term_sources(x: Tree, y: Syntax) -> list[str]:
    """The terms of a sum, each behind its sign; the first one's plus is left out."""
    parts = x.args if isinstance(x, Node) and x.op == "add" else (x,)
    signed = [("-", part.args[0]) if isinstance(part, Node) and part.op == "neg" else ("+", part) for part in parts]
    texts = [f"{sign} {tree_source(part, y, PRODUCT)}" for sign, part in signed]
    first = texts[0].removeprefix("+ ") if texts[0].startswith("+") else texts[0].replace("- ", "-", 1)
    return [first, *texts[1:]]


def multiplication_source(x: Node, y: Syntax) -> tuple[str, int]:
    """Factors."""
    return "*".join(tree_source(part, y, PRODUCT) for part in x.args), PRODUCT


def quotient_source(x: Node, y: Syntax) -> tuple[str, int]:
    """A quotient, as an operator or a function."""
    above, below = x.args
    if y.ratio:
        return y.ratio.format(tree_source(above, y), tree_source(below, y)), ATOM
    return f"{tree_source(above, y, PRODUCT)}/{tree_source(below, y, ATOM)}", PRODUCT


def negative_source(x: Node, y: Syntax) -> tuple[str, int]:
    """A minus."""
    return term_sources(x, y)[0], SUM


def exponentiation_source(x: Node, y: Syntax) -> tuple[str, int]:
    """A power; the square of a symbol is a product."""
    base, exponent = x.args
    if isinstance(base, str) and exponent == 2:
        return f"{y.name(base)}*{y.name(base)}", PRODUCT
    if "(" not in y.power:  # an operator, which binds more tightly than a product
        return y.power.format(tree_source(base, y, ATOM), tree_source(exponent, y, ATOM)), PRODUCT
    return y.power.format(tree_source(base, y), tree_source(exponent, y)), ATOM


def floor_source(x: Node, y: Syntax) -> tuple[str, int]:
    """The largest whole number that is not larger."""
    inner = x.args[0]
    if y.floored:
        above, below = inner.args if isinstance(inner, Node) and inner.op == "div" else (inner, Fraction(1))
        return y.floored.format(tree_source(above, y, ATOM), tree_source(below, y, ATOM)), SUM
    return y.floor.format(tree_source(inner, y)), ATOM


def extreme_source(x: Node, y: Syntax) -> tuple[str, int]:
    """The least or the most of some trees."""
    form = {"min": y.least, "max": y.most}[x.op]
    return nested_calls(form, [tree_source(part, y) for part in x.args], y.many), ATOM


def nested_calls(form: str, parts: Sequence[str], many: bool) -> str:
    """A function of two applied to several, unless it takes them all."""
    if many:
        return form.format(", ".join(parts[:-1]), parts[-1])
    return reduce(form.format, parts)


OPERATIONS: dict[str, Callable[[Node, Syntax], tuple[str, int]]] = {
    "add": sum_source,
    "mul": multiplication_source,
    "div": quotient_source,
    "neg": negative_source,
    "pow": exponentiation_source,
    "floor": floor_source,
    "min": extreme_source,
    "max": extreme_source,
}
