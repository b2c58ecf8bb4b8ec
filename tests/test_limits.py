"""Leading terms against reports of very large steps; where attention passes the FFN against reports on both sides."""

import json
import math
import time
from dataclasses import replace

import pytest
import sympy
from click.testing import CliRunner

import symroof
from symroof import SymroofError
from symroof.algebra.points import Point
from symroof.algebra.series import leading_term
from symroof.cli import cli
from symroof.cost import operator_time
from symroof.hardware.machines import machine
from symroof.hardware.platform import platform
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
    "longcat-flash",
]
HELD = {"new": 2, "cached": 5000, "batch_size": 3}
NAMES = {"n": "new", "c": "cached", "B": "batch_size"}
H100 = platform(machine("h100-sxm"), compute="bf16")
FAR = 10**13


@pytest.fixture(scope="module", params=KINDS)
def found(request):
    return symroof.limits(symroof.load(request.param), H100, **HELD)


def costs(model, name, value):
    """The figures of a step with one number very large, straight from a report."""
    if name in NAMES:
        report = model.report(**{**HELD, NAMES[name]: value})
    else:
        sizes = {**model.architecture.sizes, name: value}
        report = replace(model, architecture=replace(model.architecture, sizes=sizes)).report(**HELD)
    cost = report.total
    cached = cost.cache_read + cost.cache_write
    time = sum(
        row.layers
        * operator_time.operator_seconds(
            row.cost, H100.rates(row.role, row.cost.matmul, row.width, report.precision)
        ).time
        for row in report.rows
    )
    return {
        "FLOP": cost.flops,
        "bytes": cost.moved,
        "cache size": cost.cache_held,
        "weight size": cost.weight_held,
        "intensity": cost.flops / cost.moved,
        "cache share": cached / cost.moved,
        "time": time,
    }


def test_leading_terms_are_reached_far_out(found):
    for limit in found.limits:
        name = str(limit.symbol)
        near, far = (costs(found.model, name, FAR * factor) for factor in (1, 2))
        for row in limit.rows:
            if row.name == "cache per token":
                continue
            # swings of a floor with what is left of a block stay at any distance: two numbers, and room for them
            told = row.leading.number
            assert math.isclose(far[row.name] / near[row.name], 2**row.leading.power, rel_tol=0.02), (name, row.name)
            assert math.isclose(near[row.name], told * float(FAR) ** row.leading.power, rel_tol=0.02), (name, row.name)


def test_terms_are_in_the_vocabulary_and_come_to_their_numbers(found):
    for limit in found.limits:
        for row in limit.rows:
            assert math.isclose(found.point.number(row.leading.coefficient), row.leading.number, rel_tol=1e-9)
            assert limit.symbol not in row.leading.coefficient.free_symbols
            assert all(symroof.symbols.group(x) for x in row.leading.expr.free_symbols)


def test_the_cache_of_a_token(found):
    row, a_token = found["c"], found.model.cache_per_token()
    assert (row["cache per token"].number if row["cache size"].power else 0) == a_token


@pytest.mark.parametrize(("name", "size"), [("deepseek-v3", 70272), ("qwen2-72b", 327680), ("llama-3.1-405b", 516096)])
def test_the_published_cache_of_a_token(name, size):  # of DeepSeek-V3's report (70.272 KB, ...)
    assert symroof.limits(symroof.load(name), dtype="bf16")["c"]["cache per token"].number == size


def test_what_is_known_of_long_contexts():
    llama = symroof.limits(symroof.load("llama-3.1-8b"))
    B, n, c, L, h, H_q, H_kv, b_c = map(symbol, ("B", "n", "c", "L", "h", "H_q", "H_kv", "b_c"))
    assert llama["c"]["bytes"].expr - 2 * L * B * c * h * H_kv * b_c == 0
    assert llama["c"]["cache share"].number == 1
    group = sympy.limit(llama["c"]["intensity"].coefficient / n, h, sympy.oo)  # two FLOP a query head and element
    assert group == 2 * H_q / (H_kv * b_c)
    assert symroof.limits(symroof.load("falcon-mamba-7b"))["c"]["FLOP"].power == 0
    assert symroof.limits(symroof.load("llama-3.1-8b"))["n"]["FLOP"].power == 2


SIDES = {"llama-3.1-8b", "mixtral-8x7b", "deepseek-v3", "gemma-2-9b", "llama-4-scout", "jamba-v0.1"}


