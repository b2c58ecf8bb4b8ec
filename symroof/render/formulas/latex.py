"""Sheets of formulas in LaTeX: equations with a left-hand side, an operator a line, that fit the width of a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sympy import Expr

from symroof import symbols as s
from symroof.cost.notation import expr_latex, in_brackets, term_order
from symroof.cost.quantities import NamedQuantity
from symroof.render.formulas.definitions import Definition
from symroof.render.formulas.legend import Legend
from symroof.render.formulas.sheet import BlockGroup, FormulaSheet, join_terms, sum_text
from symroof.render.formulas.text import counted_text, factor_text
from symroof.render.latex.article import article
from symroof.render.latex.equations import Equation, Item, equations_latex
from symroof.render.latex.tables import RuledTable, long_table
from symroof.render.latex.text import latex_text
from symroof.units import iec, si

# The letter of a quantity; what it is of, where several have the same.
LETTERS = {
    "matmul_flops": "F",
    "vector_flops": r"F^{\mathrm{vec}}",
    "flops": r"F^{\mathrm{all}}",
    "weight_bytes": r"M^{\mathrm{weights}}",
    "cache_bytes": r"M^{\mathrm{cache}}",
    "cache_read_bytes": r"M^{\mathrm{read}}",
    "cache_write_bytes": r"M^{\mathrm{write}}",
    "activation_bytes": r"M^{\mathrm{act}}",
    "input_bytes": r"M^{\mathrm{in}}",
    "output_bytes": r"M^{\mathrm{out}}",
    "bytes": "M",
    "parameters": "N",
    "weight_size": r"Z^{\mathrm{weights}}",
    "cache_size": r"Z^{\mathrm{cache}}",
    "time": "t",
    "energy": "E",
}
LONGEST_INDEX = 2  # words; of a longer title only the last one, after the kind of layers
SHORTER = {"attention": "attn", "sliding-window": "sliding"}  # words of a block's title, as an index


def sheet_equations(sheet: FormulaSheet, plain: bool) -> Iterator[Equation]:
    """An equation for each block, when the cases hold and, unless `plain`, the total in numbers."""
    letter = LETTERS[sheet.quantity.name]
    for group in sheet.groups:
        yield group_equation(f"{letter}_{{{index_of(group)}}}", group, sheet.cases)
    if not sheet.groups:
        yield Equation.of(letter, "0")
    yield from condition_equations(sheet)
    for i, coefficients in enumerate(() if plain or not sheet.groups else sheet.coefficients):
        numbers, case = coefficients_latex(coefficients, sheet.quantity), sheet.cases[i] if sheet.cases else ""
        yield Equation.of("" if i else letter, numbers, r"\approx", case)


def index_of(group: BlockGroup) -> str:
    """The title of a block as an index; of a group of what a sum over the batch has, that sum."""
    if s.group(group.count) == "batch":
        return expr_latex(group.count)
    words = [SHORTER.get(x, x) for x in group.title.split()]
    kind = str(group.count).partition("_")[2]
    if len(words) > LONGEST_INDEX and kind:
        words = [kind, words[-1]]
    return rf"\text{{{' '.join(words)}}}"


def group_equation(left: str, group: BlockGroup, cases: tuple[str, ...]) -> Equation:
    """A block's count times the sum of its lines."""
    first = group.lines[0]
    if len(group.lines) == 1 and len(first.sums) == 1:
        return Equation.of(left, counted_text(group.count, first.sums[0], expr_latex), label=first.label)
    items = tuple(Item(tuple(sum_text(x, expr_latex) for x in line.sums), line.label, cases) for line in group.lines)
    counted = (rf"{factor_text(group.count, expr_latex)} \bigl[\, ", r" \,\bigr]") if group.count != 1 else ("", "")
    return Equation(left, items, "=", *counted)


