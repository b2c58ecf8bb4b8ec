"""Formulas as MathML, which browsers and notebooks show."""

from collections.abc import Sequence
from fractions import Fraction
from html import escape

from sympy.printing.pretty.pretty_symbology import greek_unicode

from symroof.export.code.syntax import Syntax
from symroof.export.code.texts import doc, heading
from symroof.export.functions import Export
from symroof.export.trees import Node, Tree, tree

PLAIN = Syntax(str, "", "", "", "")
FEW = 4  # terms that stand on one line


def render(export: Export) -> str:
    """A comment and an element for each quantity: what it is, then what it takes on the way."""
    found = []
    for x in export.functions:
        rows = [*equation(f"<mi>{escape(x.quantity.name)}</mi>", tree(x.value))]
        for name, expr in x.steps:
            rows += equation(name_of(str(name)), tree(expr))
        body = "\n".join(f"<mtr>{''.join(f'<mtd>{y}</mtd>' for y in row)}</mtr>" for row in rows)
        found.append(
            f"{comment(doc(export, x, PLAIN))}\n"
            '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">\n'
            f'<mtable columnalign="right center left">\n{body}\n</mtable>\n</math>\n'
        )
    return "\n".join([f"{comment([heading(export)])}\n", *found])


def comment(lines: Sequence[str]) -> str:
    """Lines as a comment, in which two dashes are not allowed."""
    return f"<!-- {escape(chr(10).join(lines), quote=False).replace('--', '- -')} -->"


def equation(name: str, value: Tree) -> list[tuple[str, str, str]]:
    """A name and what it is, a term a row where there are more than a FEW."""
    terms = value.args if isinstance(value, Node) and value.op == "add" else (value,)
    if len(terms) <= FEW:
        return [(name, "<mo>=</mo>", written(value))]
    signed = [(f"<mo>{sign}</mo>", written(x)) for sign, x in map(sign_of, terms)]
    return [(name, "<mo>=</mo>", signed[0][1]), *(("", sign, text) for sign, text in signed[1:])]


def sign_of(x: Tree) -> tuple[str, Tree]:
    """The sign of a term, and what it is without."""
    return ("−", x.args[0]) if isinstance(x, Node) and x.op == "neg" else ("+", x)


def name_of(name: str) -> str:
    """A symbol: a letter, Greek where it is named so, and its indices."""
    letter, *indices = (escape(x) for x in name.split("_"))
    base = f"<mi>{greek_unicode.get(letter, letter)}</mi>"
    return f"<msub>{base}<mi>{','.join(indices)}</mi></msub>" if indices else base


def written(x: Tree) -> str:
    """A tree as one element."""
    if isinstance(x, str):
        return name_of(x)
    if isinstance(x, Fraction) and x.denominator != 1:
        return f"<mfrac><mn>{x.numerator}</mn><mn>{x.denominator}</mn></mfrac>"
    if not isinstance(x, Node):
        return f"<mn>{x}</mn>"
    if x.op == "add":
        first, *rest = map(sign_of, x.args)
        lead = written(first[1]) if first[0] == "+" else f"<mo>−</mo>{written(first[1])}"
        return f"<mrow>{lead}{''.join(f'<mo>{sign}</mo>{written(y)}' for sign, y in rest)}</mrow>"
    return {"mul": factors, "div": quotient, "neg": minus, "pow": power, "floor": floor}.get(x.op, function)(x)


def factors(x: Node) -> str:
    """Factors side by side."""
    parts = (bracketed(y) if isinstance(y, Node) and y.op in ("add", "neg") else written(y) for y in x.args)
    return f"<mrow>{'<mo>&#x2062;</mo>'.join(parts)}</mrow>"


def quotient(x: Node) -> str:
    """A fraction."""
    return f"<mfrac>{''.join(map(written, x.args))}</mfrac>"


def minus(x: Node) -> str:
    """A minus and what it is before."""
    return f"<mrow><mo>−</mo>{factors(Node('mul', x.args))}</mrow>"


def power(x: Node) -> str:
    """A power."""
    base, exponent = x.args
    return f"<msup>{written(base) if isinstance(base, str) else bracketed(base)}{written(exponent)}</msup>"


def floor(x: Node) -> str:
    """A floor."""
    return f"<mrow><mo>⌊</mo>{written(x.args[0])}<mo>⌋</mo></mrow>"


def function(x: Node) -> str:
    """A function and its operands."""
    inner = "<mo>,</mo>".join(map(written, x.args))
    return f"<mrow><mi>{x.op}</mi><mo>&#x2061;</mo><mrow><mo>(</mo>{inner}<mo>)</mo></mrow></mrow>"


def bracketed(x: Tree) -> str:
    """An element in parentheses."""
    return f"<mrow><mo>(</mo>{written(x)}<mo>)</mo></mrow>"
