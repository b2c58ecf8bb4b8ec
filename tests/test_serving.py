"""Serving in closed form against plain sums over rooflines of every step, and against laws."""

import itertools
import json
import re
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest
from click.testing import CliRunner

import symroof
from symroof.cli import cli
from symroof.cost.batch import LARGEST, Workload
from symroof.errors import UsageError
from symroof.hardware.machines import inline_machine
from symroof.hardware.platform import platform
from symroof.performance import capacity, serving
from symroof.performance.capacity import DoesNotFit, MemoryNeed
from symroof.performance.roofline import roofline
from symroof.performance.serving import serve
from symroof.performance.serving_steps import Draft
from symroof.render.results.serving import serving_text

MACHINE = inline_machine("name=box,peak=1e15,fp8=2e15,vector=6e13,bandwidth=4e12,memory=4TiB,power=700")
BOX = platform(MACHINE)
HALF = platform(MACHINE, mfu=0.5, mbu=0.5)
CLOSE = 1e-12
SMALL, LARGE = "llama-3.2-1b", "llama-3.1-8b"


@cache
def model(name):
    return symroof.load(name)


def step(name, on=BOX, **shape):
    """The roofline of one step, batch 3 unless told otherwise."""
    return roofline(model(name), on, anyway=True, **{"batch_size": 3, **shape})


def served(name, *work, on=BOX, draft=None, **more):
    proposing = None if draft is None else Draft(model(draft[0]), draft[1], Fraction(draft[2]))
    return serve(model(name), on, Workload(*work), draft=proposing, **more)


@cache
def plain(name, work):
    """What is served on the box, with no more said."""
    return served(name, *work)


def close(found, true):
    assert float(found) == pytest.approx(float(true), rel=CLOSE)


def decoding(work):
    """The contexts of the decode steps, one by one."""
    return range(work.prompt, work.prompt + work.output_tokens - 1)


def filling(work):
    """(new, cached, logits) of each step of the prefill, one by one."""
    done = work.cached
    while done < work.prompt:
        new = min(work.chunk or work.prompt, work.prompt - done)
        yield new, done, None if done + new == work.prompt else "none"
        done += new


def outcomes(tokens, accepted):
    """Tokens a round is expected to yield, over all ways to accept and refuse its proposed ones."""
    total = 0
    for taken in itertools.product((True, False), repeat=tokens):
        chance = 1
        for x in taken:
            chance *= accepted if x else 1 - accepted
        total += chance * (1 + len(list(itertools.takewhile(bool, taken))))  # and one of the model's own
    return total


# --- decoding and prefill: sums over steps -------------------------------------------------------------------------

# (prompt, output tokens, batch), and whether a window, a chunk or a choice of keys fills meanwhile
DECODES = {
    "llama-3.2-1b": ((9, 7, 3), False),
    "gpt-oss-20b": ((125, 7, 3), True),
    "gemma-3-1b": ((509, 7, 1), True),
    "llama-4-scout": ((8189, 6, 1), True),
    "deepseek-v3": ((40, 4, 1), False),
    "deepseek-v3.2": ((2046, 5, 1), True),
    "deepseek-v4-flash": ((509, 5, 1), True),  # entries of 4 tokens and of 128
    "qwen3-next-80b-a3b": ((30, 4, 3), False),
    "mamba-1.4b": ((30, 4, 3), False),
    "jamba-v0.1": ((30, 4, 3), False),
    "minimax-m1-80k": ((30, 4, 1), False),
    "minimax-m3": ((2046, 5, 1), True),
}


@pytest.mark.parametrize("name", DECODES)
def test_decoding_is_the_sum_of_its_steps(name):
    work, bends = DECODES[name]
    found = plain(name, work)
    steps = {c: step(name, new=1, cached=c, batch_size=work[2]) for c in decoding(found.work)}
    close(found.time.decode, sum(x.time for x in steps.values()))
    close(found.lower.decode, sum(x.lower for x in steps.values()))
    for pace, times in (
        (found.time, [x.time for x in steps.values()]),
        (found.lower, [x.lower for x in steps.values()]),
    ):
        close(pace.ends[0], times[0])
        close(pace.ends[1], times[-1])
        close(pace.per_token, sum(times) / len(times))
    assert (len(found.pieces) > 1) == bends
    shown = {c: piece.at(c) for piece in found.pieces for c in range(piece.first, piece.last + 1, piece.step)}
    assert shown.keys() == steps.keys()
    for c, seconds in shown.items():
        close(seconds, steps[c].time)


