"""LaTeX and Markdown: they say what the engine has, in the order of text, and TeX sets them within the margins."""

import random
import re
from fractions import Fraction

import pytest
import sympy
from click.testing import CliRunner
from katex import failures, needs_katex
from printed_latex import SPACING, TOKEN, latex_value
from tex import PREAMBLE, needs_tex, overfull, set_document, typed_widths

import symroof
from symroof import symbols as s
from symroof.cli import cli
from symroof.config.catalogue import model_catalogue
from symroof.cost.notation import expr_latex, formula_text
from symroof.cost.quantities import QUANTITIES, TIMED, USUAL
from symroof.render.forms import render_report
from symroof.render.latex.lines import formula_pieces, split_lines
from symroof.render.latex.widths import printed_width
from symroof.render.report.lines import table_lines

SAMPLE = sorted(model_catalogue())[::5][:60]
WIDE = sorted(model_catalogue())[::7][:40]
TYPICAL = (
    "deepseek-v3",
    "gemma-3-12b",
    "llama-4-scout",
    "qwen3-next-80b-a3b",
    "deepseek-v4-flash",
    "mamba-codestral-7b",
)
COUNTED = [x for x in QUANTITIES if x not in TIMED]
LETTER = re.compile(r"(?<![A-Za-z_])[A-Za-z]\w*")


def random_values(symbols, rng):
    """An exact number for each symbol: whole ones where an exponent or a floor may need them."""
    return {x: Fraction(rng.randint(2, 9)) for x in symbols}


def engine_value(expr, values):
    """The engine's expression with numbers for its symbols, exactly."""
    number = sympy.sympify(expr).xreplace({x: sympy.Rational(y.numerator, y.denominator) for x, y in values.items()})
    number = number.doit()
    return Fraction(int(number.p), int(number.q))


def by_latex_name(values):
    return {s.entry(str(x)).latex: y for x, y in values.items()}


def says_the_same(latex, expr, rng):
    values = random_values(sympy.sympify(expr).free_symbols, rng)
    return latex_value(latex, by_latex_name(values)) == engine_value(expr, values)


@pytest.mark.parametrize("name", SAMPLE)
def test_latex_read_back_is_the_engines_expression(name):
    model, rng = symroof.load(name), random.Random(name)
    for quantity in COUNTED:
        for uniform in (False, True):
            expr = model.formula(quantity, uniform=uniform)
            assert says_the_same(expr_latex(expr), expr, rng), quantity


@pytest.mark.parametrize("name", SAMPLE[::8])
def test_factors_and_terms_are_in_the_order_of_text(name):
    model = symroof.load(name)
    for expr in map(model.formula, COUNTED):
        names = {s.entry(str(x)).latex: str(x) for x in expr.free_symbols}
        in_latex = [names[x] for x in TOKEN.findall(SPACING.sub(" ", expr_latex(expr))) if x in names]
        assert in_latex == [x for x in LETTER.findall(formula_text(expr)) if x in names.values()]


def test_brackets_are_as_tall_as_what_they_hold():
    text = expr_latex(s.N_e * (1 - (1 - s.k / s.N_e) ** s.T))
    assert text == r"N_e \Bigl(1 - \Bigl(1 - \frac{k}{N_e}\Bigr)^T\Bigr)"


@pytest.mark.parametrize(
    ("expr", "latex"),
    [
        (s.n * (s.n + 2 * s.c + 1) / 2, r"\frac{n (n + 2 c + 1)}{2}"),
        (-2 * s.H_q * s.T * s.d * s.h, r"-2 T d\, h H_q"),
        (sympy.Mul(2, s.d + s.f, evaluate=False), "2 (d + f)"),
        (sympy.sqrt(s.d) * 3, r"3 \sqrt{d}"),
        (s.h ** sympy.Rational(3, 2), "h^{3/2}"),
        (s.d**-2, r"\frac{1}{d^2}"),
        (2 * sympy.Max(0, s.n - s.w) ** 2, r"2 \max(0, n - w)^2"),
        (sympy.floor((s.c + s.n) / 3), r"\Bigl\lfloor \frac{n + c}{3}\Bigr\rfloor"),
        (sympy.Float(1.5e20) * s.d, r"1.5 \cdot 10^{20} d"),
        (sympy.Integer(3) * 2**s.n, r"3 \cdot 2^n"),
        (s.symbol("H_kv_swa"), r"H_{\mathrm{kv,swa}}"),
        (sympy.Eq(s.d, s.h * s.H_q), "d = h H_q"),
    ],
    ids=str,
)
def test_it_is_set_as_a_paper_would(expr, latex):
    assert expr_latex(expr) == latex


