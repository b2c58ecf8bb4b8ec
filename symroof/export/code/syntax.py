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
    """Templates of two operands; `floored` is the floor of a quotient where that is an operator of its own."""

    number: Callable[[int | float], str]
    power: str
    least: str
    most: str
    floor: str
    many: bool = False  # least and most take any number of operands
    ratio: str = ""  # a function, where a quotient is no operator
    floored: str = ""
    exact: bool = False  # whole numbers of any size
    name: Callable[[str], str] = str


def written(x: Tree, y: Syntax, tight: int = SUM) -> str:
    """The tree in a language, in parentheses where it binds less than it has to."""
    text, binds = parsed(x, y)
    return text if binds >= tight else f"({text})"


def parsed(x: Tree, y: Syntax) -> tuple[str, int]:
    """The text of a tree and how tightly it binds."""
    if isinstance(x, str):
        return y.name(x), ATOM
    if not isinstance(x, Node):
        return number(x, y)
    operation = {"add": added, "mul": multiplied, "div": divided, "neg": negated, "pow": raised, "floor": rounded}
    return operation.get(x.op, chosen)(x, y)


def number(x: Fraction | float, y: Syntax) -> tuple[str, int]:
    """A number; a fraction of numbers too large for doubles is the double nearest to it."""
    if isinstance(x, float):
        return y.number(x), ATOM
    if x.denominator == 1:
        return y.number(x.numerator), ATOM
    if not y.exact and max(x.numerator, x.denominator) > LARGEST:
        return y.number(x.numerator / x.denominator), ATOM
    return divided(Node("div", (Fraction(x.numerator), Fraction(x.denominator))), y)


def added(x: Node, y: Syntax) -> tuple[str, int]:
    """Terms with their signs."""
    return " ".join(terms(x, y)).removeprefix("+ "), SUM


def terms(x: Tree, y: Syntax) -> list[str]:
    """The terms of a sum, each behind its sign; the first one's plus is left out."""
    parts = x.args if isinstance(x, Node) and x.op == "add" else (x,)
    signed = [("-", part.args[0]) if isinstance(part, Node) and part.op == "neg" else ("+", part) for part in parts]
    texts = [f"{sign} {written(part, y, PRODUCT)}" for sign, part in signed]
    first = texts[0].removeprefix("+ ") if texts[0].startswith("+") else texts[0].replace("- ", "-", 1)
    return [first, *texts[1:]]


def multiplied(x: Node, y: Syntax) -> tuple[str, int]:
    """Factors."""
    return "*".join(written(part, y, PRODUCT) for part in x.args), PRODUCT


def divided(x: Node, y: Syntax) -> tuple[str, int]:
    """A quotient, as an operator or a function."""
    above, below = x.args
    if y.ratio:
        return y.ratio.format(written(above, y), written(below, y)), ATOM
    return f"{written(above, y, PRODUCT)}/{written(below, y, ATOM)}", PRODUCT


def negated(x: Node, y: Syntax) -> tuple[str, int]:
    """A minus."""
    return terms(x, y)[0], SUM


def raised(x: Node, y: Syntax) -> tuple[str, int]:
    """A power; the square of a symbol is a product."""
    base, exponent = x.args
    if isinstance(base, str) and exponent == 2:
        return f"{y.name(base)}*{y.name(base)}", PRODUCT
    return y.power.format(written(base, y), written(exponent, y)), ATOM


def rounded(x: Node, y: Syntax) -> tuple[str, int]:
    """The largest whole number that is no larger."""
    inner = x.args[0]
    if y.floored:
        above, below = inner.args if isinstance(inner, Node) and inner.op == "div" else (inner, Fraction(1))
        return y.floored.format(written(above, y, ATOM), written(below, y, ATOM)), SUM
    return y.floor.format(written(inner, y)), ATOM


def chosen(x: Node, y: Syntax) -> tuple[str, int]:
    """The least or the most of some trees."""
    form = {"min": y.least, "max": y.most}[x.op]
    return nested(form, [written(part, y) for part in x.args], y.many), ATOM


def nested(form: str, parts: Sequence[str], many: bool) -> str:
    """A function of two applied to several, unless it takes them all."""
    if many:
        return form.format(", ".join(parts[:-1]), parts[-1])
    return reduce(form.format, parts)
