"""Printed formulas, read back and evaluated on a batch, come to what the engine reports."""

import re
from fractions import Fraction

import pytest
import sympy
from formula_reader import Names, Sheet, rows_of, sections_of, value_of
from sympy import expand

import symroof
from symroof import symbols as s
from symroof.config.catalogue import built_in_models
from symroof.cost.quantities import COSTS, quantity
from symroof.cost.rules import LATENT
from symroof.export.forms import render_formulas
from symroof.export.functions import unbound_functions

MODELS = (
    "llama-3.1-8b",
    "deepseek-v3",
    "deepseek-v3.2",
    "gemma-3-12b",
    "llama-4-scout",
    "mamba-codestral-7b",
    "glm-5.2",
    "deepseek-v4-flash",
    "minimax-m3",
    "qwen3-next-80b-a3b",
)
GROUPED = ("block", "operator")
DISTINCT = {symroof.load(x).architecture.structure: x for x in built_in_models()}  # a model of each structure
SIXTY = sorted({*MODELS, *[x for x in sorted(DISTINCT.values()) if x not in MODELS][::2][: 60 - len(MODELS)]})
BATCH = ((5, 0), (1, 4000), (700, 3), (3000, 9000))


def printed(model, rules="standard", by="", **options):
    return render_formulas(unbound_functions(model, COSTS, rules=rules, **options), "text", 100, False, by)


def definitions(sections):
    """Values of sizes; name -> what each query adds; name -> what else it stands for."""
    rows = {title: rows_of(lines) for title, lines in sections.items() if title.startswith(("where", "sizes"))}
    sizes = {name: value_of(text, {}) for name, text in rows.get("sizes", {}).items()}
    return sizes, rows.get("where each query of n new and c cached tokens adds", {}), rows.get("where", {})


def value_on(sheet, batch, sizes, added, others):
    """What a sheet comes to on a batch, of queries of one case where it has cases."""
    each = [Names({**sizes, "n": Fraction(n), "c": Fraction(c)}, {**added, **others}) for n, c in batch]
    names = Names({**sizes, **{x: sum(query[x] for query in each) for x in added}, "B": len(batch)}, others)
    return sheet.value(names, is_expanded(sheet, each[0]) if sheet.conditions else 0)


def is_expanded(sheet, names):
    """Whether the condition of the first case fails for a query."""
    left, right = re.match(r"while (.*?) < (.*?), query by query", sheet.conditions[0]).groups()
    return not value_of(left, names) < value_of(right, names)


def batches_of(sheet, sizes, added, others):
    """The batch; where there are cases, the queries of each."""
    if not sheet.conditions:
        return [BATCH]
    cases = {}
    for n, c in BATCH:
        names = Names({**sizes, "n": Fraction(n), "c": Fraction(c)}, {**added, **others})
        cases.setdefault(is_expanded(sheet, names), []).append((n, c))
    return cases.values()


@pytest.mark.parametrize(("name", "by"), [*((x, "") for x in SIXTY), *((x, y) for x in MODELS for y in GROUPED)])
def test_printed_formulas_come_to_the_report(name, by):
    model = symroof.load(name)
    sections = sections_of(printed(model, by=by))
    known = definitions(sections)
    for x in COSTS:
        sheet = Sheet(sections[quantity(x).title])
        for batch in batches_of(sheet, *known):
            new, cached = zip(*batch, strict=True)
            total = model.report(new=new, cached=cached).total
            expected = model.parameters.total if x == "parameters" else quantity(x).of(total)
            value = value_on(sheet, batch, *known)
            assert value == expected or abs(value - expected) < 1e-12 * expected, x


@pytest.mark.parametrize("name", ["deepseek-v3", "deepseek-v3.2", "glm-5.2", "minicpm3-4b"])
def test_a_choice_made_query_by_query_is_a_piecewise(name):
    model = symroof.load(name)
    formula = model.formula("flops", uniform=True, bind=True)
    assert formula.atoms(sympy.Piecewise)
    boundary = [(n, c) for n in (1, 20, 169, 170, 171, 400) for c in (0, 1, 700, 10**5)]
    for n, c in boundary:
        expected = model.report(new=n, cached=c, batch_size=3).total.flops
        assert formula.subs({s.B: 3, s.n: n, s.c: c}) == expected, (n, c)


@pytest.mark.parametrize(
    ("by", "uniform"),
    [("block", False), ("operator", False), ("symbol", False), ("block", True), ("operator", True)],
)
@pytest.mark.parametrize("name", ["llama-3.1-8b", "deepseek-v3", "gemma-3-12b", "mamba-codestral-7b"])
def test_shares_add_up_to_the_formula(name, by, uniform):
    model = symroof.load(name)
    for x in ("flops", "bytes", "cache_size"):
        rest = sympy.Add(*model.formula(x, uniform=uniform, by=by).values()) - model.formula(x, uniform=uniform)
        for n, c in ((1, 10**5), (300, 7)):  # absorbed, expanded
            at = {y: sympy.Rational(17 + 5 * i, 3) for i, y in enumerate(sorted(rest.free_symbols, key=str))}
            assert rest.xreplace({**at, s.n: sympy.Integer(n), s.c: sympy.Integer(c)}).expand() == 0


def test_the_products_of_an_operator_are_its_matmuls():
    labelled = [op for x in DISTINCT.values() for _, _, op in symroof.load(x).graph().rows() if op.products]
    assert {name for op in labelled for name, _ in op.products} == {"scores", "values"}
    for op in labelled:
        assert expand(sum(cost.matmul for _, cost in op.products) - op.cost.matmul) == 0, op.name


def test_sums_that_rules_make_equal_have_one_name():
    model = symroof.load("mamba-codestral-7b")
    assert {str(x) for x in model.formula("matmul_flops").free_symbols if s.group(x) == "batch"} == {"T", "R"}
    chunked = model.formula("matmul_flops", rules="transformers").free_symbols
    assert {s.T_ssd, s.P_ssd, s.X_ssd} < chunked
    assert symroof.load("deepseek-v3").formula("flops", rules="latent-absorbed").free_symbols & set(LATENT) == set()
    assert symroof.load("deepseek-v3").formula("flops").free_symbols & set(LATENT) == {s.P_lat, s.T_lat, s.C_lat}


def test_formulas_of_a_uniform_batch_have_no_choice_left():
    for name in ("deepseek-v3", "longcat-flash", "glm-5.2", "kimi-linear-48b-a3b"):
        model = symroof.load(name)
        for x in COSTS:
            formula = model.formula(x, uniform=True)
            assert not any(1 in y.args and y.has(sympy.Max) for y in formula.atoms(sympy.Min)), (name, x)
    assert not symroof.load("deepseek-v3").formula("cache_bytes", uniform=True).has(sympy.Piecewise)  # read either way


def test_python_refuses_an_unknown_grouping():
    with pytest.raises(symroof.SymroofError, match="block, operator, symbol"):
        symroof.load("llama-3.1-8b").formula(by="layer")
    for name, uniform in (("flops", True), ("time", False)):
        with pytest.raises(symroof.SymroofError, match="give block, operator"):
            symroof.load("llama-3.1-8b").formula(name, uniform=uniform, by="symbol")