def formulas_of(names, quantities=(*USUAL, "time")):
    """The LaTeX of whole formulas and of the definitions of their symbols."""
    for model in map(symroof.load, names):
        yield from (expr_latex(model.formula(x)) for x in quantities)
        yield from map(expr_latex, model.definitions().values())


@needs_tex
def test_printed_widths_are_those_of_tex(tmp_path):
    latex = sorted(set(formulas_of(TYPICAL)))
    for text, points in zip(latex, typed_widths(latex, tmp_path), strict=True):
        assert 0.98 * points <= printed_width(text) <= 1.02 * points + 5, text


def has_break(latex):
    return len(list(formula_pieces(latex))) > 1


@pytest.mark.parametrize("width", [150.0, 200.0, 345.0])
def test_lines_of_a_formula_are_its_text_and_fit(width):
    for latex in formulas_of(TYPICAL[:4], USUAL):
        lines = split_lines(latex, width, width)
        texts = [x.replace(r"\quad", "").strip() for x in lines]
        assert " ".join(texts) == latex
        assert all(printed_width(x) <= width + 5 for x, y in zip(lines, texts, strict=True) if has_break(y)), lines
        assert len(lines) == 1 or printed_width(latex) > width


def test_a_formula_is_split_within_the_fewest_brackets():
    lines = split_lines("L (a + b (c + d) + e)", 40.0, 60.0)
    assert lines == ["L (a", r"\quad + b (c + d)", r"\quad + e)"]


@needs_tex
def test_tables_of_reports_keep_within_the_margins(tmp_path):
    text = PREAMBLE
    for name in WIDE:
        report = symroof.load(name).report(cached=4096)
        text += f"\\typeout{{AT: {name}}}\n{render_report(report, 'latex')}\\clearpage\n"
    assert not {x: y for x, y in overfull(set_document(text + r"\end{document}", tmp_path)).items() if y > 5}


def test_a_table_has_the_figures_of_the_report():
    report = symroof.load("deepseek-v3").report(cached=4096)
    rows = [x for x in render_report(report, "latex").splitlines() if x.startswith((r"\quad", r"\textbf"))]
    cells = [[re.sub(r"\\quad|\\text..|[{}\\]", "", y).strip() for y in x.split("&")] for x in rows]
    lines = [x for x in table_lines(report) if x.figures]
    for line, (name, *figures) in zip(lines, cells, strict=True):
        assert name == line.name
        assert "".join(figures) == "".join(line.figures).replace(" ", "")


@needs_tex
@pytest.mark.parametrize("command", ["report", "formula"])
def test_it_is_an_article_by_itself(command, tmp_path):
    answer = CliRunner().invoke(cli, [command, "deepseek-v3.2", "--standalone"])
    assert answer.exit_code == 0
    assert not overfull(set_document(answer.stdout, tmp_path))


@pytest.mark.parametrize(
    "words", [("--standalone", "--json"), ("--standalone", "-o", "x.md"), ("--standalone", "--format", "markdown")]
)
@pytest.mark.parametrize("command", ["report", "formula"])
def test_an_article_is_in_latex(command, words):
    answer = CliRunner().invoke(cli, [command, "llama-3-8b", *words])
    assert answer.exit_code == 2
    assert "latex" in answer.stderr


@needs_katex
def test_katex_renders_formulas_reports_and_what_notebooks_show():
    model = symroof.load("deepseek-v3")
    solution = symroof.solve(model, "cache_bytes = weight_bytes", "c")
    shown = [model.report(), solution, symroof.limits(model), symroof.training_memory(model, 2048)]
    assert not failures([*(x._repr_latex_().strip("$") for x in shown), *formulas_of(TYPICAL)])
