"""Results display themselves: repr, text, HTML and LaTeX from one renderer each; their numbers format and serialise."""

import json
import pickle
from fractions import Fraction
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import symroof
from symroof import results
from symroof.results import ExactFloat, Result, int_or_float

MODEL = symroof.load("llama-3.1-8b")
H100 = symroof.machine("h100-sxm")
WORK = symroof.Workload(prompt=1000, output_tokens=50)
SHOWN = {
    "Block": MODEL.graph(),
    "Comparison": MODEL.against("transformers", cached=100),
    "Conventions": symroof.by_convention(MODEL, 2048),
    "Differences": symroof.compare(MODEL, symroof.load("qwen3-8b")),
    "Fit": symroof.fit(MODEL, H100, context=1000),
    "Knobs": symroof.knobs(MODEL, H100, cached=100),
    "Limits": symroof.limits(MODEL),
    "Machine": H100,
    "Match": symroof.match(MODEL, "flops=15e9"),
    "Model": MODEL,
    "Optimum": symroof.optimum(budget=1e21),
    "Parameters": MODEL.parameters,
    "Platform": symroof.platform(H100, mfu=0.5, mbu=0.7),
    "Report": MODEL.report(cached=100),
    "Roofline": symroof.roofline(MODEL, H100, cached=100),
    "Serving": symroof.serve(MODEL, H100, WORK, price=Fraction(5, 2)),
    "Shape": symroof.shape(MODEL),
    "SideBySide": results._imported("symroof.analysis.side_by_side.side_by_side")([MODEL]),
    "Solution": symroof.solve(MODEL, "cache_bytes = weight_bytes", "c"),
    "Conjunction": symroof.solve(MODEL, "1 MiB <= cache_size <= 4 MiB", "c"),
    "Split": symroof.split(MODEL, "mlp"),
    "Sweep": MODEL.sweep({"batch": "1:4"}, "flops"),
    "Training": symroof.training_flops(MODEL, 2048),
    "TrainingMemory": symroof.training_memory(MODEL, 2048),
}
FORMULAS = {
    "Block", "Conjunction", "Conventions", "Differences", "Fit", "Knobs", "Limits", "Match", "Optimum", "Report",
    "Shape", "Solution", "Split", "Training", "TrainingMemory",
}  # fmt: skip


def test_every_class_of_results_is_shown_here():
    assert set(SHOWN) == set(results.TEXT)
    assert all(type(x).__name__ == name and isinstance(x, Result) for name, x in SHOWN.items())


@pytest.mark.parametrize("name", SHOWN)
def test_a_result_shows_itself(name):
    found = SHOWN[name]
    assert 10 < len(repr(found)) < 600
    assert "\n" not in repr(found)
    text, html, latex = str(found), found._repr_html_(), found._repr_latex_()
    assert len(text.splitlines()) > 1
    assert "symroof" not in text.splitlines()[0]
    assert html.startswith("<p" if name == "Report" else "<pre")
    assert html.count("<") == html.count(">")
    assert (latex is not None) == (name in FORMULAS)
    if latex:
        assert latex.startswith("$$\\begin{")
        assert latex.endswith("$$")
        assert latex.count("{") == latex.count("}")


WIDE = {"Block", "Machine", "Platform", "Shape", "Split", "Training", "TrainingMemory"}  # are not wrapped


@pytest.mark.parametrize("name", sorted(set(SHOWN) - WIDE - {"Report"}))
def test_a_result_fits_a_cell_of_a_notebook(name):
    lines = unescape(SHOWN[name]._repr_html_()).partition(">")[2].removesuffix("</pre>").splitlines()
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", sorted(FORMULAS - {"Report"}))
def test_closed_forms_are_in_the_vocabulary(name):
    forms = SHOWN[name].closed_forms()
    assert forms
    names = {"Fit": {"weights", "activations", "cache"}, "Match": set(map(str, forms)), "Solution": {"weight_bytes"}}
    known = {*symroof.symbols.VOCABULARY, *names.get(name, ())}
    assert {str(x) for expr in forms.values() for x in expr.free_symbols} <= known


def public_numbers():
    roofline, serving, knobs = SHOWN["Roofline"], SHOWN["Serving"], SHOWN["Knobs"]
    yield from (roofline.time, roofline.lower, roofline.fused, *roofline.units.values(), roofline.rows[0].time)
    for pace in (serving.time, serving.lower):
        yield from (pace.first, pace.alone, pace.decode, *pace.ends, pace.per_token, pace.request)
    yield from (x for x in serving.energy.values() if not isinstance(x, bool))
    yield from serving.prices.values()
    yield from (y for x in knobs.knobs for y in (x.value, x.slope, x.elasticity, x.effect))
    yield from (x.training_ratio for x in SHOWN["Conventions"].rows if x.training_ratio is not None)
    yield from (knobs.value, MODEL.cache_per_token(), MODEL.cache_per_token(cache="mxfp4"))


def test_times_rates_and_prices_format_and_serialise_as_floats():
    numbers = list(public_numbers())
    assert len(numbers) > 60
    for x in numbers:
        assert f"{x:.3f}" == f"{float(x):.3f}"
        assert json.loads(json.dumps(x)) == x
    assert isinstance(SHOWN["Roofline"].time.exact, Fraction)
    assert MODEL.cache_per_token() == 131072
    assert isinstance(MODEL.cache_per_token(), int)


def test_exact_values_stay_within_reach():
    roofline, pace = SHOWN["Roofline"], SHOWN["Serving"].time
    assert sum(x.seconds.time * x.row.layers for x in roofline.rows) == roofline.time.exact
    assert pace.per_token.exact * (WORK.output_tokens - 1) == pace.decode.exact
    assert pace.request.exact == pace.first.exact + pace.decode.exact


@given(st.fractions())
def test_an_exact_float_is_the_nearest_float_and_remembers_its_value(value):
    number = ExactFloat(value)
    assert number == float(value)
    assert hash(number) == hash(float(value))
    assert number.exact == value
    assert ExactFloat(number).exact == value
    copy = pickle.loads(pickle.dumps(number))
    assert (copy, copy.exact) == (number, value)
    assert repr(number) == repr(float(value))
    assert type(int_or_float(value)) is (int if value.denominator == 1 else ExactFloat)


def test_renderers_are_found_by_the_name_of_their_class():
    for table in (results.TEXT, results.HTML, results.LATEX, results.HIGHER):
        assert all(callable(results._imported(path)) for path in table.values())
    public = (Path(symroof.__file__).parent / "__init__.pyi").read_text()
    classes = {name for name in results.TEXT if f" {name} as" in public}
    assert classes == {"Block", "Machine", "Model", "Platform", "Report"}