# (prompt, cached, chunk): a last chunk that is whole, a partial one, one of a token; more than there is; none
CHUNKS = [(8, 0, 4), (11, 2, 4), (11, 2, 8), (10, 0, 9), (10, 3, 1), (10, 0, 10), (10, 2, 50), (10, 2, 0)]


@pytest.mark.parametrize(("prompt", "cached", "chunk"), CHUNKS)
def test_a_prefill_is_the_sum_of_its_chunks(prompt, cached, chunk):
    check_prefill("llama-3.2-1b", prompt, cached, chunk)


@pytest.mark.parametrize(
    ("name", "prompt", "cached", "chunk"),
    [
        ("gpt-oss-20b", 230, 30, 70),  # a window of 128
        ("llama-4-scout", 9000, 7000, 700),  # attention in chunks of 8192
        ("deepseek-v3", 850, 0, 150),  # keys are expanded at first and stay in the latent later
        ("deepseek-v3.2", 2700, 1000, 640),  # the top 2048
        ("deepseek-v4-flash", 200, 10, 90),  # entries of 4 and of 128 tokens, a window of 128
        ("jamba-v0.1", 100, 0, 33),
    ],
)
def test_a_prefill_is_the_sum_of_its_chunks_of_every_cache(name, prompt, cached, chunk):
    check_prefill(name, prompt, cached, chunk, batch=1)


def check_prefill(name, prompt, cached, chunk, batch=3):
    found = served(name, prompt, 1, batch, cached, chunk)
    steps = [step(name, new=new, cached=at, logits=logits, batch_size=batch) for new, at, logits in filling(found.work)]
    close(found.time.first, sum(x.time for x in steps))
    close(found.lower.first, sum(x.lower for x in steps))


def test_one_query_alone_is_a_batch_of_one():
    found, alone = (served(SMALL, 50, 3, batch, 10, 7) for batch in (8, 1))
    assert found.time.alone == alone.time.first == alone.time.alone < found.time.first
    assert found.lower.alone == alone.lower.first


def test_rules_that_compute_all_logits_do_so_in_every_chunk():
    found = served(SMALL, 11, 1, 3, 2, 4, rules="logits-all")
    steps = [step(SMALL, new=new, cached=at, logits="all") for new, at, _ in filling(found.work)]
    close(found.time.first, sum(x.time for x in steps))


@pytest.mark.parametrize("rules", ["transformers", "llm-viewer"])
def test_sets_of_rules_that_are_kept_as_they_are(rules):
    found = served(SMALL, 11, 4, 3, 2, 4, rules=rules)
    close(found.time.first, sum(step(SMALL, new=n, cached=c, rules=rules).time for n, c, _ in filling(found.work)))
    close(found.time.decode, sum(step(SMALL, new=1, cached=c, rules=rules).time for c in decoding(found.work)))


def test_a_request_is_its_prefill_and_all_its_steps():
    found = served(SMALL, 50, 9, 4)
    figures = found.to_dict()["time"]
    steps = sum(step(SMALL, new=1, cached=c, batch_size=4).time for c in decoding(found.work))
    first = step(SMALL, new=50, batch_size=4).time
    close(figures["request"], first + steps)
    close(figures["tokens"] * figures["request"], 4 * 9)
    close(figures["output_tokens"] * steps, 4 * 8)
    close(figures["user_tokens"] * steps, 8)
    close(figures["prompt_tokens"] * first, 4 * 50)


def test_only_new_tokens_of_a_prompt_are_prefilled():
    found = served(SMALL, 50, 9, 4, 20)
    close(found.to_dict()["time"]["prompt_tokens"] * found.time.first, 4 * 30)
    assert found.time.first < served(SMALL, 50, 9, 4).time.first


@pytest.mark.parametrize("name", ["llama-3.2-1b", "gpt-oss-20b"])
def test_a_larger_batch_gives_more_tokens_each_of_them_later(name):
    found = [served(name, 500, 300, batch) for batch in (1, 7, 1000)]
    for pace in ("time", "lower"):
        each = [getattr(x, pace).per_token for x in found]
        assert each == sorted(each)
        rates = [x.work.batch_size / time for x, time in zip(found, each, strict=True)]
        assert rates == sorted(rates)
    assert all(x.lower.request <= x.time.request for x in found)


