"""The closed forms of a model as text, LaTeX, Markdown, or a program in one of several languages."""

from collections.abc import Callable

from symroof.export import code, json_trees, mathml, spreadsheet
from symroof.export.functions import Export
from symroof.render.formulas.latex import sheets_article, sheets_latex
from symroof.render.formulas.legend import Legend, legend_of
from symroof.render.formulas.markdown import legend_markdown, sheet_markdown
from symroof.render.formulas.sheet import FormulaSheet, sheets_of
from symroof.render.formulas.text import legend_text, sheet_text
from symroof.render.report.markdown import markdown_text


def render_formulas(export: Export, form: str, width: int, plain: bool, by: str = "", standalone: bool = False) -> str:
    """The export in one of `FORMULA_FORMS`; text is folded at `width` and, where `plain`, has no coefficients.

    `by`: block, operator or symbol, what formulas are grouped by; empty for what reads best.
    `standalone`: LaTeX as an article.
    """
    if form == "text":
        return as_text(export, width, plain, by)
    if form == "markdown":
        return as_markdown(export, plain, by)
    if form == "latex":
        return as_latex(export, plain, by, standalone)
    return code.code_file(export, form) if form in code.LANGUAGES else RENDERERS[form](export)


def title(export: Export) -> str:
    """The model and its family, and the part of it."""
    return (
        f"{export.model.name} ({export.model.family})"
        + (f", one layer of {export.op}" if export.op else "")
        + export.following_text
    )


def sheets_and_legend(export: Export, by: str) -> tuple[list[FormulaSheet], Legend]:
    """The sheet of each quantity, and what their symbols stand for."""
    sheets = sheets_of(export.model, export.scope, (x.quantity.name for x in export.functions), by)
    exprs = [y for x in sheets for y in x.exprs]
    known = {**export.model.known(), **export.rates}
    return sheets, legend_of(exprs, export.scope.definitions(exprs), export.model, known)


def as_text(export: Export, width: int, plain: bool, by: str) -> str:
    """Each quantity's sheet, with coefficients in numbers unless `plain`; then what the symbols stand for."""
    sheets, legend = sheets_and_legend(export, by)
    out = "".join(f"\n{x.quantity.title}\n\n{sheet_text(x, width, plain)}" for x in sheets)
    return f"{title(export)}\n{out}{legend_text(legend, width)}"


def as_markdown(export: Export, plain: bool, by: str) -> str:
    """Each quantity's sheet as a table, then tables of the symbols."""
    sheets, legend = sheets_and_legend(export, by)
    out = "".join(f"\n## {x.quantity.title}\n\n{sheet_markdown(x, plain)}" for x in sheets)
    return f"# {markdown_text(title(export))}\n{out}\n{legend_markdown(legend)}"


def as_latex(export: Export, plain: bool, by: str, standalone: bool) -> str:
    """Each quantity's sheet as aligned equations, and what their symbols stand for; or a whole article."""
    sheets, legend = sheets_and_legend(export, by)
    if standalone:
        return sheets_article(title(export), sheets, legend, plain)
    return sheets_latex(sheets, legend, plain)


RENDERERS: dict[str, Callable[[Export], str]] = {
    "excel": spreadsheet.render_spreadsheet,
    "mathml": mathml.formulas_mathml,
    "json": json_trees.formulas_json,
}
