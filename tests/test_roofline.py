"""Time of a step on a machine: textbook figures, laws over models, crossovers, memory, fusion, and the command."""

import json
import re
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from click.testing import CliRunner
from sympy import Integer, Symbol

import symroof
from symroof import symbols as s
from symroof.algebra.binding import Binding
from symroof.cli import cli
from symroof.cost import operator_time
from symroof.cost.cost import Cost
from symroof.errors import UsageError
from symroof.hardware.machines import Machine, inline_machine, machine
from symroof.hardware.platform import Platform, platform
from symroof.model.model import Model
from symroof.model.report import Report, Row
from symroof.performance import capacity
from symroof.performance import crossovers as crossing
from symroof.performance import roofline as module
from symroof.performance.capacity import DoesNotFit, memory_need
from symroof.performance.crossovers import crossovers
from symroof.performance.roofline import Roofline, TimedOperator, fused_rules, roofline
from symroof.render.results import roofline as rendered

# A ridge at 100 FLOP a byte in bf16, at 200 in fp8.
ROUND = inline_machine("name=round,bf16=100T,fp8=200T,fp32=50T,vector=10T,bandwidth=1TB/s,memory=80GiB,power=500W")
B200 = machine("b200")

load = cache(symroof.load)


def halved(x: Machine) -> Machine:
    """A machine at half the rates."""
    peaks = {name: rate / 2 for name, rate in x.peaks.items()}
    return replace(x, peaks=peaks, vector=x.vector and x.vector / 2, bandwidth=x.bandwidth / 2)


def times(found: Roofline) -> dict[str, Any]:
    """Its seconds, exact where those of its operators are."""
    exact = not any(isinstance(x.seconds.time, float) for x in found.rows)
    figures = {"time": found.time, "fused": found.fused, "lower": found.lower}
    return {name: x.exact if exact else float(x) for name, x in figures.items()}


# --- textbook -----------------------------------------------------------------------------------------------------

G, T = 10**9, 10**12
# cost -> ms on ROUND of its matmuls, its elementwise operations, its bytes; all in all; what bounds it
TEXTBOOK = [
    (Cost(matmul=200 * G, act_read=1 * G), 2, 0, 1, 2, "compute"),
    (Cost(matmul=100 * G, weight_read=3 * G), 1, 0, 3, 3, "memory"),
    (Cost(matmul=100 * G, act_write=1 * G), 1, 0, 1, 1, "memory"),  # at the ridge both take as long
    (Cost(matmul=100 * G + 1, act_write=1 * G), 1 + Fraction(1, 100 * G), 0, 1, 1 + Fraction(1, 100 * G), "compute"),
    (Cost(matmul=100 * G, vector=10 * G, cache_read=1 * G), 1, 1, 1, 2, "compute"),  # units take turns
    (Cost(vector=5 * G, act_read=1 * G, act_write=1 * G), 0, Fraction(1, 2), 2, 2, "memory"),
    (
        Cost(weight_read=G, cache_read=G, cache_write=G, act_read=G, act_write=G, weight_held=9 * G),
        0,
        0,
        5,
        5,
        "memory",
    ),
    (Cost(weight_held=9 * G, cache_held=9 * G), 0, 0, 0, 0, "memory"),
]


def timed(cost: Cost, on: Platform, layers: int = 1) -> TimedOperator:
    """An operator with bf16 weights and that cost, on a platform."""
    report = load("llama-3.1-8b").report()
    return module.timed_operator(replace(report.rows[2], cost=cost, layers=layers), report, on)


@pytest.mark.parametrize(("cost", "matmul", "vector", "moving", "total", "bound"), TEXTBOOK)
def test_an_operator_takes_the_longer_of_computing_and_moving(
    cost: Cost, matmul: Any, vector: Any, moving: Any, total: Any, bound: str
) -> None:
    found = timed(cost, platform(ROUND), layers=3)
    took = found.seconds
    assert [1000 * x for x in (took.matmul, took.vector, took.memory, took.time)] == [matmul, vector, moving, total]
    assert found.time.exact == 3 * took.time
    assert found.bound == bound
    assert found.ideal == took


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({}, (2, 1)),
        ({"mfu": 0.5}, (4, 1)),
        ({"mbu": 0.25}, (2, 4)),
        ({"mfu": 0.8, "mbu": 0.1}, (Fraction(5, 2), 10)),
        ({"compute": "fp8"}, (1, 1)),
        ({"compute": "fp32", "mfu": 0.5}, (8, 1)),
    ],
)
def test_parts_of_peaks_and_formats_scale_as_stated(setting: Any, expected: Any) -> None:
    found = timed(Cost(matmul=200 * G, act_read=1 * G), platform(ROUND, **setting))
    assert (1000 * found.seconds.compute, 1000 * found.seconds.memory) == expected
    assert 1000 * found.seconds.time == max(expected)
    assert 1000 * found.ideal.time == (1 if setting.get("compute") == "fp8" else 4 if "fp32" in setting.values() else 2)


@pytest.mark.parametrize(("overhead", "bound"), [(0, "compute"), (2e-3, "compute"), (0.0020001, "launch")])
def test_a_launch_adds_to_an_operator(overhead: float, bound: str) -> None:
    found = timed(Cost(matmul=200 * G, act_read=1 * G), platform(ROUND, overhead=overhead))
    assert found.seconds.time == Fraction(2, 1000) + Fraction(str(overhead))
    assert found.ideal.time == Fraction(2, 1000)
    assert found.bound == bound


def test_what_moves_no_activations_is_no_operator_to_launch() -> None:
    """Images that are not there, bias vectors that are another operator's."""
    found = roofline(load("llama-3.2-11b-vision"), platform(ROUND, overhead=0.001))
    idle = {x.row.path for x in found.rows if not x.time}
    assert "cross_layer/attend" in idle
    assert idle == {x.row.path for x in found.rows if not x.row.cost.act_read + x.row.cost.act_write}


