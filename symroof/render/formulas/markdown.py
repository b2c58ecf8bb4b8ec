"""Sheets of formulas as GitHub-flavoured Markdown: tables of formulas that KaTeX and MathJax render."""

from collections.abc import Iterator

from sympy import Expr

from symroof.cost.notation import expr_latex
from symroof.render.formulas.definitions import Definition
from symroof.render.formulas.latex import coefficients_latex
from symroof.render.formulas.legend import Legend
from symroof.render.formulas.sheet import BlockGroup, FormulaSheet, sum_text
from symroof.render.formulas.text import counted_text, is_one_line
from symroof.render.report.markdown import markdown_table, markdown_text

Row = tuple[str, ...]


def sheet_markdown(sheet: FormulaSheet, plain: bool) -> str:
    """A table of blocks and operators, of when cases hold and, unless `plain`, of the total in numbers."""
    rows = [row for group in sheet.groups for row in group_rows(group, sheet.cases)] or [("", "$0$")]
    numbers = [] if plain or not sheet.groups else [*coefficient_cells(sheet)]
    return markdown_table(("part", "formula"), [*rows, *condition_cells(sheet), *numbers], "---")


def group_rows(group: BlockGroup, cases: tuple[str, ...]) -> Iterator[Row]:
    """A block in one row, or its title and count above its operators."""
    if is_one_line(group):
        yield (
            f"**{markdown_text(group.title)}**",
            formula_cell(counted_text(group.count, group.lines[0].sums[0], math_latex)),
        )
        return
    times = f" × ${math_latex(group.count)}$" if group.count != 1 else ""
    layers = f" ({group.layers})" if group.layers else ""
    yield f"**{markdown_text(group.title)}**{times}{layers}", ""
    for line in group.lines:
        for i, terms in enumerate(line.sums):
            case = f", {cases[i]}" if len(line.sums) > 1 else ""
            yield markdown_text(line.label) + case, formula_cell(sum_text(terms, math_latex))


def condition_cells(sheet: FormulaSheet) -> Iterator[Row]:
    """When a query is in the first case, and when it is in a long context."""
    for x in sheet.conditions:
        blocks = f" in {' and '.join(x.blocks)}" if x.blocks else ""
        sides = formula_cell(f"{math_latex(x.left)} < {math_latex(x.right)}")
        yield f"{sheet.cases[0]} while", f"{sides}, query by query{blocks}"
        if x.bound is not None and x.number is not None:
            yield "in long contexts", formula_cell(f"n < {math_latex(x.bound)} = {float(x.number):.4g}")


def coefficient_cells(sheet: FormulaSheet) -> Iterator[Row]:
    """The coefficients of each case in numbers."""
    for i, coefficients in enumerate(sheet.coefficients):
        case = f", {sheet.cases[i]}" if sheet.cases else ""
        yield f"in numbers{case}", formula_cell(coefficients_latex(coefficients, sheet.quantity))


def legend_markdown(legend: Legend) -> str:
    """What each query adds to sums, what other names are, and values of sizes with their origin."""
    words = {x: markdown_text(text) for x, text in legend.words.items()}
    added = [definition_cells(x, words.get(x.name, "")) for x in legend.added]
    others = [definition_cells(x, words.get(x.name, "")) for x in legend.others]
    others += [(f"${math_latex(x)}$", "", words[x]) for x in legend.free]
    sizes = [(f"${math_latex(x.name)}$", x.value, words[x.name], markdown_text(x.source)) for x in legend.sizes]
    tables = (
        (("symbol", "each query of $n$ new and $c$ cached tokens adds", "meaning"), added),
        (("symbol", "is", "meaning"), others),
        (("size", "value", "meaning", "from"), sizes),
    )
    return "\n".join(markdown_table(heads, rows, "---") for heads, rows in tables if rows)


def definition_cells(x: Definition, words: str) -> Row:
    """A name, what it is, and its meaning."""
    parts = [(x.name, x.value), *x.parts]
    _, *inner = (formula_cell(f"{math_latex(name)} = {math_latex(value)}") for name, value in parts)
    return f"${math_latex(x.name)}$", ", ".join([formula_cell(math_latex(x.value)), *inner]), words


def formula_cell(latex: str) -> str:
    """A formula within a text."""
    return f"${latex}$"


def math_latex(expr: Expr) -> str:
    r"""A formula without \\, : GitHub takes the backslash away from before a sign."""
    return expr_latex(expr).replace("\\, ", " ")
