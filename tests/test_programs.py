"""Compiled formulas against the symbolic ones, and what they cost."""

import random
from fractions import Fraction

import pytest
from sympy import Integer, Rational
from test_truth import TRANSFORMERS

import symroof
from symroof import symbols as s
from symroof.algebra.binding import Binding, exact_number
from symroof.algebra.codegen import exact_function
from symroof.config.catalogue import model_catalogue
from symroof.cost import batch_sums, rule_names
from symroof.cost import rules as counting
from symroof.cost.batch import Batch, Query, batch
from symroof.cost.cost import FIELDS
from symroof.errors import UsageError
from symroof.model import batch_arrays, evaluation, programs

BATCH = (Query(1, 70_000, 3), Query(700, 0), Query(513, 2_047, 2))
LONG = 10**13


def one_of_each_structure():
    """A model of each structure of the built-in ones and of the types that are measured, by name and number."""
    built_in = [(name, name) for name in model_catalogue()]
    measured = [(f"{x['model_type']}-{i}", x["config"]) for i, x in enumerate(TRANSFORMERS)]
    found = {}
    for name, config in [*built_in, *measured]:
        found.setdefault(symroof.load(config).architecture.structure, (name, config))
    return dict(sorted(found.values(), key=lambda x: x[0]))


STRUCTURES = one_of_each_structure()
EVERY = pytest.mark.parametrize("config", STRUCTURES.values(), ids=STRUCTURES)


def symbolic(model, names, queries, widths):
    """(path, layers, cost of one layer) of each operator by substitution in the formulas."""
    layer = counting.rule_layer(names, model.architecture.structure)
    choices = {x: expr for x, expr in layer.items() if s.group(x) in ("rule", "step")}
    sums = batch_sums.sum_over_queries(queries, layer, model.sizes)
    bound = Binding(choices, model.sizes, widths, sums)
    for path, count, op in model.graph(names).rows():
        yield path, exact_number(bound(count)), [exact_number(bound(getattr(op.cost, x))) for x in FIELDS]


@EVERY
def test_compiled_is_what_the_formulas_say(config):
    model = symroof.load(config)
    found = model.report(new=[1] * 3 + [700] + [513] * 2, cached=[70_000] * 3 + [0] + [2_047] * 2, dtype="bf16")
    assert {*found.batch} == {*BATCH}
    widths = {s.symbol(x): Rational(y.numerator, y.denominator) for x, y in found.precision.widths().items()}
    for row, (path, layers, cost) in zip(found.rows, symbolic(model, ("standard",), BATCH, widths), strict=True):
        assert (row.path, row.layers) == (path, layers)
        for field, x in zip(FIELDS, cost, strict=True):
            assert getattr(row.cost, field) == (pytest.approx(x, rel=1e-13) if isinstance(x, float) else x), path


@EVERY
def test_each_operator_is_found_by_its_path_and_all_of_them_are_kept(config):
    found = symroof.load(config).report(dtype="bf16")
    assert [found[row.path] for row in found.rows] == list(found.rows)
    assert found.storage.total == sum(row.all.weight_held + row.all.cache_held for row in found.rows)


@pytest.mark.parametrize("rules", [x for x, rule in rule_names.RULEBOOK.items() if x != "standard"])
def test_compiled_is_what_the_formulas_say_under_every_rule(rules):
    name = "llama-2-7b" if rule_names.RULEBOOK[rules].tool else "deepseek-v3.2"
    model = symroof.load(name)
    names = rule_names.select_rules(rules)
    found = model.report(new=[1, 700], cached=[70_000, 0], rules=rules, dtype="bf16")
    widths = {s.symbol(x): Rational(y.numerator, y.denominator) for x, y in found.precision.widths().items()}
    queries = [Query(1, 70_000), Query(700, 0)]
    for row, (path, layers, cost) in zip(found.rows, symbolic(model, names, queries, widths), strict=True):
        assert (row.path, row.layers) == (path, layers)
        assert [getattr(row.cost, x) for x in FIELDS] == pytest.approx(cost, rel=1e-13, abs=0), path


@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama-4-scout", "deepseek-v3.2", "gemma-3n-e4b", "jamba-v0.1"])
def test_totals_are_the_sum_of_rows(name):
    found = symroof.load(name).report(new=[5, 1], cached=[3, 10**6], dtype="bf16")
    assert found.evaluation.linear
    for field in FIELDS:
        of_rows, of_all = sum(getattr(x.all, field) for x in found.rows), getattr(found.total, field)
        assert of_all == (pytest.approx(of_rows, rel=1e-13) if isinstance(of_rows, float) else of_rows)


def test_totals_of_a_graph_that_is_not_linear_in_its_sums_are_those_of_its_rows():
    model = symroof.load("llama-3.1-8b")
    square = symroof.Block("squared", (symroof.Op("op", "ffn", symroof.Cost(matmul=s.T**2 * s.d)),))
    found = model.with_graph(square).report(new=[3, 4], cached=0)
    assert found.evaluation.linear is None
    assert found.total.matmul == 49 * 4096


