"""The closed forms of a model as text, LaTeX, Markdown, or a program in one of several languages."""

from collections.abc import Sequence

from sympy import Expr, Symbol, latex

from symroof.cost.notation import LATEX_NAMES
from symroof.cost.quantities import Formula, Part
from symroof.export import code, json_trees, mathml, spreadsheet
from symroof.export.functions import Export
from symroof.model.model import Model
from symroof.render.formula import legend, numbers, part_text, summed
from symroof.render.report.markdown import table
from symroof.render.text_columns import aligned, hanging


def render(export: Export, form: str, width: int, plain: bool) -> str:
    """The export in one of `FORMULA_FORMS`; text is folded at `width` and, where `plain`, has no coefficients."""
    model, found = export.model, export.formulas
    heading = f"{model.name} ({model.family})" + (f", one layer of {export.op}" if export.op else "")
    if form in code.LANGUAGES:
        return code.render(export, form)
    return {
        "text": lambda: as_text(model, heading, found, export.rules, width, plain),
        "latex": lambda: as_latex(found),
        "markdown": lambda: as_markdown(model, heading, found, export.rules),
        "excel": lambda: spreadsheet.render(export),
        "mathml": lambda: mathml.render(export),
        "json": lambda: json_trees.render(export),
    }[form]()


def meanings(model: Model, formulas: Sequence[Formula], rules: Sequence[str]) -> list[tuple[str, ...]]:
    """The legend: every symbol of the formulas and of what those symbols are defined by."""
    definitions = model.definitions(rules)
    found: set[Symbol] = set().union(*(formula.total.free_symbols for formula in formulas))
    while more := set().union(*(definitions[x].free_symbols for x in found if x in definitions)) - found:
        found |= more
    return [("symbol", "meaning", "from", "value"), *legend(found, model, definitions)]


def as_text(
    model: Model, heading: str, formulas: Sequence[Formula], rules: Sequence[str], width: int, plain: bool
) -> str:
    """Each quantity's parts and, unless `plain` or a time, its coefficients at the model's sizes; then the legend."""
    out, known = f"{heading}\n", model.known()
    for formula in formulas:
        rows = [(part.name, part_text(part)) for part in formula.parts]
        if formula.parts and not plain and formula.quantity.unit != "s":
            rows.append(("=", numbers(formula, known)))
        out += f"\n{formula.quantity.title}\n{hanging(rows or [('', '0')], width)}"
    return out + "\n" + aligned(meanings(model, formulas, rules))


def as_markdown(model: Model, heading: str, formulas: Sequence[Formula], rules: Sequence[str]) -> str:
    """Each quantity as a table of parts in LaTeX; then the legend."""
    out = f"# {heading}\n"
    for formula in formulas:
        rows = [[part.name, f"${part_latex(part)}$"] for part in formula.parts]
        out += f"\n## {formula.quantity.title}\n\n{table(('part', 'formula'), rows, '---')}"
    head, *rows = map(list, meanings(model, formulas, rules))
    return out + "\n" + table(tuple(head), rows, "---")


def as_latex(formulas: Sequence[Formula]) -> str:
    """Each quantity as an aligned environment, or one formula where it has one part."""
    return "\n".join(map(_latex, formulas))


def _latex(formula: Formula) -> str:
    title = f"% {formula.quantity.title}\n"
    if len(formula.parts) < 2:
        return title + (part_latex(formula.parts[0]) if formula.parts else "0") + "\n"
    rows = (f"  &+ {part_latex(part)} && \\text{{{part.name.replace('_', ' ')}}}" for part in formula.parts)
    body = " \\\\\n".join(rows).replace("&+", "&\\phantom{+}", 1)
    return f"{title}\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n"


def written(expr: Expr) -> str:
    """An expression as LaTeX, its symbols as the vocabulary writes them."""
    return str(latex(expr, symbol_names=LATEX_NAMES))


def part_latex(part: Part) -> str:
    """A part's count and terms, in dataflow order."""
    if len(part.terms) == 1:
        return written(part.count * part.terms[0])
    inner = summed(map(written, part.terms))
    return inner if part.count == 1 else f"{written(part.count)} \\left({inner}\\right)"
