"""Formulas printed as LaTeX and Markdown, read back and evaluated for a query, come to what the engine reports."""

import re
from fractions import Fraction

import pytest
from katex import failures, needs_katex
from printed_latex import Values, read_latex, read_markdown
from tex import needs_tex, overfull, set_document

import symroof
from symroof import symbols as s
from symroof.config.catalogue import model_catalogue
from symroof.cost.quantities import COSTS, QUANTITIES, USUAL, quantity
from symroof.export.forms import render_formulas, sheets_and_legend
from symroof.export.functions import unbound_functions
from symroof.render.formulas.latex import LETTERS, sheets_latex
from symroof.render.formulas.markdown import legend_markdown, sheet_markdown

MODELS = sorted(model_catalogue())[::5][:60]
WIDE = sorted(model_catalogue())[3::7][:40]
ALIGNED = r"\\begin\{align\*\}.*?\\end\{align\*\}"
QUERIES = ((5, 0), (1, 4000), (700, 3))


def export_of(name, quantities=COSTS, **options):
    return unbound_functions(symroof.load(name), quantities, **options)


def figures_of(model, query):
    """Each quantity of a query, as the engine reports it."""
    total = model.report(new=query[0], cached=query[1]).total
    return {x: model.parameters.total if x == "parameters" else quantity(x).of(total) for x in COSTS}


def check_against_reports(model, sheets, texts, sizes):
    for query in QUERIES:
        figures = figures_of(model, query)
        values = Values({**sizes, "n": Fraction(query[0]), "c": Fraction(query[1])}, texts)
        for x, figure in figures.items():
            sheet = sheets[quantity(x).title]
            if (case := sheet.case(values)) is not None:
                value = sheet.value(values, case)
                assert value == figure or abs(value - figure) < 1e-12 * figure, (x, query)


@pytest.mark.parametrize("name", MODELS)
def test_latex_and_markdown_come_to_the_report(name):
    model = symroof.load(name)
    sheets, legend = sheets_and_legend(export_of(name), "")
    sizes = {s.entry(str(x)).latex: Fraction(y) for x, y in model.known().items()}
    check_against_reports(model, *read_latex(sheets_latex(sheets, legend, False)), sizes)
    tables = "".join(f"\n\n## {x.quantity.title}\n\n{sheet_markdown(x, False)}" for x in sheets)
    check_against_reports(model, *read_markdown(f"{tables}\n{legend_markdown(legend)}"))


def test_every_quantity_has_a_letter():
    assert list(LETTERS) == list(QUANTITIES)


@needs_tex
def test_formulas_keep_within_the_margins(tmp_path):
    articles = {x: render_formulas(export_of(x, USUAL), "latex", 0, False, standalone=True) for x in WIDE}
    preamble = next(iter(articles.values())).split(r"\begin{document}")[0]
    bodies = "".join(f"\\typeout{{AT: {x}}}\n{body_of(text)}\\clearpage\n" for x, text in articles.items())
    log = set_document(f"{preamble}\\begin{{document}}{bodies}\\end{{document}}", tmp_path)
    assert not {x: points for x, points in overfull(log).items() if points > 5}


def body_of(article):
    return article.split(r"\begin{document}")[1].split(r"\end{document}")[0]


@needs_katex
def test_katex_renders_all_formulas():
    texts = [render_formulas(export_of(x, USUAL), form, 0, False) for x in WIDE[::3] for form in ("latex", "markdown")]
    inline = {x for text in texts for x in re.findall(r"\$([^$\n]+)\$", text)}
    aligned = {x.replace("align*", "aligned") for text in texts for x in re.findall(ALIGNED, text, re.DOTALL)}
    assert len(aligned) > len(texts)
    assert not failures([*inline, *aligned])


@pytest.mark.parametrize(
    "options", [{"uniform": True}, {"bind": True}, {"op": "attention"}, {"rules": "latent-absorbed"}]
)
def test_every_way_to_ask_has_latex_and_markdown(options):
    for form, start in (("latex", "% matmul FLOP\n\\begin{align*}"), ("markdown", "# deepseek-v3 (deepseek_v3)")):
        text = render_formulas(export_of("deepseek-v3", USUAL, **options), form, 0, True)
        assert text.startswith(start)
        assert r"\approx" not in text