@pytest.mark.parametrize(
    ("cost", "ridge"),
    [
        (Cost(matmul=7 * G, act_read=3 * G), 100),
        (Cost(vector=7 * G, act_read=3 * G), 10),
        (Cost(matmul=10 * G, vector=1 * G, act_read=3 * G), 55),  # 11 FLOP take the time of 20 of the matmul units
        (Cost(act_read=3 * G), None),
        (Cost(matmul=3 * G), None),
    ],
)
def test_ridges(cost: Cost, ridge: Any) -> None:
    for setting, times in (({}, 1), ({"mfu": 0.5, "mbu": 0.5}, 1), ({"mbu": 0.5}, 2), ({"mfu": 0.5}, 0.5)):
        found = timed(cost, platform(ROUND, **setting)).ridge
        assert found == (None if ridge is None else pytest.approx(ridge * times))


@pytest.mark.parametrize(("batch", "bound"), [(1, "memory"), (103, "memory"), (104, "compute"), (500, "compute")])
def test_a_matmul_turns_compute_bound_at_its_batch(batch: int, bound: str) -> None:
    """B rows of 14336 x 4096: B / (1 + B/14336 + B/4096) FLOP a byte, 100 from B = 103.2 on."""
    rows = {x.row.path: x for x in roofline(load("llama-3.1-8b"), platform(ROUND), batch_size=batch).rows}
    found = rows["mlp/down"]
    assert found.row.cost.intensity == pytest.approx(1 / (1 / batch + 1 / 14336 + 1 / 4096))
    assert found.ridge == pytest.approx(100)
    assert found.bound == bound
    moved = 2 * (14336 * 4096 + batch * (14336 + 4096))
    assert found.seconds.time == max(Fraction(2 * batch * 14336 * 4096, 100 * T), Fraction(moved, T))


def test_without_a_vector_rate_elementwise_work_takes_no_time() -> None:
    found = roofline(load("llama-3.1-8b"), platform(machine("tpu-v5e").times(4)), new=100)
    assert {x.seconds.vector for x in found.rows} == {0}
    assert "no elementwise rate published" in rendered.roofline_text(found)


# --- laws ---------------------------------------------------------------------------------------------------------

VARIED = [
    "llama-3.1-8b", "llama-3.2-11b-vision", "gpt2", "falcon-7b", "gemma-2-2b", "gemma-3n-e4b", "phi-mini-moe",
    "mixtral-8x7b", "gpt-oss-20b", "deepseek-v2-lite", "deepseek-v3", "deepseek-v3.2", "deepseek-v4-flash",
    "qwen3-next-80b-a3b", "minimax-m1-80k", "mamba-130m", "mamba-codestral-7b", "jamba-v0.1", "rwkv-5-world-3b",
    "xlstm-7b", "zamba-7b", "kimi-linear-48b-a3b", "llama-4-scout", "olmo-3-7b", "nemotron-h-56b",
    "nemotron-3-nano-30b-a3b-nvfp4", "bitnet-2b-4t",
]  # fmt: skip
STEPS = {"decode": {"new": 1, "cached": 3000, "batch_size": 8}, "prefill": {"new": 2048}}


def found_for(name: str, on: Platform, step: Any, **more: Any) -> Roofline:
    return roofline(load(name), on, anyway=True, **step, **more)


def by_hand(report: Report, on: Machine, peak: Any, path: str) -> Any:
    """Seconds of an operator from the figures of its row and a peak for its matmuls."""
    row = next(row for row in report.rows if row.path == path)
    x = row.cost
    moved = x.weight_read + x.act_read + x.act_write + x.cache_read + x.cache_write
    return row.layers * max(
        x.matmul / Fraction(peak) + x.vector / Fraction(on.vector or 1), moved / Fraction(on.bandwidth)
    )


@pytest.mark.parametrize("name", VARIED)
def test_laws_of_a_roofline(name: str) -> None:
    for step in STEPS.values():
        found = found_for(name, platform(B200), step)
        assert 0 < found.lower <= found.fused <= found.time
        assert sorted(map(repr, found.rows)) == sorted(map(repr, found.ranked.rows))
        adds_up_row_by_row(found)
        fusing_spares_activations(found, load(name).report(rules="fused", **step))
        same(times(found_for(name, platform(B200.times(3)), step)), times(found), Fraction(1, 3))
        slower = times(found_for(name, platform(halved(B200)), step))
        same(slower, times(found), 2)
        same(
            times(found_for(name, platform(B200, mfu=0.5, mbu=0.5), step)),
            {**slower, "lower": times(found)["lower"]},
            1,
        )


def same(one: dict[str, Any], other: dict[str, Any], factor: Any) -> None:
    """One's seconds are the other's times a factor: exactly, but for experts in expectation, which are floats."""
    for name, x in one.items():
        exact = not any(isinstance(y, float) for y in (x, other[name]))
        assert x == (factor * other[name] if exact else pytest.approx(float(factor * other[name]), rel=1e-12))


def adds_up_row_by_row(found: Roofline) -> None:
    """Each operator's time follows from its row's figures, and what bounds the step from its totals."""
    busy = {"compute": 0, "memory": 0}
    for x in found.rows:
        peak = 1 / sum(y / Fraction(B200.peak(form)) for form, y in x.formats.items()) if x.formats else 1
        assert x.time.exact == by_hand(found.report, B200, peak, x.row.path)
        busy["compute"] += x.row.all.matmul / fastest_peak(x.row, found)
        kept = x.row.all
        busy["memory"] += (kept.weight_read + kept.cache_read + kept.cache_write) / Fraction(B200.bandwidth)
    assert found.lower == pytest.approx(max(busy.values()), rel=1e-12)
    assert found.bound == max(busy, key=lambda unit: busy[unit])