# --- ranges of any length ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "pieces"), [("llama-3.2-1b", 1), ("gpt-oss-20b", 2), ("gemma-3-1b", 2)])
def test_a_million_tokens_are_as_few_pieces_as_some_hundred(name, pieces):
    for outputs in (900, 10**12):
        assert len(served(name, 100, outputs, anyway=True).pieces) == pieces


def test_far_sums_agree_with_each_other():
    # of a straight line, what all steps take is what the middle one takes, so many times
    found = served(SMALL, 10**12, 10**12 + 2, 1000, 0, 10**6, anyway=True)
    middle = step(SMALL, new=1, cached=10**12 + 5 * 10**11, batch_size=1000).time
    close(found.time.decode, (10**12 + 1) * middle)
    assert 0 < found.lower.first < found.time.first
    assert found.fits is False


def test_the_longest_workload_there_is():
    half = LARGEST // 2
    found = served(SMALL, half, half, LARGEST, anyway=True)
    assert len(found.pieces) == 1
    close(found.time.decode, (half - 1) * sum(found.time.ends) / 2)


# --- speculative decoding ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tokens", [1, 2, 3, 5])
def test_tokens_a_round_by_trying_all_that_can_be_accepted(tokens):
    for accepted in (Fraction(0), Fraction(1, 10), Fraction(1, 2), Fraction(4, 5), Fraction(1)):
        assert Draft(model(SMALL), tokens, accepted).tokens_per_round == outcomes(tokens, accepted)
    assert Draft(model(SMALL), tokens, Fraction(0)).tokens_per_round == 1
    assert Draft(model(SMALL), tokens, Fraction(1)).tokens_per_round == tokens + 1


@pytest.mark.parametrize(
    ("name", "draft", "work"),
    [
        (LARGE, (SMALL, 3, "0.7"), (40, 4, 3)),
        (SMALL, ("gemma-3-1b", 2, "0.5"), (510, 4, 3, 20, 300)),  # its windows fill; chunks
    ],
)
def test_a_token_takes_its_part_of_a_round(name, draft, work):
    found = served(name, *work, draft=draft)
    proposing, tokens, accepted = draft
    yielded = outcomes(tokens, Fraction(accepted))
    rounds = [
        [
            step(name, new=tokens + 1, cached=c, logits="all"),
            *(step(proposing, new=1, cached=c + i) for i in range(tokens)),
        ]
        for c in decoding(found.work)
    ]
    filled = [
        step(x, new=n, cached=c, logits=logits) for x in (name, proposing) for n, c, logits in filling(found.work)
    ]
    for pace, told in (("time", found.time), ("lower", found.lower)):
        each = [sum(getattr(x, pace) for x in steps) / yielded for steps in rounds]
        close(told.per_token, sum(each) / len(each))
        close(told.ends[0], each[0])
        close(told.ends[1], each[-1])
        close(told.first, sum(getattr(x, pace) for x in filled))
    close(found.speedup, served(name, *work).time.decode / found.time.decode)


def test_at_break_even_a_draft_neither_helps_nor_hinders():
    found = served(LARGE, 200, 50, draft=(SMALL, 4, "0.8"))
    assert found.speedup > 1 > found.break_even > 0
    again = served(LARGE, 200, 50, draft=(SMALL, 4, str(Fraction(found.break_even))))
    assert float(again.speedup) == pytest.approx(1, abs=1e-7)
    assert again.break_even == pytest.approx(found.break_even, abs=1e-7)  # whatever is accepted
    assert served(LARGE, 200, 50, draft=(SMALL, 4, "0")).speedup < 1


@pytest.mark.parametrize("draft", [SMALL, "llama-3.2-3b"])
def test_a_draft_no_smaller_than_the_model_never_pays(draft):
    # g + 1 steps at least for g + 1 tokens at most
    for batch in (1, 500):
        found = served(SMALL, 200, 50, batch, draft=(draft, 3, "1"))
        assert found.speedup < 1
        assert found.break_even is None
        assert found.to_dict()["draft"]["break_even"] is None
        assert "never pays" in serving_text(found)


