"""Factored formulas: equal to what they were made of, shorter, in few terms a line, and read back from print."""

import time
from collections.abc import Iterator

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from printed_formulas import parse_definitions, parse_formula, same

import symroof
from symroof.algebra.factoring import Factoring
from symroof.algebra.named_sums import LINE, name_long_sums, term_count
from symroof.cost.notation import formula_text
from symroof.cost.quantities import quantity
from symroof.model import operator_formulas
from symroof.render.long_sums import FACTORED, form_rows, readable, readable_blocks, wrap_formulas

KINDS = (
    "llama-3.1-8b",
    "deepseek-v3",
    "deepseek-v3.2",
    "gemma-3-12b",
    "llama-4-scout",
    "mamba-codestral-7b",
    "qwen3-next-80b-a3b",
    "deepseek-v4-flash",
    "gemma-3n-e4b",
    "longcat-flash",
    "jamba-v0.1",
    "rwkv-5-world-3b",
)
USUAL = ("matmul_flops", "flops", "bytes", "weight_bytes", "cache_bytes", "parameters")
a, b, c, d, e = sympy.symbols("a b c d e")


@pytest.mark.parametrize(
    ("expr", "shown"),
    [
        (a * c + a * d + b * c + b * d, "(a + b) (c + d)"),
        (2 * a * b + 4 * a * c, "2 a (b + 2 c)"),
        (a * (a + 2 * b + 1) / 2, "a (a + 2 b + 1)/2"),
        (-a * b - a * c, "-a (b + c)"),
        (a - b, "a - b"),
        (a / c + b / c, "(a + b)/c"),
        (a / (c * (d + e)) + b / (c * (d + e)), "(a + b)/(c (d + e))"),
        (a * b + c, "c + a b"),
        (2 * a + 2, "2 (a + 1)"),
        (a * b - a * b, "0"),
        (a * sympy.Min(b * c + b * d, e), "a min(b (c + d), e)"),
        (a * (1 - b / c) ** d - a, "a ((1 - b/c)^d - 1)"),
    ],
)
def test_small_sums(expr, shown):
    found = formula_text(Factoring()(expr))
    assert same(parse_plain(found), expr)
    assert len(found) <= len(shown), found


def parse_plain(text):
    return parse_formula(text, {str(x): x for x in (a, b, c, d, e)})


numbers = st.integers(-6, 6).map(sympy.Integer)
leaves = st.sampled_from([a, b, c, d, e]) | numbers | st.fractions(-2, 2, max_denominator=6).map(sympy.Rational)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.tuples(inner, inner).map(lambda x: x[0] + x[1])
        | st.tuples(inner, inner).map(lambda x: x[0] * x[1])
        | st.tuples(inner, inner).map(lambda x: sympy.Max(*x, evaluate=False))
        | inner.map(lambda x: x / (a + 2 * b))
    ),
    max_leaves=12,
)


@given(trees)
@settings(max_examples=150, deadline=None)
def test_factoring_changes_nothing(expr):
    found = Factoring()(expr)
    at = {x: sympy.Rational(y) for x, y in zip((a, b, c, d, e), ("3", "7/2", "-5", "11", "2/3"), strict=True)}
    assert found.xreplace(at).doit() == expr.xreplace(at).doit()
    assert parse_plain(formula_text(found)).xreplace(at).doit() == expr.xreplace(at).doit()


def costs(name) -> Iterator[dict[str, sympy.Expr]]:
    """Each cost of a model, by block."""
    forms = operator_formulas.operator_formulas(symroof.load(name))
    for cost in USUAL:
        yield operator_formulas.block_sums((x.block, x.of(quantity(cost))) for x in forms)


@pytest.mark.parametrize("name", KINDS)
def test_costs_of_models_read_back(name):
    for parts in costs(name):
        whole = sympy.Add(*parts.values())
        start = time.process_time()
        factored = FACTORED(whole)
        assert time.process_time() - start < 0.3
        assert same(parse_formula(formula_text(factored)), whole)
        for form in (readable(whole), readable_blocks(parts)):
            lines = [f"{x} = {formula_text(y)}" for x, y in form.where.items()]
            assert same(parse_formula(formula_text(form.expr), parse_definitions(lines)), whole)
            assert all(term_count(x) <= LINE for x in (form.expr, *form.where.values()))


@pytest.mark.parametrize("width", [0, 60, 80, 100, 200])
def test_lines_are_as_long_as_they_may_be(width):
    for parts in costs("deepseek-v4-flash"):
        text = wrap_formulas(form_rows("FLOP", readable_blocks(parts)), width)
        assert max(map(len, text.splitlines())) <= min(width or 100, 100)


def test_names_are_those_of_blocks():
    flops = dict(zip(USUAL, costs("deepseek-v3"), strict=True))["flops"]
    names = {str(x) for x in readable_blocks(flops).where}
    assert {"a_attention", "a_moe"} <= names
    assert not any(x in symroof.symbols.VOCABULARY for x in names)


def test_a_flat_sum_is_split():
    xs = sympy.symbols("x0:40")
    names = iter(sympy.symbols("y0:40"))
    form = name_long_sums(Factoring()(sympy.Add(*xs)), lambda _: next(names))
    assert all(term_count(x) <= LINE for x in (form.expr, *form.where.values()))
    assert form.whole == sympy.Add(*xs)