def fastest_peak(row: Row, found: Roofline) -> Any:
    """FLOP/s of an operator in the fastest formats that its operands permit, over all its weights."""
    shares = found.platform.fastest_formats(row.operands, found.report.precision)
    return 1 / sum(share / Fraction(B200.peak(form)) for form, share in shares.items())


def fusing_spares_activations(found: Roofline, other: Report) -> None:
    """Fused or not, the same is computed, and differs by what elementwise operators read and write."""
    spared = 0
    for x, row in zip(found.rows, other.rows, strict=True):
        assert (x.row.path, x.row.cost.flops, x.row.cost.weight_read) == (
            row.path,
            row.cost.flops,
            row.cost.weight_read,
        )
        if x.formats:
            assert x.row.cost == row.cost
        spared += x.time - by_hand(other, B200, 1, row.path) if not x.formats else 0
    assert float(found.time - found.fused) == pytest.approx(float(spared), rel=1e-6)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "deepseek-v3", "mamba-130m", "gemma-3n-e4b", "kimi-linear-48b-a3b"])
def test_a_batch_of_equal_queries_is_uniform(name: str) -> None:
    on = platform(B200)
    uniform = found_for(name, on, {"new": 3, "cached": 500, "batch_size": 4})
    ragged = found_for(name, on, {"new": [3] * 4, "cached": [500] * 4})
    mixed = found_for(name, on, {"new": [3] * 3 + [2], "cached": [500] * 3 + [501]})
    assert times(ragged) == times(uniform)
    assert [x.seconds for x in ragged.rows] == [x.seconds for x in uniform.rows]
    assert times(mixed) != times(uniform)


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gpt-oss-20b", "deepseek-v3", "falcon-mamba-7b"])
def test_launches_add_for_every_operator(name: str) -> None:
    plain, launched = (found_for(name, platform(B200, overhead=x), STEPS["decode"]) for x in (0, 0.5))
    operators = sum(x.row.layers for x in plain.rows if x.row.cost.act_read + x.row.cost.act_write)
    alone = sum(
        x.row.layers
        for x, y in zip(plain.rows, load(name).report(rules="fused", **STEPS["decode"]).rows, strict=True)
        if y.cost.act_read + y.cost.act_write
    )
    assert 0 < alone < operators
    assert float(launched.time - plain.time) == pytest.approx(operators / 2, rel=1e-9)
    assert float(launched.fused - plain.fused) == pytest.approx(alone / 2, rel=1e-9)
    assert launched.lower == plain.lower
    assert {x.bound for x in launched.rows if x.row.cost.act_write} == {"launch"}


def test_where_nothing_is_elementwise_fusing_changes_nothing() -> None:
    model = load("llama-3.1-8b")
    found = roofline(model, platform(ROUND), rules="fused")
    assert found.fused == found.time == roofline(model, platform(ROUND)).fused
    assert {fused_rules((x,)) for x in ("transformer-roofline-analyzer", "llm-viewer")} == {
        ("transformer-roofline-analyzer",),
        ("llm-viewer",),
    }
    tool = roofline(model, platform(ROUND), rules="llm-viewer", new=5)
    assert tool.fused == tool.time


def test_the_lower_bound_is_the_busier_unit_whatever_is_reached() -> None:
    decode = roofline(load("llama-3.1-8b"), platform(ROUND))
    prefill = roofline(load("llama-3.1-8b"), platform(ROUND), new=4096)
    assert (decode.bound, prefill.bound) == ("memory", "compute")
    # 2 bytes of each weight but the table, and a row of it, 128 KiB of cache: at 1 TB/s
    weights = 2 * (8_030_261_248 - 128256 * 4096 + 4096)
    assert decode.lower.exact == Fraction(weights + 131072, T)
    total = prefill.report.total
    assert prefill.lower.exact == Fraction(total.matmul, 100 * T)
    for setting in ({"mfu": 0.3}, {"mbu": 0.3}, {"overhead": 1e-3}):
        slow = roofline(load("llama-3.1-8b"), platform(ROUND, **setting))
        assert slow.lower == decode.lower < slow.fused <= slow.time


# --- formats of checkpoints ---------------------------------------------------------------------------------------

DENSE = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 8,
    "vocab_size": 1000,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "torch_dtype": "bfloat16",
}


def fp8_but(*ignored: str) -> Model:
    """A checkpoint whose linear layers are in fp8, inputs too, but for some modules."""
    fp8 = {"num_bits": 8, "type": "float"}
    group = {"targets": ["Linear"], "weights": fp8, "input_activations": fp8}
    quant = {"quant_method": "compressed-tensors", "config_groups": {"g": group}, "ignore": ["lm_head", *ignored]}
    return symroof.load(DENSE | {"quantization_config": quant})


@pytest.mark.parametrize("step", [{"new": 1}, {"new": 4000}], ids=["decode", "prefill"])
def test_layers_of_two_formats_take_the_time_of_both_parts(step: Any) -> None:
    """3 of 8 layers stay in bf16: what matmuls and memory take is 5/8 of one checkpoint's and 3/8 of the other's."""
    mixed, low, high = (
        roofline(x, platform(ROUND), **step)
        for x in (fp8_but(*(f"model.layers.{i}.*" for i in (0, 3, 7))), fp8_but(), symroof.load(DENSE))
    )
    for one, fp8, bf16 in zip(mixed.rows, low.rows, high.rows, strict=True):
        for unit in ("matmul", "vector", "memory"):
            parts = (Fraction(5, 8) * getattr(fp8.seconds, unit), Fraction(3, 8) * getattr(bf16.seconds, unit))
            assert getattr(one.seconds, unit) == sum(parts)
        if fp8.formats != bf16.formats:
            assert one.formats == {"fp8": Fraction(5, 8), "bf16": Fraction(3, 8)}
            assert fp8.seconds.matmul == bf16.seconds.matmul / 2