def condition_equations(sheet: FormulaSheet) -> Iterator[Equation]:
    """When a query is in the first case, and when it is in a long context."""
    for x in sheet.conditions:
        where = f"in {' and '.join(x.blocks)}" if x.blocks else "query by query"
        sides = f"{expr_latex(x.left)} < {expr_latex(x.right)}"
        yield Equation.of(rf"\text{{{sheet.cases[0]}}}", sides, r"\iff", where)
        if x.bound is not None and x.number is not None:
            yield Equation.of("", f"n < {expr_latex(x.bound)} = {float(x.number):,.4g}", r"\iff", "in long contexts")


def coefficients_latex(coefficients: Mapping[Expr, Any], quantity: NamedQuantity) -> str:
    r"""`13.96~\mathrm{G}~T + 524.29~\mathrm{k}~P`."""
    unit = iec if quantity.unit == "byte" else si
    rows = sorted(coefficients.items(), key=lambda x: term_order(x[0]))
    return join_terms(f"{'-' if x < 0 else ''}{number_latex(unit(abs(x)), basis)}" for basis, x in rows)


def number_latex(number: str, basis: Expr) -> str:
    """A number with its prefix, and what it is the coefficient of."""
    digits, _, prefix = number.partition(" ")
    parts = (digits, rf"\mathrm{{{prefix}}}" if prefix else "", "" if basis == 1 else expr_latex(basis))
    return "~".join(x for x in parts if x)


def definition_equation(x: Definition) -> Equation:
    """What a symbol is; of a sum over a batch, the sum of what each query adds."""
    value = expr_latex(x.value)
    if s.group(x.name) == "batch":
        value = rf"\sum {in_brackets(value) if x.value.is_Add else value}"
    parts = (rf"\quad {expr_latex(name)} = {expr_latex(part)}" for name, part in x.parts)
    return Equation.of(expr_latex(x.name), ", ".join([value, *parts]))


def sheets_latex(sheets: Sequence[FormulaSheet], legend: Legend, plain: bool) -> str:
    """Each sheet as an `align*` below a comment, then the definitions of what they have."""
    parts = [(x.quantity.title, [*sheet_equations(x, plain)]) for x in sheets]
    return "\n".join(f"% {title}\n{align(x)}" for title, x in [*parts, *definition_parts(legend)])


def sheets_article(title: str, sheets: Sequence[FormulaSheet], legend: Legend, plain: bool) -> str:
    """The same under headings, with a table of the symbols, as an article that compiles by itself."""
    parts = [(f"{x.quantity.title[0].upper()}{x.quantity.title[1:]}", [*sheet_equations(x, plain)]) for x in sheets]
    sections = [f"\\subsection*{{{head}}}\n{align(x)}" for head, x in [*parts, *definition_parts(legend)]]
    return article(title, "\n".join([*sections, "\\subsection*{Symbols}", symbol_table(legend)]))


def align(equations: Sequence[Equation]) -> str:
    """Equations aligned on a page."""
    return f"\\begin{{align*}}\n{equations_latex(equations)}\n\\end{{align*}}\n"


def definition_parts(legend: Legend) -> Iterator[tuple[str, list[Equation]]]:
    """Titles of definitions, and these as equations."""
    titles = (
        ("Sums over queries, in symbols of one: $n$ new and $c$ cached tokens", legend.added),
        ("Where", legend.others),
    )
    yield from ((title, list(map(definition_equation, x))) for title, x in titles if x)


def symbol_table(legend: Legend) -> str:
    """What the symbols mean, the config keys they are read from, and their values."""
    names = [x.name for x in (*legend.added, *legend.others) if x.name in legend.words]
    rows = [symbol_row(x, legend.words[x], "", "") for x in (*names, *legend.free)]
    rows += [symbol_row(x.name, legend.words[x.name], x.source, x.value) for x in legend.sizes]
    columns = r"@{}l>{\raggedright}p{0.38\linewidth}>{\raggedright}p{0.25\linewidth}r@{}"
    return long_table(RuledTable("", columns, "symbol & meaning & from & value", tuple(rows), "small"))


def symbol_row(name: Expr, words: str, source: str, value: str) -> str:
    """A row; the words of a key may be parted after an underscore."""
    keys = latex_text(source).replace(r"\_", r"\_\allowbreak ")
    return rf"${expr_latex(name)}$ & {latex_text(words)} & {keys} & {value} \\"
