"""Elasticities against differences of reports, Euler's theorem, and the trend of floors."""

import json
import math
import re
from dataclasses import replace
from fractions import Fraction

import pytest
from click.testing import CliRunner

import symroof
from symroof import SymroofError
from symroof.algebra.points import Point
from symroof.cli import cli
from symroof.cost import operator_time
from symroof.hardware.machines import machine
from symroof.hardware.platform import platform
from symroof.results import exact_value
from symroof.symbols import symbol

KINDS = [
    "llama-3.1-8b",
    "mixtral-8x7b",
    "deepseek-v3",
    "gemma-2-9b",
    "llama-4-scout",
    "qwen3-next-80b-a3b",
    "deepseek-v4-pro",
    "falcon-mamba-7b",
    "jamba-v0.1",
]
H100 = platform(machine("h100-sxm"))
STEP = {"new": 3, "cached": 5000, "batch_size": 64}
BATCH = {"n": "new", "c": "cached", "B": "batch_size"}


def resized(model, **sizes):
    """The model with other sizes, whether or not they go together."""
    architecture = replace(model.architecture, sizes={**model.architecture.sizes, **sizes})
    return replace(model, architecture=architecture)


def seconds(model, on, **step):
    """The time of a report's operators, one after another."""
    report = model.report(**step)
    return sum(
        row.layers
        * operator_time.operator_seconds(
            row.cost, on.rates(row.role, row.cost.matmul, row.width, report.precision)
        ).time
        for row in report.rows
    )


def at(model, name, value, on=None, **step):
    """FLOP, or seconds on a platform, of a step with another size or batch."""
    changed = model if name in BATCH else resized(model, **{name: value})
    step = {**step, BATCH[name]: value} if name in BATCH else step
    return changed.report(**step).total.flops if on is None else seconds(changed, on, **step)


@pytest.mark.parametrize("step", [STEP, {"new": 3000, "cached": 7, "batch_size": 2}], ids=["decode", "prompt"])
@pytest.mark.parametrize("name", ["L", "d", "f", "h", "H_q", "H_kv", "V", "B", "n", "c"])
def test_the_slope_of_a_polynomial_is_its_central_difference(name, step):
    model = symroof.load("llama-3.1-8b")
    for on in (None, H100):
        found = symroof.knobs(model, on, None if on else "flops", anyway=True, **step)
        if name in {str(x.symbol) for x in found.knobs}:
            x = found[name].value
            rise = at(model, name, x + 1, on, **step) - at(model, name, x - 1, on, **step)
            slope, elasticity, effect, value = map(
                exact_value, (found[name].slope, found[name].elasticity, found[name].effect, found.value)
            )
            assert slope == Fraction(rise) / 2
            assert elasticity * value == x * slope
            assert effect * 100 == x * slope


@pytest.mark.parametrize("model", ["mixtral-8x7b", "deepseek-v3", "qwen3-next-80b-a3b", "jamba-v0.1"])
def test_slopes_of_experts_and_recurrences(model):
    model = symroof.load(model)
    found = symroof.knobs(model, H100, anyway=True, **STEP)
    sizes = [str(x.symbol) for x in found.knobs if str(x.symbol) in model.architecture.sizes and x.value > 30]
    for name in [*sizes, "B", "c"]:
        x = found[name].value
        rise = at(model, name, x + 1, H100, **STEP) - at(model, name, x - 1, H100, **STEP)
        assert math.isclose(found[name].slope, rise / 2, rel_tol=5e-3), name
    assert {"d", "N_e"} <= {*sizes, "N_e"}


@pytest.mark.parametrize("key", ["bandwidth", "vector", "bf16"])
def test_elasticities_by_rates_of_a_machine(key):
    model, step = symroof.load("llama-3.1-8b"), {"new": 4096}
    found = symroof.knobs(model, H100, **step)
    name = {"bandwidth": "W", "vector": "F_v", "bf16": "F_bf16"}[key]

    def other(factor):
        m = H100.machine
        if key == "bf16":
            changed = replace(m, peaks={**m.peaks, key: Fraction(m.peaks[key]) * factor})
        else:
            changed = replace(m, **{key: Fraction(getattr(m, key)) * factor})
        return math.log(seconds(model, replace(H100, machine=changed), **step))

    factor = Fraction(10**6 + 1, 10**6)
    slope = (other(factor) - other(1 / factor)) / (2 * math.log(factor))
    assert math.isclose(found[name].elasticity, slope, rel_tol=1e-4, abs_tol=1e-9)


@pytest.mark.parametrize("name", KINDS)
def test_eulers_theorem(name):
    model = symroof.load(name)
    for step in (STEP, {"new": 2000}):
        timed = symroof.knobs(model, H100, anyway=True, **step)
        rates = [x.elasticity for x in timed.knobs if symroof_group(x) == "machine"]
        assert math.isclose(sum(rates), -1)
        assert all(x <= 0 for x in rates)
        late = symroof.knobs(model, replace(H100, overhead=Fraction(1, 10**4)), anyway=True, **step)
        rates = {str(x.symbol): x.elasticity for x in late.knobs if symroof_group(x) == "machine"}
        launch = rates.pop("t_0")
        assert math.isclose(sum(rates.values()), launch - 1)
        assert 0 < launch < 1
    for quantity in ("bytes", "cache_size", "weight_size"):
        found = symroof.knobs(model, quantity=quantity, **STEP)
        assert math.isclose(sum(x.elasticity for x in found.knobs if symroof_group(x) == "width"), 1)
    assert math.isclose(symroof.knobs(model, quantity="flops", **STEP)["B"].elasticity, 1)