RUN_IN = [
    # what, formats, --compute; then formats of attention's first projection, its cores, the network, the head
    ("llama-3.1-8b", {}, None, "bf16 bf16 bf16 bf16"),
    ("llama-3.1-8b", {"weights": "int4"}, None, "bf16 bf16 bf16 bf16"),
    ("llama-3.1-8b", {"dtype": "fp8"}, None, "fp8 fp8 fp8 fp8"),
    ("llama-3.1-8b", {"weights": "fp8", "activations": "fp8"}, None, "fp8 bf16 fp8 bf16"),
    ("llama-3.1-8b", {}, "fp8", "fp8 fp8 fp8 fp8"),
    ("deepseek-v3", {}, None, "fp8 bf16 fp8 bf16"),
    ("deepseek-v3", {}, "bf16", "bf16 bf16 bf16 bf16"),
    ("deepseek-v3", {"weights": "bf16"}, None, "bf16 bf16 bf16 bf16"),
    ("gpt-oss-20b", {}, None, "bf16 bf16 bf16 bf16"),
    ("qwen2.5-omni-7b-awq", {}, None, "bf16 bf16 bf16 bf16"),
]


@pytest.mark.parametrize(("name", "formats", "compute", "expected"), RUN_IN)
def test_operators_multiply_in_their_formats(name: str, formats: Any, compute: Any, expected: str) -> None:
    rows = found_for(name, platform(machine("h200-sxm"), compute), {}, **formats).rows
    first, core = (
        next(x for x in rows if test(x))
        for test in (lambda x: x.row.role == "attention" and x.formats, lambda x: x.row.role == "attention_core")
    )
    network = next(x for x in rows if x.row.role in ("ffn", "routed_experts") and x.formats)
    assert [next(iter(x.formats)) for x in (first, core, network, rows[-1])] == expected.split()
    for x in (first, core, network, rows[-1]):
        peak = machine("h200-sxm").peak(next(iter(x.formats)))
        assert x.seconds.matmul == pytest.approx(float(x.row.cost.matmul / Fraction(peak)), rel=1e-12)


def test_a_machine_without_a_format_is_told_with_those_it_has() -> None:
    checkpoint = load("gemma-4-31b-nvfp4")
    assert {"nvfp4", "bf16"} <= {form for x in roofline(checkpoint, platform(B200)).rows for form in x.formats}
    with pytest.raises(UsageError, match=r"h100-sxm has no rate .* nvfp4: .*--compute FORMAT \(.*bf16.*fp8") as error:
        roofline(checkpoint, platform(machine("h100-sxm")))
    assert "fp4," not in str(error.value).partition("FORMAT")[2]
    assert roofline(checkpoint, platform(machine("h100-sxm"), "bf16")).time


WIDTHS = [
    ("gpt2", "attention/qkv", "b_w"),
    ("gpt2", "attention/attend", ""),
    ("gpt2", "attention/norm", ""),
    ("gpt2", "head/logits", "b_emb"),
    ("llama-3.1-8b", "head/logits", "b_head"),
    ("llama-3.1-8b", "mlp/down", "b_f"),
    ("llama-3.1-8b", "attention/out", "b_o"),
    ("mixtral-8x7b", "moe/experts.down", "b_e"),
    ("mixtral-8x7b", "moe/router", "b_r"),
    ("mamba-130m", "mamba/conv", ""),
    ("mamba-130m", "mamba/in", "b_m"),
]


@pytest.mark.parametrize(("name", "path", "width"), WIDTHS)
def test_an_operator_knows_the_weights_it_multiplies_by(name: str, path: str, width: str) -> None:
    assert load(name).graph().find(path).width == width
    assert next(row.width for row in load(name).report().rows if row.path == path) == width


# --- formulas -----------------------------------------------------------------------------------------------------

FORMULAS = [
    ("llama-3.1-8b", {"n": 1, "c": 3000, "B": 8}, "standard"),
    ("llama-3.1-8b", {"n": 700, "c": 0, "B": 2}, "fused"),
    ("gpt-oss-20b", {"n": 1, "c": 3000, "B": 16}, "standard"),
    ("mamba-130m", {"n": 64, "c": 7, "B": 3}, "standard"),
    ("deepseek-v2-lite", {"n": 5, "c": 300, "B": 4}, "exact-dots"),
]
SETTING: dict[str, Any] = {"compute": "bf16", "mfu": 0.7, "mbu": 0.8, "overhead": 3e-6}


def bound(model: Model, on: Platform, name: str, at: dict[str, int], rules: str) -> Any:
    """The closed form of a quantity with sizes, widths, rates and a uniform batch for its symbols."""
    kept = model.precision(dtype="bf16")
    used = on.rates("ffn", 1, "", kept)
    values = {**at, **kept.widths(), **used, **on.energies(used)}
    layer = Binding(model.sizes, {s.symbol(x): y for x, y in values.items()})
    return layer(model.formula(name, rules=rules, uniform=True))


@pytest.mark.parametrize(("name", "at", "rules"), FORMULAS)
def test_the_closed_form_of_the_time_is_that_of_the_roofline(name: str, at: Any, rules: str) -> None:
    model, on = load(name), platform(B200, **SETTING)
    found = roofline(model, on, rules, new=at["n"], cached=at["c"], batch_size=at["B"], dtype="bf16")
    told = bound(model, on, "time", at, rules)
    assert told.is_number
    assert float(told) == pytest.approx(float(found.time), rel=1e-12)


def test_the_closed_form_of_the_energy() -> None:
    model, on, at = load("llama-3.1-8b"), platform(ROUND, joules=(1e-12, 3e-11)), {"n": 9, "c": 50, "B": 3}
    total = model.report(9, 50, 3).total
    assert bound(model, on, "energy", at, "standard") == pytest.approx(1e-12 * total.flops + 3e-11 * total.moved)


