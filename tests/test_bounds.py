"""What is called a bound is one: laws over models, machines and formats, and a simulation of mixed steps."""

import json
from contextlib import suppress
from dataclasses import replace
from functools import cache

import pytest
import zoo
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symroof
from symroof.cli import cli
from symroof.cost.batch import Workload
from symroof.errors import UsageError
from symroof.hardware.machines import built_in_machines, inline_machine, machine
from symroof.hardware.platform import platform
from symroof.performance.roofline import roofline
from symroof.performance.serving import serve
from symroof.quantization.weight_formats import NAMES
from symroof.render.results.roofline import roofline_text
from symroof.render.results.serving import serving_text

load = cache(symroof.load)
CLOSE = 1 + 1e-12  # experts in expectation are floats

FORMATS = ("bf16", "fp16", "fp32", "fp8", "int8", "int4", "mxfp4", "nvfp4")
ROLES = ("weights", "experts", "activations", "cache")
MACHINES = sorted(built_in_machines())

models = st.sampled_from(sorted(zoo.MODELS)).map(zoo.MODELS.__getitem__)
schemes = {x: st.sampled_from((*FORMATS, *NAMES)) for x in ("weights", "experts")}
formats = st.fixed_dictionaries({}, optional={x: st.sampled_from(FORMATS) for x in ROLES} | schemes)
steps = st.fixed_dictionaries(
    {"new": st.integers(1, 40), "cached": st.integers(0, 60), "batch_size": st.integers(1, 500)}
)
parts = st.integers(1, 10).map(lambda x: x / 10)
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def timed(model, on, **step):
    """A step's roofline; None where the machine has no rate for what it multiplies in."""
    with suppress(UsageError):
        return roofline(model, on, anyway=True, **step)
    return None


@pytest.mark.parametrize("weights", NAMES)
@pytest.mark.parametrize("activations", ["bf16", "fp8", "int8"])
def test_weights_in_any_scheme_have_their_times(weights, activations):
    found = roofline(load("qwen3-30b-a3b"), "b200", weights=weights, activations=activations, anyway=True)
    assert 0 < found.lower.exact <= found.time.exact
    assert roofline_text(found)


# --- laws -----------------------------------------------------------------------------------------------------------


@many
@given(models, st.sampled_from(MACHINES), formats, steps, parts, parts, st.sampled_from([0, 5e-6]))
def test_an_estimate_is_no_less_than_the_peaks_and_those_than_the_bound(model, name, formats, step, mfu, mbu, overhead):
    peaks = timed(model, name, **step, **formats)
    if peaks is not None:
        estimate = timed(model, platform(machine(name), None, mfu, mbu, overhead), **step, **formats)
        assert estimate.lower == peaks.lower
        assert 0 < peaks.lower.exact <= peaks.fused.exact * CLOSE <= peaks.time.exact * CLOSE**2
        assert peaks.time.exact <= estimate.time.exact * CLOSE


@many
@given(models, st.sampled_from(MACHINES), formats, steps, st.data())
def test_a_faster_machine_has_no_higher_bound(model, name, formats, step, data):
    slow = machine(name)
    found = timed(model, slow, **step, **formats)
    if found is not None:
        rate = data.draw(st.sampled_from([*slow.peaks, "bandwidth", "vector"]))
        peaks = {x: y * (3 if x == rate else 1) for x, y in slow.peaks.items()}
        fast = replace(slow, peaks=peaks)
        if rate in ("bandwidth", "vector") and getattr(slow, rate):
            fast = replace(slow, **{rate: 3 * getattr(slow, rate)})
        assert timed(model, fast, **step, **formats).lower.exact <= found.lower.exact * CLOSE


@many
@given(models, st.sampled_from(MACHINES), formats, steps, st.data())
def test_a_machine_of_one_more_format_has_no_higher_bound(model, name, formats, step, data):
    without = machine(name)
    found = timed(model, without, **step, **formats)
    added = [x for x in ("fp64", "fp32", "tf32", *FORMATS[:6], "fp6", "fp4") if x not in without.peaks]
    if found is not None and added:
        form, rate = data.draw(st.sampled_from(added)), data.draw(st.integers(1, 10**4)) * 10**12
        assert (
            timed(model, replace(without, peaks={**without.peaks, form: rate}), **step, **formats).lower.exact
            <= found.lower.exact * CLOSE
        )