def test_a_draft_pays_less_once_decoding_computes():
    few, many = (served(LARGE, 200, 50, batch, draft=(SMALL, 4, "0.8")) for batch in (1, 2000))
    assert few.speedup > many.speedup
    assert few.break_even < (many.break_even or 1)


@pytest.mark.parametrize(("tokens", "acceptance"), [(0, "0.5"), (1001, "0.5"), (True, "0.5"), (2, "1.1"), (2, "-0.1")])
def test_what_no_draft_can_be(tokens, acceptance):
    with pytest.raises(UsageError):
        Draft(model(SMALL), tokens, Fraction(acceptance))


# --- energy and price ----------------------------------------------------------------------------------------------


def busy(name, on, **shape):
    """Seconds that all units are busy in a step, added up."""
    rows = step(name, on, **shape).rows
    return sum((x.seconds.matmul + x.seconds.vector + x.seconds.memory) * x.row.layers for x in rows)


@pytest.mark.parametrize("on", [BOX, HALF], ids=["peaks", "half"])
def test_energy_by_default_is_full_power_while_a_unit_is_busy(on):
    found = served(SMALL, 40, 5, 3, 10, 20, on=on)
    energy = found.energy
    assert energy["from_power"]
    prefill = sum(busy(SMALL, on, new=n, cached=c, logits=logits) for n, c, logits in filling(found.work))
    close(energy["per_prompt_token"], 700 * prefill / (3 * 30))
    close(
        energy["per_output_token"], 700 * sum(busy(SMALL, on, new=1, cached=c) for c in decoding(found.work)) / (3 * 4)
    )
    assert energy["per_prompt_token"] * 3 * 30 >= 700 * found.lower.first
    assert energy["per_output_token"] * 3 * 4 >= 700 * found.lower.decode


def test_energy_of_known_joules():
    on = platform(MACHINE, joules=(0.5e-12, 30e-12), mfu=0.5)
    found = served("gpt-oss-20b", 125, 6, 3, on=on)
    assert not found.energy["from_power"]
    shapes = {"per_prompt_token": [(125, 0)], "per_output_token": [(1, c) for c in decoding(found.work)]}
    for name, tokens in (("per_prompt_token", 3 * 125), ("per_output_token", 3 * 5)):
        totals = [model("gpt-oss-20b").report(n, c, 3).total for n, c in shapes[name]]
        close(found.energy[name] * tokens, sum(0.5e-12 * x.flops + 30e-12 * x.moved for x in totals))


def test_energy_of_a_draft_is_that_of_its_rounds():
    found = served(LARGE, 40, 3, draft=(SMALL, 2, "0.5"))
    one = {"batch_size": 1}
    rounds = [
        busy(LARGE, BOX, new=3, cached=c, logits="all", **one)
        + sum(busy(SMALL, BOX, new=1, cached=c + i, **one) for i in (0, 1))
        for c in (40, 41)
    ]
    close(found.energy["per_output_token"], 700 * sum(rounds) / 2 / outcomes(2, Fraction(1, 2)))


def test_no_energy_without_power_and_no_price_without_one():
    bare = platform(replace(MACHINE, power=None))
    found = served(SMALL, 40, 5, on=bare)
    assert found.energy is None
    assert found.prices is None
    assert found.to_dict()["energy"] is None
    assert found.to_dict()["price"] is None
    assert "energy" not in serving_text(found)
    assert "price" not in serving_text(found)
    known = platform(replace(MACHINE, power=None), joules=(1e-12, 1e-11))
    assert served(SMALL, 40, 5, on=known).energy["per_output_token"] > 0


def test_a_price_is_of_all_machines_for_as_long_as_they_work():
    four = platform(MACHINE.times(4))
    found = served(SMALL, 40, 5, 3, 10, on=four, price=Fraction(5, 2))
    an_hour = 4 * 2.5
    close(found.prices["per_hour"], an_hour)
    close(found.prices["prompt_tokens"], an_hour / 3600 * found.time.first / (3 * 40) * 1e6)
    close(found.prices["output_tokens"], an_hour / 3600 * found.time.decode / (3 * 4) * 1e6)
    whole = an_hour / 3600 * found.time.request
    close((found.prices["prompt_tokens"] * 120 + found.prices["output_tokens"] * 12) / 1e6, whole)


# --- estimates -----------------------------------------------------------------------------------------------------