def test_a_switch_of_a_launch_stays_a_symbol_until_rules_choose() -> None:
    x = Symbol("x", positive=True)
    assert operator_time.launches(Cost(act_read=s.psi * x, act_write=s.psi * x)) == s.psi
    assert operator_time.launches(Cost(act_read=s.delta * x)) == s.delta
    assert [operator_time.launches(y) for y in (Cost(act_read=x), Cost(act_write=3), Cost(weight_read=x), Cost())] == [
        1,
        1,
        0,
        0,
    ]
    assert operator_time.longest(Integer(0), x) == x
    assert operator_time.longest(Integer(0), Integer(0)) == 0


@pytest.mark.parametrize("form", ["text", "latex", "markdown", "python"])
@pytest.mark.parametrize("more", [[], ["--uniform"], ["--bind"], ["--op", "mlp"]], ids=" ".join)
def test_time_and_energy_are_printed_as_formulas(form: str, more: list[str]) -> None:
    result = run("formula", "llama-3.1-8b", "--quantity", "time,energy", "--format", form, *more)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "max" in result.output
    assert "max(0," not in result.output.replace("\\left", "")
    rates = ("t_0", "u_F", "e_W")
    assert all(x in result.output for x in rates)
    if form == "text":
        assert re.search(r"^  t_0 +overhead of launching an operator", result.output, re.MULTILINE)


def test_printed_python_of_the_time_computes_it() -> None:
    space: dict[str, Any] = {}
    source = run("formula", "llama-3.1-8b", "--quantity", "time", "--format", "python", "--uniform").output
    exec(compile(source, "formula", "exec"), space)
    model, on = load("llama-3.1-8b"), platform(ROUND, **SETTING)
    kept = model.precision()
    values = {**model.architecture.sizes, **kept.widths(), **on.rates("ffn", 1, "", kept), "B": 8, "n": 1, "c": 3000}
    arguments = {x: float(values[x]) for x in space["llama_3_1_8b_time"].__code__.co_varnames}
    assert space["llama_3_1_8b_time"](**arguments) == pytest.approx(float(roofline(model, on, **STEPS["decode"]).time))


# --- crossovers ---------------------------------------------------------------------------------------------------

NAMES = {
    "decode": "decode turns compute-bound",
    "cache": "cache read passes weights read",
    "prefill": "prefill turns compute-bound",
}
# model, machine, cached, batch, formats
CROSSED: list[Any] = [
    ("llama-3.1-8b", B200, 0, 1, {}),
    ("llama-3.1-8b", B200, 100, 4, {"cache": "fp8"}),
    ("llama-3.1-8b", B200, 100000, 1, {}),  # decode never turns
    ("mixtral-8x7b", B200, 50, 2, {}),  # experts in expectation: no polynomials
    ("gpt-oss-20b", machine("h100-sxm"), 20, 1, {}),
    ("deepseek-v3", B200, 100, 8, {}),
    ("gemma-3-1b", B200, 64, 1, {}),  # windows
    ("mamba-130m", B200, 0, 5, {}),  # a state: cache never passes, or always
    ("olmo-3-7b", machine("mi300x"), 4096, 16, {}),
    ("qwen3-next-80b-a3b", B200, 4096, 1, {}),
    ("llama-3.2-1b", inline_machine("peak=1e15,bandwidth=1e15,memory=1GiB"), 10, 1, {}),  # compute-bound from the start
]


def busy(report: Report, on: Platform) -> tuple[Any, Any]:
    """Seconds of matmuls, and of weights and cache, from a report's rows."""
    computing, moved = Fraction(0), Fraction(0)
    for row in report.rows:
        shares = on.fastest_formats(row.operands, report.precision) if row.all.matmul else {}
        computing += row.all.matmul * sum(x / Fraction(on.machine.peak(form)) for form, x in shares.items())
        moved += row.all.weight_read + row.all.cache_read + row.all.cache_write
    return computing, moved / Fraction(on.machine.bandwidth)


def reached(name: str, on: Platform, at: int, case: Any) -> bool:
    """Whether what a crossover tells of holds at a batch, context or prompt."""
    model, _, cached, batch, formats = case
    step = {"decode": (1, cached, at), "cache": (1, at, batch), "prefill": (at, 0, batch)}[name]
    report = load(model).report(*step, **formats)
    if name == "cache":
        return bool(report.total.cache_read >= report.total.weight_read)
    computing, moving = busy(report, on)
    return bool(computing >= moving)


@pytest.mark.parametrize("case", CROSSED, ids=lambda x: x[0])
def test_a_crossover_is_the_first_whole_number_at_which_it_holds(case: Any) -> None:
    model, on, cached, batch, formats = case
    found = {x.name: x for x in crossovers(load(model), platform(on), cached, batch, **formats)}
    assert list(found) == list(NAMES.values())
    for name, title in NAMES.items():
        x, least = found[title], int(name != "cache")
        if x.value is None:
            assert not reached(name, platform(on), 10**9, case)
            continue
        assert reached(name, platform(on), x.value, case)
        assert x.value == least or not reached(name, platform(on), x.value - 1, case)
        assert x.symbol in (x.left - x.right).free_symbols


def test_what_crossovers_there_are() -> None:
    plain, _, long, experts = (
        [x.value for x in crossovers(load(model), platform(on), cached, batch, **formats)]
        for model, on, cached, batch, formats in CROSSED[:4]
    )
    assert None not in (*plain, *experts)
    assert long == [None, plain[1], plain[2]]


def test_the_critical_batch_of_weights_alone_is_the_ridge() -> None:
    """F / W in bf16, where a weight is two FLOP and two bytes: the cache and embedding left out."""
    model = load("llama-3.1-70b").with_sizes(H_kv=1, h=1, V=1)
    found = crossovers(model, platform(ROUND))[0]
    assert found.value == pytest.approx(100, abs=2)
    straight = found.solution.xreplace({Symbol("F_bf16", nonnegative=True): 100 * T, s.W: T})
    assert found.value - 1 < straight <= found.value


