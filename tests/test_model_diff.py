"""Two models apart: parts add up to differences of reports, each is of the one thing changed; signs flip as told."""

import json
import math
from fractions import Fraction

import pytest
from click.testing import CliRunner
from sympy import floor

import symroof
from symroof.algebra.rootfinding import roots
from symroof.analysis.model_diff import number_on_batch
from symroof.cli import cli
from symroof.render.results.model_diff import sign_changes
from symroof.symbols import symbol

FIGURES = {
    "flops": lambda report: report.total.flops,
    "bytes": lambda report: report.total.moved,
    "parameters": lambda report: report.parameters.total,
    "cache_size": lambda report: report.total.cache_held,
}
PAIRS = [
    ("llama-3.1-8b", "qwen3-8b"),
    ("gpt2", "llama-2-7b"),
    ("mixtral-8x7b", "mistral-7b-v0.1"),
    ("deepseek-v3", "deepseek-v4-pro"),
    ("qwen3-8b", "gpt-oss-20b"),
    ("gemma-2-9b", "llama-4-scout"),
    ("mamba-1.4b", "jamba-v0.1"),
    ("qwen3-next-80b-a3b", "llama-3.1-8b"),
    ("falcon-7b", "gpt-j-6b"),
]
STEPS = [{"new": 1, "cached": 8192, "batch_size": 4}, {"new": 300, "cached": 77, "batch_size": 2}]


@pytest.mark.parametrize("names", PAIRS, ids=" ".join)
def test_parts_add_up_to_the_difference_of_reports(names):
    one, other = map(symroof.load, names)
    for step in STEPS:
        found = symroof.compare(one, other, **step)
        ours, theirs = (x.report(**step) for x in (one, other))
        for name, figure in FIGURES.items():
            x, true = found[name], figure(theirs) - figure(ours)
            assert math.isclose(x.number, true, rel_tol=1e-9, abs_tol=1e-3)
            parts = [number_on_batch(part.expr, found.batch) for part in x.parts]
            exact = all(isinstance(y, int | Fraction) for y in parts)
            size = max(abs(figure(ours)), abs(figure(theirs)))
            assert sum(parts) == true if exact else math.isclose(sum(parts), true, abs_tol=1e-9 * size)
            assert {part.group for part in x.parts} <= {"structure", "sizes", "formats"}
            told = {str(y) for part in x.parts for y in part.expr.free_symbols}
            assert told <= {"B", "n", "c"}
    elsewhere = {symbol("B"): 3, symbol("n"): 17, symbol("c"): 1000}  # closed forms hold for other batches, too
    ours, theirs = (x.report(new=17, cached=1000, batch_size=3) for x in (one, other))
    for name, figure in FIGURES.items():
        true = figure(theirs) - figure(ours)
        assert math.isclose(number_on_batch(found[name].expr, elsewhere), true, rel_tol=1e-9, abs_tol=1e-3)
        parts = sum(number_on_batch(part.expr, elsewhere) for part in found[name].parts)
        assert math.isclose(parts, true, rel_tol=1e-6, abs_tol=1e-3)


def test_the_other_way_round():
    one, other = map(symroof.load, ("llama-3.1-8b", "gpt-oss-20b"))
    forth, back = symroof.compare(one, other, **STEPS[0]), symroof.compare(other, one, **STEPS[0])
    for name in FIGURES:
        assert forth[name].number == -back[name].number
        assert [(x, -sign) for x, sign in back[name].flips[symbol("c")].flips] == list(
            forth[name].flips[symbol("c")].flips
        )


def test_a_model_does_not_differ_from_itself():
    model = symroof.load("deepseek-v3")
    found = symroof.compare(model, model)
    assert all(x.parts == () and x.number == 0 and x.expr == 0 for x in found.quantities.values())


@pytest.mark.parametrize("name", ["d", "f", "V", "L", "h"])
def test_one_size_is_the_whole_difference(name):
    one = symroof.load("llama-3.1-8b")
    other = one.with_sizes(**{name: 64})
    found = symroof.compare(one, other, **STEPS[0])
    for x in found.quantities.values():
        assert [(part.group, part.name, part.after) for part in x.parts] in ([], [("sizes", name, "64")])
    assert found["flops"].parts


def test_formats_are_told_apart():
    one, other = symroof.load("llama-3.1-405b"), symroof.load("llama-3.1-405b-fp8")
    found = symroof.compare(one, other)
    assert {part.group for part in found["bytes"].parts} == {"formats"}
    assert found["flops"].number == 0


def test_the_structural_part_is_that_of_its_operators():
    one, other = map(symroof.load, ("llama-3.1-8b", "qwen3-8b"))
    alike = other.with_sizes(L=32, f=14336, V=128256)
    rows = {row.path: row.all.flops for row in alike.report(**STEPS[0]).rows}
    (part,) = [x for x in symroof.compare(one, other, **STEPS[0])["flops"].parts if x.group == "structure"]
    assert (part.name, part.before, part.after) == ("attention: qk_norm", "none", "rms")
    assert number_on_batch(part.expr, {symbol("B"): 4, symbol("n"): 1, symbol("c"): 8192}) == rows["attention/qk_norm"]
    assert {"d", "f"}.isdisjoint(map(str, part.formula.free_symbols))