@many
@given(models, st.sampled_from(MACHINES), formats, steps)
def test_a_step_is_bounded_by_its_operators(model, name, formats, step):
    """No less than any operator by itself, no more than all of them one after another."""
    found = timed(model, name, **step, **formats)
    if found is not None:
        width = machine(name).bandwidth
        each = [
            x.row.layers
            * max(x.ideal.matmul, (x.row.cost.weight_read + x.row.cost.cache_read + x.row.cost.cache_write) / width)
            for x in found.rows
        ]
        assert max(each) <= found.lower.exact * CLOSE
        assert found.lower.exact <= sum(each) * CLOSE


@settings(max_examples=15, deadline=None)
@given(
    models,
    st.sampled_from(["h100-sxm", "b200", "a100-sxm-80gb", "l40s"]),
    formats,
    st.integers(1, 9),
    st.integers(0, 9),
)
def test_a_bound_is_one_figure_wherever_it_is_asked_for(model, name, formats, batch, cached):
    found = timed(model, name, new=1, cached=cached, batch_size=batch, **formats)
    if found is not None:
        near = pytest.approx(float(found.lower), rel=1e-9)
        columns = model.sweep({"batch": [batch]}, "time.lower", on=name, cached=cached, **formats).columns
        assert columns["time.lower"][0] == near
        served = serve(model, name, Workload(cached or 1, 2, batch), anyway=True, **formats)
        assert cached == 0 or float(served.lower.per_token) == near


# --- the formats that operands permit -------------------------------------------------------------------------------

EACH = inline_machine("fp32=10T,tf32=20T,bf16=100T,fp16=100T,fp8=200T,int8=300T,fp4=400T,bandwidth=1PB/s,memory=80GiB")
PERMITTED = [
    ({}, "bf16", "bf16"),
    ({"weights": "fp8"}, "fp8", "bf16"),  # engines convert the activations
    ({"activations": "fp8"}, "fp8", "fp8"),
    ({"cache": "fp8"}, "bf16", "fp8"),  # a kernel that converts queries, keys and values
    ({"weights": "int8"}, "int8", "bf16"),
    ({"weights": "nvfp4"}, "nvfp4", "bf16"),
    ({"weights": "int4"}, "int8", "bf16"),  # no rate for int4: the fastest of the wider ones
    ({"weights": "fp32", "activations": "fp32", "cache": "fp32"}, "tf32", "tf32"),
    ({"weights": "fp32"}, "bf16", "bf16"),
]


@pytest.mark.parametrize(("formats", "projection", "attention"), PERMITTED)
def test_a_bound_is_at_the_fastest_rate_that_an_operand_permits(formats, projection, attention):
    found = roofline(load("llama-3.1-8b"), EACH, new=64, anyway=True, **formats)
    assert found.bound == "compute"
    for path, form in (("mlp/down", projection), ("attention/attend", attention)):
        row = found[path]
        assert row.ideal.matmul == pytest.approx(row.row.cost.matmul / EACH.peak(form))


def test_a_format_for_all_matmuls_is_that_of_the_bound():
    on = platform(EACH, compute="bf16")
    assert roofline(load("llama-3.1-8b"), on, new=64, weights="fp8").fastest_formats == {"bf16"}


def test_latents_of_an_fp8_cache_are_expanded_in_fp8():
    found = roofline(load("deepseek-v2-lite"), EACH, new=64, cached=64, anyway=True, dtype="bf16", cache="fp8")
    fast = {x.row.path for x in found.rows if x.row.cost.matmul and x.ideal.matmul < x.seconds.matmul}
    assert fast == {"attention/kv_b", "attention/attend"}


def test_weights_in_fp8_alone_are_no_slower_than_engines():
    """A bound of 62.2 ms was printed where engines take 59.1: of 4 096 tokens at the rate of bf16."""
    both, weights = (
        roofline(load("llama-3.1-8b"), "h100-sxm", new=4096, **formats)
        for formats in ({"weights": "fp8", "activations": "fp8"}, {"weights": "fp8"})
    )
    assert weights.lower <= both.lower * CLOSE * 1.1
    assert weights.time > 1.5 * both.time  # at the peaks of the wider operand
    assert "Lower bound: matmuls at 1.98 PFLOP/s in fp8 where an operand permits it." in roofline_text(weights)
    assert "Lower bound: matmuls at" not in roofline_text(both)