def test_crossovers_obey_rules_and_logits() -> None:
    model = load("llama-3.2-1b")
    last, every, none = (crossovers(model, platform(B200), logits=x)[2].value for x in ("last", "all", "none"))
    assert none == every < last  # of a head that runs once the weights are read all the same
    assert crossovers(model, platform(B200), rules="logits-all")[2].value == every


@pytest.mark.parametrize(
    ("left", "right", "solution", "value"),
    [
        (2 * s.B, Integer(7), Fraction(7, 2), 4),
        (2 * s.B, Integer(8), 4, 4),
        (s.B, 3 * s.B, 0, None),
        (s.B**2, Integer(10), None, 4),
        (Integer(3), Integer(2), None, 1),
        (Integer(1), Integer(2), None, None),
        (s.B, 900 - 100 * 2 ** (-s.B), None, 900),
        (-(Fraction(1, 2) ** 3) * s.B, Integer(-1) + Integer(2) ** (-s.B), None, 1),
        (2**s.B, Integer(2**40 - 1), None, 40),
        (2**s.B, Integer(2**40), None, 40),
        (2**s.B, Integer(2**40 + 1), None, 41),
    ],
)
def test_a_crossing_of_two_forms(left: Any, right: Any, solution: Any, value: int | None) -> None:
    found = crossing.crossover("", "", s.B, left + Integer(0), right, {})
    assert (found.solution, found.value) == (solution, value)


# --- memory -------------------------------------------------------------------------------------------------------


def with_memory(bytes_: int) -> Machine:
    return replace(ROUND, memory=bytes_)


LONG = {"cached": 100_000, "batch_size": 4}


def test_what_a_step_needs() -> None:
    kept = memory_need(load("llama-3.1-8b").report(new=10, cached=990, batch_size=3))
    assert kept.weights == 2 * 8_030_261_248
    assert kept.cache == 3 * 1000 * 131072
    # of 30 rows the activation holds most: gate and up of 14336 come in, their product goes out
    assert kept.activations == 2 * 30 * 3 * 14336
    assert kept.total == kept.weights + kept.cache + kept.activations
    assert kept.to_dict() == {
        "weights": kept.weights,
        "cache": kept.cache,
        "activations": kept.activations,
        "needed": kept.total,
    }


