"""The closed forms of a model as text, LaTeX, Markdown, or a program in one of several languages."""

from collections.abc import Callable

from symroof.algebra.binding import reachable_symbols
from symroof.cost.notation import expr_latex
from symroof.cost.quantities import Formula, FormulaPart
from symroof.export import code, json_trees, mathml, spreadsheet
from symroof.export.functions import Export
from symroof.render.formula import coefficients_text, join_terms, part_text, symbol_rows
from symroof.render.report.markdown import markdown_table, markdown_text
from symroof.render.text_columns import align_columns, hanging_columns


def render_formulas(export: Export, form: str, width: int, plain: bool) -> str:
    """The export in one of `FORMULA_FORMS`; text is folded at `width` and, where `plain`, has no coefficients."""
    if form == "text":
        return as_text(export, width, plain)
    return code.code_file(export, form) if form in code.LANGUAGES else RENDERERS[form](export)


def title(export: Export) -> str:
    """The model and its family, and the part of it."""
    return (
        f"{export.model.name} ({export.model.family})"
        + (f", one layer of {export.op}" if export.op else "")
        + export.following_text
    )


def symbol_legend(export: Export) -> list[tuple[str, ...]]:
    """The legend: every symbol of the formulas and of the definitions of those symbols."""
    definitions = export.model.definitions(export.rules)
    symbols = reachable_symbols((x.total for x in export.formulas), definitions)
    return [("symbol", "meaning", "from", "value"), *symbol_rows(symbols, export.model, definitions)]


def as_text(export: Export, width: int, plain: bool) -> str:
    """Each quantity's parts and, unless `plain` or a time, its coefficients at the model's sizes; then the legend."""
    out, known = f"{title(export)}\n", export.model.known()
    for formula in export.formulas:
        rows = [(part.name, part_text(part)) for part in formula.parts]
        if formula.parts and not plain and formula.quantity.unit != "s":
            rows.append(("=", coefficients_text(formula, known)))
        out += f"\n{formula.quantity.title}\n{hanging_columns(rows or [('', '0')], width)}"
    return out + "\n" + align_columns(symbol_legend(export))


def as_markdown(export: Export) -> str:
    """Each quantity as a table of parts in LaTeX; then the legend."""
    out = f"# {markdown_text(title(export))}\n"
    for formula in export.formulas:
        rows = [[markdown_text(part.name), f"${part_latex(part)}$"] for part in formula.parts]
        out += f"\n## {formula.quantity.title}\n\n{markdown_table(('part', 'formula'), rows, '---')}"
    head, *rows = map(list, symbol_legend(export))
    return out + "\n" + markdown_table(tuple(head), rows, "---")


def as_latex(export: Export) -> str:
    """Each quantity as an aligned environment, or one formula where it has one part."""
    return "\n".join(map(_latex, export.formulas))


def _latex(formula: Formula) -> str:
    title = f"% {formula.quantity.title}\n"
    if len(formula.parts) < 2:
        return title + (part_latex(formula.parts[0]) if formula.parts else "0") + "\n"
    rows = (f"  &+ {part_latex(part)} && \\text{{{part.name.replace('_', ' ')}}}" for part in formula.parts)
    body = " \\\\\n".join(rows).replace("&+", "&\\phantom{+}", 1)
    return f"{title}\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n"


def part_latex(part: FormulaPart) -> str:
    """A part's count and terms, in dataflow order."""
    if len(part.terms) == 1:
        return expr_latex(part.count * part.terms[0])
    inner = join_terms(map(expr_latex, part.terms))
    return inner if part.count == 1 else f"{expr_latex(part.count)} \\left({inner}\\right)"


RENDERERS: dict[str, Callable[[Export], str]] = {
    "latex": as_latex,
    "markdown": as_markdown,
    "excel": spreadsheet.render_spreadsheet,
    "mathml": mathml.formulas_mathml,
    "json": json_trees.formulas_json,
}