@pytest.mark.parametrize("name", sorted(SIDES))
def test_where_attention_passes_the_feed_forward_networks(name):
    model = symroof.load(name)
    found = symroof.limits(model, batch_size=4)
    assert len(found.passings) == 4
    assert name != "llama-3.1-8b" or [x.solution is None for x in found.passings] == [False, False, False, True]

    def gap(x, value):
        step = {"batch_size": 4, "new": 1, "cached": 0, NAMES[str(x.symbol)]: value}
        rows = model.report(**step).rows
        attention = {row.block for row in rows if row.role == "attention_core"}
        networks = {row.block for row in rows if row.role in ("ffn", "routed_experts")}
        figure = (lambda cost: cost.flops) if x.name.endswith("FLOP") else (lambda cost: cost.moved)
        left, right = (sum(figure(row.all) for row in rows if row.block in side) for side in (attention, networks))
        return left - right

    for x in found.passings:
        if x.value is None:
            assert all(gap(x, 10**i) < 0 for i in range(12))
        else:
            assert gap(x, x.value) >= 0
            least = 0 if str(x.symbol) == "c" else 1
            assert x.value == least or gap(x, x.value - 1) < 0
        if x.solution is not None:
            place = found.point.moved({symbol(y): z for y, z in x.given.items()}).number(x.solution)
            assert x.value - 1 <= place <= x.value + 1e-6


def test_a_model_without_one_of_the_two_has_no_passing():
    assert symroof.limits(symroof.load("falcon-mamba-7b")).passings == ()


c, w, k, N_e, T = map(symbol, ("c", "w", "k", "N_e", "T"))


@pytest.mark.parametrize(
    ("expr", "x", "power"),
    [
        (N_e * (1 - (1 - k / N_e) ** T), N_e, 0),
        (N_e**2 * ((1 - k / N_e) ** T - 1 + k * T / N_e), N_e, 0),
        (1 / (N_e + w) - 1 / N_e, N_e, -2),
        ((1 - k / w) ** T * T**3 + T, T, 1),
        (sympy.Min(c, w) * c + sympy.Max(c - w, 0), c, 1),
        ((c + 3) * (c - 3) - c**2, c, 0),
        (c * sympy.floor(c / w), c, 2),
        (w * sympy.floor(w / k) + 1 / c, c, 0),
    ],
)
def test_leading_terms_of_formulas(expr, x, power):
    values = {c: 5, w: 12, k: 5, N_e: 40, T: 9}
    found, far = leading_term([expr], x, Point(values)), 10**7
    assert found.power == power
    run = sympy.lambdify([x], expr.subs({y: z for y, z in values.items() if y != x}), "mpmath")
    import mpmath

    with mpmath.workdps(60):
        assert math.isclose(run(mpmath.mpf(far)), found.number * float(far) ** power, rel_tol=1e-4)


def test_what_has_no_leading_term():
    assert leading_term([sympy.Integer(0)], c, Point({c: 1})).number == 0
    with pytest.raises(SymroofError, match="no leading term"):
        leading_term([sympy.sin(c)], c, Point({c: 1}))


def call(*words):
    return CliRunner().invoke(cli, ["limits", *map(str, words)], terminal_width=80)


def test_the_command():
    text = call("llama-3.1-8b", "--on", "h100-sxm").stdout
    assert "long context (c -> oo)" in text
    assert "2 L h H_kv b_c" in text
    assert "= 128.00 KiB\n" in text
    assert "2 L B c h H_kv b_c/W" in text
    assert "= 16,197 (smallest whole number)" in text
    found = json.loads(call("mixtral-8x7b", "--json", "--batch-size", 4).stdout)
    assert found["schema"] == "symroof.limits/1"
    assert [x["symbol"] for x in found["limits"]] == ["c", "B", "n", "N_e"]
    assert found["held"] == {"B": 4, "n": 1, "c": 0}
    assert set(found["limits"][0]["rows"][0]) == {"name", "unit", "power", "coefficient", "number"}
    assert {x["symbol"] for x in found["passings"]} == {"c", "n"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cached-tokens", 1, 2], "identical queries"),
        (["--on", "h100-sxm", "--on", "l40s"], "takes a single machine"),
        (["--on", "h10"], "did you mean"),
        (["--batch-size", 0], "out of range"),
    ],
)
def test_errors(words, told):
    found = call("llama-3.1-8b", *words)
    assert found.exit_code == 2
    assert told in found.stderr


def test_experts_of_very_many_tokens():
    """An exact power of as many digits as there are tokens would never end."""
    start = time.process_time()
    result = CliRunner().invoke(cli, ["limits", "deepseek-v4-flash", "--batch-size", "1000000000"])
    assert result.exit_code == 0, result.exception
    assert time.process_time() - start < 8