@pytest.mark.parametrize("name", ["llama-3.1-8b", "deepseek-v3", "gemma-3n-e4b", "mamba-130m", "gpt-oss-20b"])
def test_memory_suffices_to_the_byte(name: str) -> None:
    model = load(name)
    exact = memory_need(model.report(**LONG)).total
    enough, short = int(-(-exact // 1)), int(-(-exact // 1)) - 1
    assert roofline(model, platform(with_memory(enough)), **LONG).fits
    with pytest.raises(DoesNotFit, match=f"{name} needs .*more than the .* of round;.* --anyway"):
        roofline(model, platform(with_memory(short)), **LONG)
    beyond = roofline(model, platform(with_memory(short)), anyway=True, **LONG)
    assert not beyond.fits
    assert times(beyond) == times(roofline(model, platform(with_memory(enough)), **LONG))


MILDER = [
    {},
    {"cache": "fp8"},
    {"weights": "fp8"},
    {"weights": "fp8", "cache": "fp8"},
    {"weights": "int4"},
    {"weights": "int4", "cache": "fp8"},
]


@pytest.mark.parametrize("name", ["llama-3.1-8b", "gpt2"])
@pytest.mark.parametrize("step", [LONG, {"cached": 1000}], ids=["long", "short"])
@pytest.mark.parametrize("cure", range(len(MILDER)))
def test_cures_are_the_mildest_that_fit(name: str, step: Any, cure: int) -> None:
    """With room for no more than a cure needs: it is named, unless a milder one needs no more."""
    model = load(name)
    needs = [memory_need(model.report(**step, **formats)).total for formats in MILDER]
    room = int(needs[cure]) - (0 if cure else 1)
    first = next((x for x, needed in zip(MILDER, needs, strict=True) if needed <= room), None)
    told = capacity.shortfall(model, with_memory(room), [step])
    if first == {}:
        assert not told
        return
    named = re.findall(r"so would (.*?)$", told)
    assert named == ([" ".join(f"--{role} {form}" for role, form in first.items())] if first else [])
    count = int(re.search(r"(\d+) x round would hold it", told)[1])  # type: ignore[index]
    assert count * room >= needs[0] > (count - 1) * room


def test_nothing_is_promised_that_would_not_fit() -> None:
    told = capacity.shortfall(load("llama-3.1-8b"), with_memory(10**9), [LONG])
    assert "so would" not in told
    with pytest.raises(DoesNotFit, match="2 x round would hold it, so would --weights fp8"):
        capacity.check_fits(load("llama-3.1-8b"), with_memory(14 * 2**30), [{}])
    assert capacity.machines_needed(100, replace(with_memory(30), count=1).times(2)) == 4


# --- the command --------------------------------------------------------------------------------------------------


def run(*words: Any) -> Any:
    return CliRunner().invoke(cli, [str(x) for x in words])


def at(width: int, monkeypatch: pytest.MonkeyPatch, *words: Any) -> str:
    """What is printed on a terminal of so many columns; 0 is a pipe."""
    monkeypatch.setattr("symroof.cli.terminal.terminal_width", lambda: width)
    result = run("roofline", *words)
    assert result.exit_code == 0, result.output
    return str(result.output)


WORDS = ("llama-3.1-70b", "--on", "h100-sxm", "--gpus", 4, "--cached-tokens", 8192)


@pytest.mark.parametrize("width", [0, 120, 80])
@pytest.mark.parametrize("model", ["llama-3.1-70b", "deepseek-v3", "qwen3-next-80b-a3b", "gpt-oss-120b"])
def test_lines_keep_to_the_width(model: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    words = (model, "--on", "h200-sxm", "--gpus", 8, "--cached-tokens", 8192, "--batch-size", 64)
    text = at(width, monkeypatch, *words)
    longest = max(map(len, text.splitlines()))
    assert longest <= width if width else longest > 120
    head = next(line for line in text.splitlines() if line.startswith("Operator"))
    assert ("FLOP/B" in head) == (width != 80)
    for words in ("one operator after another", "elementwise operators fused", "lower bound, ", "memory "):
        assert words in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]
    assert text.endswith("\n")


@pytest.mark.parametrize("width", [0, 120, 80])
def test_machines_side_by_side_keep_to_the_width(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("h100-sxm", "h200-sxm", "b200", "mi300x", "mi355x", "tpu-v5p")
    words = [x for name in names for x in ("--on", name)]
    text = at(width, monkeypatch, "llama-3.1-8b", *words, "--cached-tokens", 8192, "--batch-size", 16)
    assert all(re.search(rf"^{name} .* memory ", text, re.MULTILINE) for name in names)
    if width:
        assert max(map(len, text.splitlines())) <= width
    assert "c bound by compute" in text


def test_a_table_of_one_step() -> None:
    text = run("roofline", *WORDS).output
    assert text.startswith("llama-3.1-70b (llama) on 4 x h100-sxm: 1 query: 1 x (1 new, 8,192 cached)\n")
    row = next(line for line in text.splitlines() if line.startswith("mlp/gate_up")).split()
    # 8192 x 57344 weights of 2 bytes and 73 kB of activations at 13.4 TB/s, 80 times
    assert row[1:4] == ["80", "1.000", "0.003"]
    assert row[-1] == "memory"
    assert "5.61 ms" in " ".join(row)
    assert "4 x h100-sxm: 3.96 PFLOP/s in bf16, 267.60 TFLOP/s elementwise, 13.40 TB/s, 320.00 GiB" in text
    assert "ideal tensor parallelism" in text
    assert "Estimate" not in text
    assert "c = 424,213 (smallest whole number)" in text


def test_estimates_are_labelled(tmp_path: Any) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[h100-sxm.matmul]\nmfu = 0.7\n[h100-sxm.attention]\nmbu = 0.5\n")
    text = run("roofline", *WORDS, "--calibration", file).output
    assert "Estimate: matmul: 70.0 % of the peak FLOP/s, 100.0 % of the bandwidth; attention: 100.0 %" in text
    file.write_text("[h100-sxm.matmul]\nmfu = 0.7\n")
    assert "Estimate: matmul: 70.0 %" in run("roofline", *WORDS, "--calibration", file).output
    text = run("roofline", *WORDS, "--mfu", 0.7, "--mbu", 0.8, "--overhead", "5e-6").output
    assert "estimate, one operator after another" in text
    assert "lower bound, " in text
    assert "Estimate: 70.0 % of the peak FLOP/s, 80.0 % of the bandwidth." in text
    assert "Estimate: launching an operator takes 5.00 us." in text


def test_the_longest_come_first() -> None:
    found = json.loads(run("roofline", *WORDS, "--rank", "--json").output)
    shares = [row["time_s"] for row in found["rows"]]
    assert shares == sorted(shares, reverse=True)
    plain = json.loads(run("roofline", *WORDS, "--json").output)
    assert sorted(shares) == sorted(row["time_s"] for row in plain["rows"])
    assert found["totals"] == plain["totals"]


KEYS = {
    "": {"schema", "symroof", "report", "machine", "setting", "memory", "rows", "warnings", "totals", "crossovers"},
    "setting": {"compute", "overhead_s", "reach"},
    "memory": {"weights", "cache", "activations", "needed", "available", "fits"},
    "totals": {"time_s", "fused_s", "lower_bound_s", "bound", "estimate"},
}
ROW = {
    "path",
    "role",
    "layers",
    "formats",
    "flops",
    "bytes",
    "intensity",
    "ridge",
    "matmul_s",
    "vector_s",
    "memory_s",
    "time_s",
    "share",
    "bound",
}


def test_json_has_the_documented_keys() -> None:
    found = json.loads(run("roofline", *WORDS, "--json", "--mfu", 0.5).output)
    assert {key: set(found[key] if key else found) for key in KEYS} == KEYS
    assert {frozenset(row) for row in found["rows"]} == {frozenset(ROW)}
    assert {frozenset(x) for x in found["crossovers"]} == {
        frozenset({"name", "told", "symbol", "value", "left", "right"})
    }
    assert found["schema"] == "symroof.roofline/1"
    assert found["machine"]["count"] == 4
    assert found["setting"]["reach"]["experts"] == {"mfu": 0.5, "mbu": 1.0}
    report = json.loads(run("report", "llama-3.1-70b", "--cached-tokens", 8192, "--json").output)
    assert found["report"] == {key: x for key, x in report.items() if key != "rows"}
    assert [row["path"] for row in found["rows"]] == [row["path"] for row in report["rows"]]
    assert sum(row["time_s"] for row in found["rows"]) == pytest.approx(found["totals"]["time_s"])
    assert sum(row["share"] for row in found["rows"]) == pytest.approx(1)
    assert found["totals"]["estimate"]


def test_every_key_is_documented() -> None:
    told = str(module.__doc__)
    for key in {x for keys in KEYS.values() for x in keys} | ROW | {"rooflines", "refused"}:
        assert re.search(rf"\b{key}\b", told), key


def test_machines_that_cannot_are_named_beside_those_that_can() -> None:
    words = ("llama-3.1-70b", "--on", "h100-sxm", "--on", "h200-sxm", "--on", "v100-sxm-32gb", "--dtype", "bf16")
    result = run("roofline", *words)
    assert result.exit_code == 0
    assert re.search(r"^h200-sxm .* ms ", result.output, re.MULTILINE)
    text = " ".join(result.output.split())
    assert "h100-sxm: llama-3.1-70b needs 131.42 GiB" in text
    assert "v100-sxm-32gb: " in text
    found = json.loads(run("roofline", *words, "--json").output)
    assert found["schema"] == "symroof.rooflines/1"
    assert [x["machine"]["name"] for x in found["rooflines"]] == ["h200-sxm"]
    assert [x["machine"] for x in found["refused"]] == ["h100-sxm", "v100-sxm-32gb"]
    one = json.loads(run("roofline", "llama-3.1-70b", "--on", "h200-sxm", "--dtype", "bf16", "--json").output)
    assert found["rooflines"][0] == {key: x for key, x in one.items() if key != "crossovers"}


def test_machines_that_all_cannot_are_an_error() -> None:
    result = run("roofline", "llama-3.1-405b", "--on", "h100-sxm", "--on", "h200-sxm")
    assert result.exit_code == 1
    assert "h100-sxm" in result.stderr
    assert "h200-sxm" in result.stderr
    assert result.stdout == ""


def test_what_does_not_fit_has_no_time_unless_asked() -> None:
    refused, shown = (run("roofline", "llama-3.1-70b", "--on", "h100-sxm", *more) for more in ([], ["--anyway"]))
    assert (refused.exit_code, shown.exit_code) == (1, 0)
    assert refused.stdout == ""
    assert "51.42 GiB more than the 80.00 GiB of h100-sxm; 2 x h100-sxm would hold it" in refused.stderr
    assert "of 80.00 GiB, 51.42 GiB too much: weights 131.42 GiB" in shown.output


def test_rules_are_obeyed() -> None:
    plain, fused = (json.loads(run("roofline", *WORDS, "--json", "--rules", x).output) for x in ("standard", "fused"))
    assert fused["totals"]["time_s"] == fused["totals"]["fused_s"] == plain["totals"]["fused_s"]
    assert list(fused["report"]["rules"]) == ["standard", "fused"]
    last, every = (
        json.loads(run("roofline", "llama-3.2-1b", "--on", "b200", "--json", "--logits", x).output)
        for x in ("last", "all")
    )
    assert every["crossovers"][2]["value"] < last["crossovers"][2]["value"]
    report = run("report", "llama-3.1-8b", "--rules", "fused")
    assert report.exit_code == 0
    assert "fused" in report.output


FAILED = [
    ([], 2, "no machine is named: give --on"),
    (["--on", "h100"], 2, "did you mean one of h100-nvl, h100-pcie, h100-sxm?"),
    (["--on", "warp-drive"], 2, "unknown machine 'warp-drive'"),
    (["--on", "h100-sxm", "--mfu", "0"], 2, "mfu 0: give a fraction of the peak"),
    (["--on", "h100-sxm", "--mfu", "1.1"], 2, "'1.1': give a fraction from 0 to 1"),
    (["--on", "h100-sxm", "--mbu", "nan"], 2, "'--mbu': 'nan': give a fraction"),
    (["--on", "h100-sxm", "--mfu", "1e-320"], 2, "'1e-320': give a fraction"),
    (["--on", "h100-sxm", "--mfu", "x"], 2, "'x': give a fraction"),
    (["--on", "h100-sxm", "--overhead", "-1"], 2, "'-1': give a number in seconds"),
    (["--on", "h100-sxm", "--overhead", "nan"], 2, "'nan': give a number in seconds"),
    (["--on", "h100-sxm", "--overhead", "inf"], 2, "'inf': give a number in seconds"),
    (["--on", "h100-sxm", "--overhead", "1e308"], 2, "'1e308': give a number in seconds"),
    (["--on", "h100-sxm", "--compute", "bf17"], 2, "unknown format 'bf17'"),
    (["--on", "h100-sxm", "--compute", "fp4"], 2, "h100-sxm has no rate for matmuls in fp4"),
    (["--on", "h100-sxm", "--calibration", "missing.toml"], 2, "no file 'missing.toml'"),
    (["--on", "h100-sxm", "--calibration", "."], 1, "cannot be read"),
    (["--on", "h100-sxm", "--machine-file", "missing.toml"], 2, "missing.toml"),
    (["--on", "h100-sxm", "--gpus", "0"], 2, "--gpus"),
    (["--on", "h100-sxm", "--on", "h100-sxm"], 2, "two machines are called"),
    (["--machine", "peak=1T"], 2, "no memory"),
    (["--on", "h100-sxm", "--dtype", "bf17"], 2, "unknown format"),
    (["--on", "h100-sxm", "--rules", "fussed"], 2, "did you mean 'fused'?"),
    (["--on", "h100-sxm", "--cached-tokens", "1", "2", "--input-tokens", "1", "2", "3"], 2, "lists of the same length"),
    (["--on", "h100-sxm", "--set", "H_kv=7"], 2, "H_kv"),
]


@pytest.mark.parametrize(("words", "code", "told"), FAILED, ids=lambda x: " ".join(x) if isinstance(x, list) else "")
def test_a_mistake_is_one_line_with_its_cure(words: list[str], code: int, told: str) -> None:
    result = run("roofline", "llama-3.1-8b", *words)
    assert result.exit_code == code
    assert told in result.stderr
    assert result.stdout == ""
    assert result.stderr.strip().splitlines()[-1].startswith("Error: ")
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(
    "words",
    [
        ["--overhead", "1", "--mfu", "1e-6", "--mbu", "1e-6"],
        ["--cached-tokens", 10**18, "--batch-size", 10**18],
        ["--input-tokens", 10**18, "--batch-size", 10**18],
        ["--input-tokens", 10**18, "--mfu", "1e-6", "--logits", "all"],
    ],
)
@pytest.mark.parametrize("model", ["llama-3.1-8b", "mixtral-8x7b", "gpt-oss-20b"])
def test_extremes_are_answered(model: str, words: list[Any]) -> None:
    for more in ([], ["--json"]):
        result = run("roofline", model, "--on", "b200", "--anyway", *words, *more)
        assert (result.exit_code, result.exception) == (0, None)