def test_half_the_peaks_take_twice_as_long_and_bound_nothing():
    peak, half = (served(SMALL, 40, 20, 3, 0, 16, on=on) for on in (BOX, HALF))
    for name in ("first", "alone", "decode", "per_token", "request"):
        close(getattr(half.time, name), 2 * getattr(peak.time, name))
        assert getattr(half.lower, name) == getattr(peak.lower, name)
    assert (peak.to_dict()["estimate"], half.to_dict()["estimate"]) == (False, True)
    assert "estimate" in serving_text(half)
    assert "at the peaks" not in serving_text(half)
    assert "at the peaks" in serving_text(peak)
    assert "stimate" not in serving_text(peak)


def test_launches_are_paid_for_by_the_step():
    launched = platform(MACHINE, overhead=1e-3)
    bare, found = (served(SMALL, 40, 11, 3, 0, 16, on=on) for on in (BOX, launched))
    a_step = step(SMALL, launched, new=1, cached=40).time - step(SMALL, new=1, cached=40).time
    close(found.time.decode - bare.time.decode, 10 * a_step)
    assert found.lower == bare.lower
    assert found.to_dict()["estimate"]


# --- memory --------------------------------------------------------------------------------------------------------


def fullest(needs):
    return max(needs, key=lambda x: x.total)


@pytest.mark.parametrize(
    ("name", "work"),
    [
        (SMALL, (40, 9, 3)),
        (SMALL, (2000, 2, 3)),  # the prefill's activations outweigh what decoding adds
        (SMALL, (40, 1, 3, 10, 8)),
        ("deepseek-v4-flash", (509, 5, 1)),  # entries replace the keys that waited for them: less is kept after
    ],
)
def test_what_is_needed_is_what_the_fullest_step_keeps(name, work):
    found = plain(name, work)
    shapes = [(n, c, logits) for n, c, logits in filling(found.work)] + [(1, c, None) for c in decoding(found.work)]
    every = [capacity.memory_need(model(name).report(n, c, work[2], logits=logits)) for n, c, logits in shapes]
    assert found.need == fullest(every)


def test_the_fullest_step_need_not_be_the_last():
    name = "deepseek-v4-flash"
    assert plain(name, (509, 5, 1)).need.total > capacity.memory_need(model(name).report(1, 512)).total


def test_a_draft_is_kept_beside_the_model():
    found = served(LARGE, 2, 9, 3, draft=(SMALL, 4, "0.8"))
    needs = []
    for (n, c, logits), (m, d) in [
        ((2, 0, None), (2, 0)),
        *(((5, c, "all"), (1, c + 3)) for c in decoding(found.work)),
    ]:
        ours, theirs = model(LARGE).report(n, c, 3, logits=logits), model(SMALL).report(m, d, 3)
        acts = max(x.cost.act_read + x.cost.act_write for x in (*ours.rows, *theirs.rows))
        cache = ours.storage.cache + theirs.storage.cache
        needs.append(MemoryNeed(ours.storage.total + theirs.storage.total - cache, cache, acts))
    assert found.need == fullest(needs)


@pytest.mark.parametrize("draft", [None, (SMALL, 2, "0.5")])
def test_it_fits_to_the_byte(draft):
    needed = served(LARGE, 40, 9, 3, draft=draft).need.total
    exact, less = (platform(replace(MACHINE, memory=int(needed) - x)) for x in (0, 1))
    assert served(LARGE, 40, 9, 3, draft=draft, on=exact).fits
    with pytest.raises(DoesNotFit, match="--anyway"):
        served(LARGE, 40, 9, 3, draft=draft, on=less)
    found = served(LARGE, 40, 9, 3, draft=draft, on=less, anyway=True)
    assert not found.fits
    assert found.to_dict()["memory"]["fits"] is False
    assert "too much" in serving_text(found)


# --- a single output token -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("draft", [None, (SMALL, 2, "0.5")])
def test_a_single_output_token_is_no_decoding(draft):
    found = served(LARGE, 40, 1, 3, draft=draft, price=Fraction(2))
    told = found.to_dict()
    assert found.time.request == found.time.first
    assert found.pieces == ()
    assert told["steps"] == []
    for pace in (told["time"], told["lower_bound"]):
        nulls = {name for name, x in pace.items() if x is None}
        assert nulls == {"per_output_token", "first_step", "last_step", "user_tokens", "output_tokens"}
    assert told["energy"]["per_output_token"] is None
    assert told["price"]["output_tokens"] is None
    assert found.speedup is None
    assert found.break_even is None
    assert json.loads(json.dumps(told))["time"] == told["time"]
    assert "output token" in serving_text(found, 80)


