"""Formulas as MathML, which browsers and notebooks show."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from html import escape

from sympy.printing.pretty.pretty_symbology import greek_unicode

from symroof.export.code.syntax import Syntax
from symroof.export.code.texts import file_heading, function_text
from symroof.export.functions import Export
from symroof.export.trees import Node, Tree, expression_tree

PLAIN = Syntax(str, "", "", "", "")
FEW = 4  # terms that are written on one line


def formulas_mathml(export: Export) -> str:
    """A comment and an element for each quantity: what it is, then what it takes on the way."""
    elements = []
    for x in export.functions:
        rows = [*equation_rows(f"<mi>{escape(x.quantity.name)}</mi>", expression_tree(x.value))]
        for step in x.steps:
            rows += equation_rows(symbol_element(str(step.name)), expression_tree(step.value))
        body = "\n".join(f"<mtr>{''.join(f'<mtd>{y}</mtd>' for y in row)}</mtr>" for row in rows)
        elements.append(
            f"{mathml_comment(function_text(export, x, PLAIN).doc)}\n"
            '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">\n'
            f'<mtable columnalign="right center left">\n{body}\n</mtable>\n</math>\n'
        )
    return "\n".join([f"{mathml_comment([file_heading(export)])}\n", *elements])


def mathml_comment(lines: Sequence[str]) -> str:
    """Lines as a comment, in which two dashes are not allowed."""
    return f"<!-- {escape(chr(10).join(lines), quote=False).replace('--', '- -')} -->"


def equation_rows(name: str, value: Tree) -> list[tuple[str, str, str]]:
    """A name and what it is, a term a row where there are more than a FEW."""
    terms = value.args if isinstance(value, Node) and value.op == "add" else (value,)
    if len(terms) <= FEW:
        return [(name, "<mo>=</mo>", tree_element(value))]
    signed = [(f"<mo>{sign}</mo>", tree_element(x)) for sign, x in map(sign_and_term, terms)]
    return [(name, "<mo>=</mo>", signed[0][1]), *(("", sign, text) for sign, text in signed[1:])]


def sign_and_term(x: Tree) -> tuple[str, Tree]:
    """The sign of a term, and the term without it."""
    return ("−", x.args[0]) if isinstance(x, Node) and x.op == "neg" else ("+", x)


def symbol_element(name: str) -> str:
    """A symbol: a letter, Greek where it is named so, and its indices."""
    letter, *indices = (escape(x) for x in name.split("_"))
    base = f"<mi>{greek_unicode.get(letter, letter)}</mi>"
    return f"<msub>{base}<mi>{','.join(indices)}</mi></msub>" if indices else base


def tree_element(x: Tree) -> str:
    """A tree as one element."""
    if isinstance(x, str):
        return symbol_element(x)
    if isinstance(x, Fraction) and x.denominator != 1:
        return f"<mfrac><mn>{x.numerator}</mn><mn>{x.denominator}</mn></mfrac>"
    if not isinstance(x, Node):
        return f"<mn>{x}</mn>"
    return OPERATIONS[x.op](x)


def sum_element(x: Node) -> str:
    """Terms with their signs."""
    first, *rest = map(sign_and_term, x.args)
    lead = tree_element(first[1]) if first[0] == "+" else f"<mo>−</mo>{tree_element(first[1])}"
    return f"<mrow>{lead}{''.join(f'<mo>{sign}</mo>{tree_element(y)}' for sign, y in rest)}</mrow>"


def factors_element(x: Node) -> str:
    """Factors side by side."""
    parts = (parenthesized(y) if isinstance(y, Node) and y.op in ("add", "neg") else tree_element(y) for y in x.args)
    return f"<mrow>{'<mo>&#x2062;</mo>'.join(parts)}</mrow>"


def fraction_element(x: Node) -> str:
    """A fraction."""
    return f"<mfrac>{''.join(map(tree_element, x.args))}</mfrac>"


def minus_element(x: Node) -> str:
    """A minus and what it is before."""
    return f"<mrow><mo>−</mo>{factors_element(Node('mul', x.args))}</mrow>"


def power_element(x: Node) -> str:
    """A power."""
    base, exponent = x.args
    return (
        f"<msup>{tree_element(base) if isinstance(base, str) else parenthesized(base)}{tree_element(exponent)}</msup>"
    )


def floor_element(x: Node) -> str:
    """A floor."""
    return f"<mrow><mo>⌊</mo>{tree_element(x.args[0])}<mo>⌋</mo></mrow>"


def function_element(x: Node) -> str:
    """A function and its operands."""
    inner = "<mo>,</mo>".join(map(tree_element, x.args))
    return f"<mrow><mi>{x.op}</mi><mo>&#x2061;</mo><mrow><mo>(</mo>{inner}<mo>)</mo></mrow></mrow>"


def parenthesized(x: Tree) -> str:
    """An element in parentheses."""
    return f"<mrow><mo>(</mo>{tree_element(x)}<mo>)</mo></mrow>"


OPERATIONS: dict[str, Callable[[Node], str]] = {
    "add": sum_element,
    "mul": factors_element,
    "div": fraction_element,
    "neg": minus_element,
    "pow": power_element,
    "floor": floor_element,
    "min": function_element,
    "max": function_element,
}