def symroof_group(knob):
    return symroof.symbols.group(knob.symbol)


@pytest.mark.parametrize("name", KINDS)
def test_values_and_symbolic_derivatives(name):
    model = symroof.load(name)
    report, found = model.report(**STEP), symroof.knobs(model, quantity="flops", **STEP)
    assert math.isclose(found.value, report.total.flops)
    timed = symroof.knobs(model, H100, anyway=True, **STEP)
    assert math.isclose(timed.value, seconds(model, H100, **STEP))
    assert [abs(x.elasticity) for x in timed.knobs] == sorted((abs(x.elasticity) for x in timed.knobs), reverse=True)
    for knob in timed.knobs[:3]:
        derivative = timed.derivative(str(knob.symbol))
        assert math.isclose(timed.point.number(derivative), knob.slope)


def test_floors_follow_their_trend():
    v4 = symroof.load("deepseek-v4-pro")
    found, period = symroof.knobs(v4, quantity="cache_size", cached=50_000), 128
    far = [v4.report(cached=50_000 + i * 40 * period).total.cache_held for i in (-1, 1)]
    assert math.isclose(found["c"].slope, (far[1] - far[0]) / (80 * period), rel_tol=1e-2)
    scout, w = symroof.load("llama-4-scout"), 8192

    def mean(w, first=3, spans=4):  # over whole chunks, of the bytes that a step reads of the cache
        model, some = resized(scout, w=w), range(first * w, (first + spans) * w, w // 64)
        return sum(model.report(cached=c).total.cache_read for c in some) / len(some)

    knobs = symroof.knobs(scout, quantity="cache_read_bytes", cached=5 * w)
    full = symroof.knobs(scout, quantity="cache_read_bytes", cached=5 * w)["c"].slope
    moved = 5 * (2 * w - w // 2) / 2 * full  # what longer spans read in layers that are not chunked
    assert math.isclose(knobs["w"].slope, (mean(2 * w) - mean(w // 2) - moved * 2) / (1.5 * w), rel_tol=0.05)
    assert knobs.has_branches
    assert knobs.on_branch > knobs.value  # at the start of a chunk less is read than on average


def test_the_branch_at_a_point():
    x, y = symbol("c"), symbol("w")
    import sympy

    point = Point({x: 7, y: 3})
    assert point.branch(sympy.Min(x, y) + sympy.Max(x - y, 0)) == x
    assert point.number(sympy.floor(x / y)) == 2
    assert point.branch(sympy.floor(x / y)) == x / y - sympy.Rational(1, 2)
    assert point.branch(sympy.floor(y / x)) == 0
    assert Point({x: 3, y: 3}).branch(sympy.Min(x, y, 3)) == 3
    with pytest.raises(SymroofError, match="d has no number"):
        point.number(symbol("d"))
    with pytest.raises(SymroofError, match="sin is not part of a cost"):
        point.number(sympy.sin(x))


def call(*words):
    return CliRunner().invoke(cli, ["knobs", *map(str, words)], terminal_width=80)


def test_the_command():
    step = ["--cached-tokens", 8192, "--batch-size", 16]
    text = call("llama-3.1-8b", "--on", "h100-sxm", *step).stdout
    assert text.index("mlp         L (") < text.index("=           9.66 ms") < text.index("Elasticity:")
    assert re.search(r"^W +3\.35 TB/s +-1\.000 +-96\.64 us +bytes per second", text, re.M)
    found = json.loads(call("llama-3.1-8b", "--on", "h100-sxm", *step, "--json").stdout)
    assert found["schema"] == "symroof.knobs/1"
    assert found["batch"] == {"B": 16, "n": 1, "c": 8192}
    assert set(found["knobs"][0]) == {"symbol", "group", "meaning", "value", "elasticity", "effect"}
    assert found["knobs"][0]["elasticity"] == -1
    assert len(found["bounds"]["memory"]) == 14
    free = json.loads(call("llama-3.1-8b", "--quantity", "flops", "--set", "d=2048", "--json").stdout)
    assert free["machine"] is None
    assert {x["symbol"]: x["value"] for x in free["knobs"]}["d"] == 2048


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "knobs need either"),
        (["--on", "h100-sxm", "--quantity", "flops"], "name one"),
        (["--quantity", "time"], "needs a machine: give --on"),
        (["--quantity", "flop"], "did you mean 'flops'"),
        (["--on", "h100-sxm", "--on", "a100-sxm-80gb"], "takes a single machine"),
        (["--quantity", "flops", "--cached-tokens", 1, 2], "identical queries"),
        (["--on", "h100-sxm", "--batch-size", 10**6, "--cached-tokens", 8192], "needs"),
    ],
)
def test_errors(words, told):
    found = call("llama-3.1-8b", *words)
    assert found.exit_code in (1, 2)
    assert told in found.stderr
    assert "Traceback" not in found.stderr