# --- workloads that cannot be --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("work", "match"),
    [
        ((0, 1), "prompt: 0 is out of range"),
        ((-5, 1), "prompt: -5"),
        ((1.5, 1), "not a whole number"),
        ((True, 1), "not a whole number"),
        ((1, 0), "output tokens: 0"),
        ((1, 1, 0), "batch size: 0"),
        ((5, 1, 1, 5), "5 of 5 prompt tokens are cached"),
        ((5, 1, 1, 9), "at least one has to be new"),
        ((5, 1, 1, 0, -1), "chunk: -1"),
        ((LARGEST + 1, 1), "out of range"),
        ((LARGEST, 1), "prompt and output tokens"),
    ],
)
def test_workloads_that_cannot_be(work, match):
    with pytest.raises(UsageError, match=re.escape(match)):
        Workload(*work)


# --- what is shown -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 100])
def test_lines_fold_to_the_terminal(width):
    found = [
        served(
            LARGE,
            2000,
            500,
            16,
            512,
            400,
            on=platform(MACHINE.times(4), mfu=0.5),
            draft=(SMALL, 4, "0.8"),
            price=Fraction(5, 2),
        ),
        plain("gpt-oss-20b", (125, 7, 3)),
        plain("deepseek-v4-flash", (509, 5, 1)),
    ]
    for x in found:
        assert max(map(len, serving_text(x, width).splitlines())) <= width
        assert serving_text(x) == str(x)
        assert not re.search(r"\b(inf|nan|None|Fraction)\b", serving_text(x))