# --- throughput: mixed steps ----------------------------------------------------------------------------------------

BALANCED = inline_machine("name=box,peak=200T,vector=60T,bandwidth=4TB/s,memory=4TiB,power=700")


def mixed_seconds(model, work, on):
    """Seconds of a period of mixed steps: every query of the batch decodes, while as many prompts are prefilled.

    A request at each of the contexts in turn, equally far apart, and the same number of prompt tokens at each step.
    """
    later, size = work.output_tokens - 1, work.batch_size
    ends = [round(i * size * work.prompt / later) for i in range(later + 1)]
    seconds = 0
    for i in range(later):
        contexts = [work.prompt + (i + j * later // size) % later for j in range(size)]
        pieces = list(prompt_pieces(ends[i], ends[i + 1], work.prompt))
        new, cached = [1] * size + [n for n, _ in pieces], contexts + [c for _, c in pieces]
        seconds += roofline(model, on, new=new, cached=cached, anyway=True).lower
    return seconds


def prompt_pieces(start, end, prompt):
    """(new, cached) of the prompts that tokens from `start` to `end` are of."""
    while start < end:
        new = min(end - start, prompt - start % prompt)
        yield new, start % prompt
        start += new


@pytest.mark.parametrize("work", [(400, 41, 8), (30, 21, 20), (5, 3, 4)])
def test_no_schedule_of_mixed_steps_beats_the_bound_on_throughput(work):
    shape, model = Workload(*work), load("llama-3.2-1b")
    found = serve(model, BALANCED, shape)
    tokens = shape.batch_size * shape.output_tokens / float(mixed_seconds(model, shape, BALANCED))
    bound = found.lower.to_dict()["tokens"]
    one_by_one = shape.batch_size * shape.output_tokens / float(found.lower.first + found.lower.decode)
    assert one_by_one < tokens <= bound
    assert bound < 1.4 * tokens


@pytest.mark.parametrize("work", [(400, 41, 8), (30, 21, 20), (2000, 1, 3), (100, 2, 1)])
def test_prefill_and_decoding_together_take_no_longer_than_one_after_another(work):
    found = serve(load("llama-3.2-1b"), BALANCED, Workload(*work))
    first, decode, request = found.lower.first.exact, found.lower.decode.exact, found.lower.request.exact
    assert max(first, decode) <= request * CLOSE
    assert request <= (first + decode) * CLOSE
    assert found.time.request.exact == found.time.first.exact + found.time.decode.exact


def test_energy_from_power_is_no_bound_and_says_so():
    served = serve(load("llama-3.2-1b"), BALANCED, Workload(100, 10, 4))
    slower = serve(load("llama-3.2-1b"), platform(BALANCED, mfu=0.5, mbu=0.5), Workload(100, 10, 4))
    assert slower.energy["per_output_token"] > served.energy["per_output_token"]
    assert "at most" not in serving_text(served)
    assert "J per output token, at the peaks" in serving_text(served)
    assert "J per output token, estimate" in serving_text(slower)
    assert served.to_dict()["energy"].keys() == {"per_prompt_token", "per_output_token", "from_power"}


def test_the_bound_of_a_command_is_at_the_fastest_rate():
    run = ["roofline", "llama-3.1-8b", "--on", "h100-sxm", "--input-tokens", "4096", "--json"]
    plain, fp8 = (json.loads(CliRunner().invoke(cli, [*run, *x]).output)["totals"] for x in ([], ["--weights", "fp8"]))
    assert fp8["lower_bound_s"] < 0.55 * plain["lower_bound_s"]
    assert fp8["time_s"] > 0.95 * plain["time_s"]


def test_experts_in_expectation_are_said_to_be_no_bound_under_a_skewed_router():
    for name, said in (("gpt-oss-20b", True), ("llama-3.2-1b", False)):
        texts = (
            roofline_text(roofline(load(name), "h100-sxm", batch_size=8)),
            serving_text(serve(load(name), "h100-sxm", Workload(100, 2, 4))),
        )
        assert {"a skewed one reads fewer" in text for text in texts} == {said}
