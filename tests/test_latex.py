"""LaTeX and Markdown: they say what the engine has, in the order of text, and TeX sets them within the margins."""

import random
import re
from fractions import Fraction

import pytest
import sympy
from printed_latex import SPACING, TOKEN, latex_value

import symroof
from symroof import symbols as s
from symroof.config.catalogue import model_catalogue
from symroof.cost.notation import expr_latex, formula_text
from symroof.cost.quantities import QUANTITIES, TIMED

SAMPLE = sorted(model_catalogue())[::5][:60]
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
        (-2 * s.H_q * s.T * s.d * s.h, "-2 T d h H_q"),
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