SECONDS = {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
LINE = re.compile(r"tokens cached: ([\d.]+) (\w+) \+ ([\d.]+) (\w+) c for c from ([\d,]+) to ([\d,]+)\.")


def test_the_printed_formula_is_the_time_of_a_step():
    found = served("gpt-oss-20b", 100, 1000, 3)
    printed = LINE.findall(str(found))
    assert [x[4:] for x in printed] == [("100", "127"), ("128", "1,098")]
    for fixed, unit, each, its, *ends in printed:
        for c in (int(x.replace(",", "")) for x in ends):
            told = float(fixed) * SECONDS[unit] + float(each) * SECONDS[its] * c
            assert told == pytest.approx(float(step("gpt-oss-20b", new=1, cached=c).time), rel=1e-4)


# --- the command ---------------------------------------------------------------------------------------------------

ON = ["--machine", "name=box,peak=1e15,bandwidth=4e12,memory=80GiB,power=700,vector=6e13"]
ASKED = ["--prompt", 100, "--output-tokens", 10]


def invoke(*words):
    return CliRunner().invoke(cli, ["serve", *map(str, words)])


def as_json(*words):
    result = invoke(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_json_is_what_python_returns_and_the_module_documents():
    words = [
        LARGE,
        *ON,
        *ASKED,
        "--batch-size",
        4,
        "--cached-tokens",
        20,
        "--chunk",
        30,
        "--price",
        "2.5/h",
        "--mfu",
        0.5,
        "--draft",
        SMALL,
        "--acceptance",
        "0.8",
        "--draft-tokens",
        3,
    ]
    told = as_json(*words)
    on = platform(inline_machine(ON[1]), mfu=0.5)
    draft = Draft(model(SMALL), 3, Fraction(4, 5))
    found = serve(model(LARGE), on, Workload(100, 10, 4, 20, 30), draft=draft, price=Fraction(5, 2))
    assert told == json.loads(json.dumps(found.to_dict()))
    documented = serving.__doc__.partition("    schema,")[2].partition("Several machines")[0]
    words = set(re.findall(r"[a-z_]+", "schema " + documented))
    keys = [told, *(told[x] for x in ("workload", "memory", "time", "lower_bound", "draft", "energy"))]
    assert {key for x in keys for key in x} <= words
    assert told["workload"] == {
        "prompt": 100,
        "output_tokens": 10,
        "batch_size": 4,
        "cached": 20,
        "chunk": 30,
        "draft": SMALL,
        "draft_tokens": 3,
        "acceptance": 0.8,
    }
    assert set(told["price"]) == {"per_hour", "prompt_tokens", "output_tokens"}


def test_several_machines_and_those_it_does_not_fit():
    small = "name=small,peak=1e15,bandwidth=4e12,memory=1GiB"
    told = as_json(LARGE, *ON, "--machine", small, *ASKED)
    assert told["schema"] == "symroof.servings/1"
    assert [x["machine"]["name"] for x in told["servings"]] == ["box"]
    assert [x["machine"] for x in told["refused"]] == ["small"]
    assert "more than the 1.00 GiB" in told["refused"][0]["error"]
    text = invoke(LARGE, *ON, "--machine", small, *ASKED).stdout
    assert "small: llama-3.1-8b needs" in text
    assert "on box" in text
    both = invoke(SMALL, "--on", "h100-sxm", "--on", "mi300x", *ASKED)
    assert both.exit_code == 0
    assert "h100-sxm" in both.stdout
    assert "mi300x" in both.stdout


MISTAKES = [
    ((SMALL, *ON, "--output-tokens", 5), 2, "--prompt"),
    ((SMALL, *ON, "--prompt", 5), 2, "--output-tokens"),
    ((SMALL, *ASKED), 2, "--on"),
    ((SMALL, *ON, "--prompt", -4, "--output-tokens", 5), 2, "prompt: -4"),
    ((SMALL, *ON, *ASKED, "--batch-size", 0), 2, "batch size: 0"),
    ((SMALL, *ON, *ASKED, "--chunk", -1), 2, "chunk: -1"),
    ((SMALL, *ON, *ASKED, "--cached-tokens", 100), 2, "at least one has to be new"),
    ((SMALL, *ON, *ASKED, "--draft", SMALL), 2, "--acceptance"),
    ((SMALL, *ON, *ASKED, "--acceptance", 0.5), 2, "--draft"),
    ((SMALL, *ON, *ASKED, "--draft", SMALL, "--acceptance", "1.5"), 2, "from 0 to 1"),
    ((SMALL, *ON, *ASKED, "--draft", SMALL, "--acceptance", "nan"), 2, "from 0 to 1"),
    ((SMALL, *ON, *ASKED, "--draft", "lama-3.2-1b", "--acceptance", "0.5"), 2, "llama-3.2-1b"),
    ((SMALL, *ON, *ASKED, "--price", "abc"), 2, "2.5/h"),
    ((SMALL, *ON, *ASKED, "--price", "-1"), 2, "2.5/h"),
    ((SMALL, *ON, *ASKED, "--joules-per-flop", "1e-12"), 2, "give both"),
    ((SMALL, *ON, *ASKED, "--joules-per-flop", "nan", "--joules-per-byte", "1e-12"), 2, "joules"),
    ((SMALL, *ON, *ASKED, "--mfu", "nan"), 2, "mfu"),
    ((SMALL, *ON, *ASKED, "--overhead", "-1"), 2, "overhead"),
    ((SMALL, "--on", "h100-sxm", *ASKED, "--compute", "fp4"), 2, "fp4"),
    ((LARGE, "--machine", "peak=1e15,bandwidth=4e12,memory=1GiB", *ASKED), 1, "--anyway"),
    ((SMALL, *ON, "--prompt", 10**30, "--output-tokens", 5), 2, "prompt"),
    ((SMALL, *ON, "--prompt", 10**12, "--output-tokens", 10**12), 1, "needs"),
]


@pytest.mark.parametrize(("words", "code", "told"), MISTAKES, ids=[x[2] for x in MISTAKES])
def test_mistakes_are_told_in_a_line(words, code, told):
    result = invoke(*words)
    assert result.exit_code == code, result.output
    assert isinstance(result.exception, SystemExit)
    error = result.stderr.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert told in error
    assert len(error) < 500


@pytest.mark.parametrize("part", ["0", "1", "1.0", ".5", "0.25"])
def test_parts_are_read_exactly(part):
    found = as_json(LARGE, *ON, *ASKED, "--draft", SMALL, "--acceptance", part, "--draft-tokens", 2)
    close(found["draft"]["tokens_per_round"], outcomes(2, Fraction(part)))


def test_anyway():
    result = invoke(LARGE, "--machine", "peak=1e15,bandwidth=4e12,memory=1GiB", *ASKED, "--anyway")
    assert result.exit_code == 0
    assert "too much" in result.stdout