def test_integers_stay_exact_however_large_the_batch():
    report = symroof.load("llama-3.1-8b").report(new=LONG, cached=LONG)
    pairs = LONG * LONG + LONG * (LONG + 1) // 2
    assert report["attention/attend"].cost.matmul == 4 * pairs * 32 * 128
    assert isinstance(report.total.matmul, int)
    assert isinstance(report.total.moved, int)


def test_a_structure_is_told_apart_by_all_that_it_has():
    texts = {programs.canonical_text(symroof.load(x).architecture.structure) for x in STRUCTURES.values()}
    assert len(texts) == len(STRUCTURES)
    with pytest.raises(TypeError):
        programs.canonical_text({"a": 1})


# --- sums of large batches -----------------------------------------------------------------------------------------


def ragged(size, most, seed=1):
    """A batch of many different queries."""
    draw = random.Random(seed)
    return batch([draw.randint(1, most) for _ in range(size)], [draw.randint(0, most) for _ in range(size)], 2 * size)


@EVERY
def test_many_queries_add_up_in_arrays_as_one_by_one(config, monkeypatch):
    at = symroof.load(config)._evaluation(("standard",), {"dtype": "bf16"})
    asked = ragged(evaluation.MANY, 9_000)
    found = batch_arrays.array_sums(at.program.text, at.known, asked)
    monkeypatch.setattr(evaluation, "MANY", 10**9)
    assert found == at.sums(asked)


@pytest.mark.parametrize("most", [10**8, 10**10, 10**18])
@pytest.mark.parametrize("name", ["llama-3.1-8b", "llama-4-scout", "deepseek-v3.2"])
def test_sums_beyond_64_bits_are_as_exact(name, most):
    at = symroof.load(name)._evaluation(("standard",), {"dtype": "bf16"})
    asked = ragged(evaluation.MANY, most)
    found = at.sums(asked)
    one = [at.program.per_query(q.new, q.cached, *at.known) for q in asked.groups]
    assert found == tuple(2 * sum(x) for x in zip(*one, strict=True))
    if most > 10**9:
        assert batch_arrays.array_sums(at.program.text, at.known, asked) is None


def test_without_numpy_many_queries_are_added_one_by_one(monkeypatch):
    import sys

    at = symroof.load("llama-3.1-8b")._evaluation(("standard",), {})
    asked = ragged(evaluation.MANY, 9_000)
    expected = at.sums(asked)
    monkeypatch.setitem(sys.modules, "numpy", None)
    assert at.sums(asked) == expected


def test_arrays_of_numpy_are_lists_of_queries():
    numpy = pytest.importorskip("numpy")
    model = symroof.load("llama-3.1-8b")
    listed = model.report(new=[3, 1, 3], cached=[5, 0, 5])
    for kind in ("int64", "int32", ">i8", "uint16", "uint64"):
        new, cached = (numpy.array(x, dtype=kind) for x in ([3, 1, 3], [5, 0, 5]))
        assert model.report(new, cached).total == model.report(new, list(cached)).total == listed.total
        assert model.report(new[:1], cached).batch == (Query(3, 5, 2), Query(3, 0, 1))
    assert model.report(new[::2], 7).batch == (Query(3, 7, 2),)
    for wrong in ([1, 0], [2**63, 1], [1.5], [True], [[1]], []):
        with pytest.raises(UsageError):
            model.report(new=numpy.array(wrong))
    assert Batch([3, 1, 3], [5, 0, 5]).groups == (Query(3, 5, 2), Query(1, 0, 1))


# --- source --------------------------------------------------------------------------------------------------------


def test_quotients_and_powers_stay_exact():
    run = exact_function(
        [s.d / s.f, (1 - s.k / s.N_e) ** s.T, Rational(3, 2) * s.d, s.d**-2], [s.d, s.f, s.k, s.N_e, s.T]
    )
    assert run(6, 3, 8, 256, 2) == [2, Fraction(31**2, 32**2), 9, Fraction(1, 36)]
    assert run(5, 3, 8, 256, 1) == [Fraction(5, 3), Fraction(31, 32), Fraction(15, 2), Fraction(1, 25)]
    assert isinstance(run(5, 3, 8, 256, 10**6)[1], float)


def test_numbers_that_are_known_are_worked_out_when_compiled():
    from symroof.algebra.codegen import function_source

    text = function_source(
        "run",
        [s.T],
        [s.phi * s.T, s.sigma * s.T, s.T + s.delta],
        {s.phi: 0, s.sigma: 1, s.delta: 3} and {s.phi: Integer(0), s.sigma: Integer(1), s.delta: Integer(3)},
    )
    assert text == "def run(T):\n    return (0, T, (T + 3), )\n"