def test_flags_of_the_frame():
    one = symroof.load("llama-3.2-1b")  # whose head is tied
    found = symroof.compare(one, symroof.load("llama-3.1-8b"))
    part = {x.name: x for x in found["parameters"].parts}["model: tied"]
    assert (part.before, part.after) == ("yes", "no")
    assert part.expr == one.architecture.sizes["V"] * one.architecture.sizes["d"]


@pytest.mark.parametrize("names", [*PAIRS[:3], PAIRS[4], PAIRS[7]], ids=" ".join)
def test_signs_flip_where_they_are_said_to(names):
    one, other = map(symroof.load, names)
    step = {"new": 1, "cached": 100, "batch_size": 2}
    for quantity in ("bytes", "cache_size"):
        for x, found in symroof.compare(one, other, [quantity], **step)[quantity].flips.items():
            at = {"c": "cached", "n": "new", "B": "batch_size"}[str(x)]
            least = 0 if str(x) == "c" else 1

            def gap(value, at=at, quantity=quantity):
                reports = [model.report(**{**step, at: value}) for model in (one, other)]
                ours, theirs = map(FIGURES[quantity], reports)
                return (theirs > ours) - (theirs < ours)

            now = found.first
            assert gap(least) == now
            for value, sign in found.flips:
                assert (gap(value - 1), gap(value)) == (now, sign)
                now = sign
            assert gap(10**10) == now


B, c, k = map(symbol, ("B", "c", "k"))


def signs(gap, x, least):
    return roots.whole_signs(gap, x, least, 10**12)


def at_least(gap, x, least):
    found = signs(gap, x, least)
    return found.reached, found.solved


def test_signs_of_formulas():
    assert signs((c - 3) * (c - 10), c, 0).flips == ((3, 0), (4, -1), (10, 0), (11, 1))
    assert signs(c * 0 + 5, c, 0).flips == ()
    assert signs((2 * c - 7) * (c + 1) * (c + 2), c, 0).flips == ((4, 1),)  # of degree 3
    half = symroof.Binding({k: Fraction(1, 2)})(k) ** B
    found = signs(1 - 100 * half, B, 1)
    assert (found.first, found.flips, found.solved) == (-1, ((7, 1),), False)
    near = signs((c - 1100) * (c - 1500) + floor(c / 10**9), c, 0)
    assert (near.flips, near.solved) == (((1100, 0), (1101, -1), (1500, 0), (1501, 1)), True)
    assert at_least(c - 12, c, 0) == (12, True)
    assert at_least(c, c, 0) == (0, True)
    assert at_least(-c - 1, c, 0) == (None, True)
    assert at_least(c + 1, c, 0) == (0, True)


def test_changes_without_end_are_told_to_be_more():
    found = signs(c - 2 * floor(c / 2), c, 0)
    assert (found.solved, found.complete, found.flips[:3]) == (True, False, ((1, 1), (2, 0), (3, 1)))
    model = symroof.load("llama-3.1-8b")
    told = sign_changes(c, found, symroof.compare(model, model, ["flops"]))
    assert told.endswith("from c = 8; and so on")


def call(*words):
    return CliRunner().invoke(cli, ["compare", *map(str, words)], terminal_width=80)


def test_the_command():
    step = ["--cached-tokens", 8192, "--batch-size", 2]
    text = call("llama-3.1-8b", "qwen3-8b", "--symbolic", *step).stdout
    assert text.startswith("qwen3-8b minus llama-3.1-8b: 2 queries: 2 x (1 new, 8,192 cached)\n")
    assert "attention: qk_norm none -> rms" in text
    assert "L 32 -> 36" in text
    assert "qwen3-8b more throughout" in text
    found = json.loads(call("llama-3.1-8b", "qwen3-8b", "--symbolic", "--quantity", "flops", "--json").stdout)
    assert found["schema"] == "symroof.differences/1"
    (flops,) = found["quantities"]
    assert sum(x["number"] for x in flops["causes"]) == flops["difference"] == flops["theirs"] - flops["ours"]
    assert {x["group"] for x in flops["causes"]} == {"structure", "sizes"}
    assert set(flops["flips"]) == {"B", "n", "c"}
    assert set(flops["flips"]["c"]) == {"first", "flips", "solved", "complete"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["llama-3.1-8b", "--symbolic"], "two models"),
        (["llama-3.1-8b", "qwen3-8b", "--quantity", "flops"], "goes with --symbolic"),
        (["llama-3.1-8b", "qwen3-8b", "--symbolic", "--quantity", "time"], "needs a machine: give --on"),
        (["llama-3.1-8b", "qwen3-8b", "--symbolic", "--cached-tokens", 1, 2], "identical queries"),
        (["llama-3.1-8b", "llama-2-7b", "--symbolic", "--rules", "llm-viewer"], "another tool"),
    ],
)
def test_errors(words, told):
    found = call(*words)
    assert found.exit_code == 2
    assert told in found.stderr
