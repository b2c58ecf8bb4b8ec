"""Sixty questions answered by `solve` and by brute force: reports and rooflines at whole numbers, no closed form.

A question holds at a number exactly where figures of the model at that number say so: at both sides of every end of
the ranges that solve gives, at numbers between and beyond, and for small domains at every number.
"""

from fractions import Fraction
from functools import cache
from random import Random

import pytest
from sympy import And, Ge, Le, Rational

import symroof
from symroof import symbols as s
from symroof.errors import UsageError
from symroof.hardware.machines import inline_machine
from symroof.solving.conjunction import Conjunction
from symroof.solving.parser import parse_question

GiB, MiB, G = 2**30, 2**20, 10**9
STEP = {"B": "batch_size", "batch": "batch_size", "n": "new", "new": "new", "c": "cached", "cached": "cached"}
SCANNED = 200  # numbers of a domain that are all tried


@cache
def loaded(name):
    return symroof.load(name)


class At:
    """Figures of a model at one number of the unknown."""

    def __init__(self, name, unknown, sizes, step, value):
        model, step = loaded(name), dict(step)
        if unknown in STEP:
            step[STEP[unknown]] = value
        elif sizes:
            model = model.with_sizes(**sizes(value))
        self.model, self.step, self.value = model, step, value
        self.r = model.report(**step)
        self.total, self.storage = self.r.total, self.r.storage.total
        self.parameters, self.cache = model.parameters.total, self.r.total.cache_held
        self.moved_cache = self.total.cache_read + self.total.cache_write
        self.sizes = model.architecture.sizes

    def flops(self, block):
        return sum(x.all.flops for x in self.r.rows if x.path.startswith(f"{block}/"))

    def roofline(self, on):
        step = {"new": 1, "cached": 0, "batch_size": 1, **self.step}
        return symroof.roofline(self.model, on, anyway=True, **step)

    def time(self, on):
        return self.roofline(on).time.exact


def kinds(**counts):
    """Sizes by formulas of the number."""
    return lambda x: {name: count(x) for name, count in counts.items()}


# Model, question, unknown, step and what is held, the sizes at a number, and whether it holds there.
QUESTIONS = [
    # joined and chained
    ("llama-3.1-8b", "1 GiB <= cache_size <= 4 GiB", "c", {}, None, lambda x: GiB <= x.cache <= 4 * GiB),
    ("llama-3.1-8b", "1 GB < cache_size < 4 GB", "c", {}, None, lambda x: G < x.cache < 4 * G),
    ("llama-3.1-8b", "4 GiB >= cache_size > 1 GiB", "B", {"cached": 999}, None, lambda x: GiB < x.cache <= 4 * GiB),
    ("llama-3.1-8b", "storage <= 80 GiB and time(h100-sxm) <= 20 ms", "B", {"cached": 4096}, None,
     lambda x: x.storage <= 80 * GiB and x.time("h100-sxm") <= Fraction(20, 1000)),
    ("llama-3.1-8b", "B/time(h100-sxm) >= 5000/s and storage <= 24 GiB", "B", {"cached": 1000}, None,
     lambda x: x.value >= 5000 * x.time("h100-sxm") and x.storage <= 24 * GiB),
    ("llama-3.1-8b", "B/time(h100-sxm) >= 5k/s", "batch", {"cached": 2000}, None,
     lambda x: x.value >= 5000 * x.time("h100-sxm")),
    ("qwen3-30b-a3b", "B/time(h200-sxm) >= 1000/s and time(h200-sxm) <= 15 ms", "B", {"cached": 4000}, None,
     lambda x: x.value >= 1000 * x.time("h200-sxm") and x.time("h200-sxm") <= Fraction(15, 1000)),
    ("deepseek-v3", "cache_size <= 10 GB and cache_size >= 5 GB", "c", {"batch_size": 4}, None,
     lambda x: 5 * G <= x.cache <= 10 * G),
    ("gemma-3-12b", "100 MB <= cache_size <= 50% * weight_bytes", "c", {}, None,
     lambda x: x.cache >= 100 * 10**6 and 2 * x.cache <= x.total.weight_read),
    ("gpt-oss-20b", "cache_size > 100 KB and cache_size <= 1e6 KB", "c", {}, None,
     lambda x: 100_000 < x.cache <= 10**9),
    ("llama-4-scout", "flops(full_attention) >= 5e9 and storage <= 220 GiB", "c", {}, None,
     lambda x: x.flops("full_attention") >= 5 * G and x.storage <= 220 * GiB),
    ("mixtral-8x7b", "weight_bytes >= 60% * weight_size and weight_bytes <= 90% * weight_size", "B", {}, None,
     lambda x: 60 * x.total.weight_held <= 100 * x.total.weight_read <= 90 * x.total.weight_held),
    ("mamba-1.4b", "storage <= 10 GiB and flops >= 1B and B > 3", "B", {}, None,
     lambda x: x.storage <= 10 * GiB and x.total.flops >= G and x.value > 3),
    ("llama-3.1-8b", "c >= 100 and c <= 100", "c", {}, None, lambda x: x.value == 100),
    ("llama-3.1-8b", "c < 5 and c > 7", "c", {}, None, lambda x: False),
    ("llama-3.1-8b", "(n - 10) * (n - 20) * (n - 30) >= 0 and n <= 25", "n", {}, None,
     lambda x: 10 <= x.value <= 20),
    ("phi-3-mini", "20 <= intensity <= 40", "B", {}, None, lambda x: 20 <= x.total.intensity <= 40),
    ("jamba-v0.1", "1 GiB <= cache_size and cache_size <= 3 GiB", "B", {"cached": 4095}, None,
     lambda x: GiB <= x.cache <= 3 * GiB),
    ("rwkv-5-world-3b", "cache_bytes >= 10% * bytes and cache_bytes <= 50% * bytes", "B", {}, None,
     lambda x: x.total.moved <= 10 * x.moved_cache and 2 * x.moved_cache <= x.total.moved),
    ("gpt2", "1 MiB <= cache_size <= 10 MiB and flops >= 250M", "c", {"dtype": "fp16"}, None,
     lambda x: MiB <= x.cache <= 10 * MiB and x.total.flops >= 250 * 10**6),
    # billions and bytes
    ("llama-3.1-8b", "parameters <= 7B", "f", {}, kinds(f=int), lambda x: x.parameters <= 7 * G),
    ("llama-3.1-8b", "7B <= parameters <= 10B", "d", {"hold": ["f/d"]},
     kinds(d=int, f=lambda x: 0 if x % 2 else 7 * x // 2), lambda x: 7 * G <= x.parameters <= 10 * G),
    ("llama-3.1-8b", "flops >= 100B", "n", {}, None, lambda x: x.total.flops >= 100 * G),
    ("gpt-oss-20b", "parameters >= 40 B", "N_e", {}, kinds(N_e=int), lambda x: x.parameters >= 40 * G),
    ("qwen3-30b-a3b", "parameters <= 60B and parameters > 30.5B", "N_e", {}, kinds(N_e=int),
     lambda x: 305 * 10**8 < x.parameters <= 60 * G),
    ("llama-3.1-8b", "cache_size <= 1e9 B", "c", {}, None, lambda x: x.cache <= G),
    ("llama-3.1-8b", "cache_size > 5000000B", "c", {}, None, lambda x: x.cache > 5_000_000),
    ("falcon-7b", "parameters <= 8B", "L", {}, kinds(L=int), lambda x: x.parameters <= 8 * G),
    # keys of the config
    ("llama-3.1-8b", "parameters <= 70B", "num_hidden_layers", {}, kinds(L=int), lambda x: x.parameters <= 70 * G),
    ("llama-3.1-8b", "parameters <= 7e9", "intermediate_size", {}, kinds(f=int), lambda x: x.parameters <= 7 * G),
    ("deepseek-v3", "parameters <= 500B", "moe_intermediate_size", {},
     kinds(f_e=int), lambda x: x.parameters <= 500 * G),
    ("mixtral-8x7b", "weight_size <= 80 GiB", "num_local_experts", {}, kinds(N_e=int),
     lambda x: x.total.weight_held <= 80 * GiB),
    ("qwen3-30b-a3b", "flops >= 10B", "num_experts_per_tok", {}, kinds(k=int), lambda x: x.total.flops >= 10 * G),
    ("gemma-3-12b", "cache_size <= 1 GiB", "sliding_window", {"cached": 10_000}, kinds(w=int),
     lambda x: x.cache <= GiB),
    ("llama-3.1-8b", "cache_size <= num_hidden_layers * hidden_size * 1 MB", "c", {}, None,
     lambda x: x.cache <= 32 * 4096 * 10**6),
    ("gpt2", "parameters <= vocab_size * 5000", "num_hidden_layers", {}, kinds(L=int),
     lambda x: x.parameters <= 50257 * 5000),
    # numbers of layers
    ("deepseek-v3", "parameters <= 500B", "L", {}, kinds(L=int, L_mlp=lambda x: 3, L_moe=lambda x: x - 3),
     lambda x: x.parameters <= 500 * G),
    ("deepseek-v3", "storage <= 640 GiB", "num_hidden_layers", {"cached": 100_000},
     kinds(L=int, L_mlp=lambda x: 3, L_moe=lambda x: x - 3), lambda x: x.storage <= 640 * GiB),
    ("gemma-3-12b", "cache_size <= 4 GiB", "L_full", {"cached": 131_071, "hold": ["L"]},
     kinds(L_full=int, L_swa=lambda x: 48 - x), lambda x: x.cache <= 4 * GiB),
    ("gemma-3-12b", "L_full/L >= 25%", "L_full", {"hold": ["num_hidden_layers"]},
     kinds(L_full=int, L_swa=lambda x: 48 - x), lambda x: 4 * x.value >= 48),
    ("gemma-3-12b", "2 GiB <= cache_size <= 10 GiB", "L_swa", {"cached": 131_071, "hold": ["L"]},
     kinds(L_swa=int, L_full=lambda x: 48 - x), lambda x: 2 * GiB <= x.cache <= 10 * GiB),
    ("gpt-oss-20b", "cache_bytes >= 200 MB", "L_full", {"cached": 8000, "hold": ["L"]},
     kinds(L_full=int, L_swa=lambda x: 24 - x), lambda x: x.moved_cache >= 200 * 10**6),
    ("gpt-oss-20b", "parameters <= 25B", "L_full", {"hold": ["L_swa"]},
     kinds(L_full=int, L=lambda x: 12 + x), lambda x: x.parameters <= 25 * G),
    ("jamba-v0.1", "cache_size <= 3 GiB", "L_attn", {"cached": 99_999, "hold": ["L"]},
     kinds(L_attn=int, L_mamba=lambda x: 32 - x), lambda x: x.cache <= 3 * GiB),
    ("qwen3-next-80b-a3b", "cache_size <= 8 GiB", "L_full", {"cached": 262_143, "hold": ["L"]},
     kinds(L_full=int, L_lin=lambda x: 48 - x), lambda x: x.cache <= 8 * GiB),
    ("qwen3-next-80b-a3b", "flops >= 6B and cache_size <= 2 GiB", "L_lin", {"cached": 65_535, "hold": ["L"]},
     kinds(L_lin=int, L_full=lambda x: 48 - x), lambda x: x.total.flops >= 6 * G and x.cache <= 2 * GiB),
    ("deepseek-v3", "parameters <= 300B", "L_mlp", {"hold": ["L"]},
     kinds(L_mlp=int, L_moe=lambda x: 61 - x), lambda x: x.parameters <= 300 * G),
    ("deepseek-v3", "parameters <= 300B", "first_k_dense_replace", {"hold": ["L"]},
     kinds(L_mlp=int, L_moe=lambda x: 61 - x), lambda x: x.parameters <= 300 * G),
    ("llama-4-scout", "cache_size <= 10 GB", "L_chunk", {"cached": 100_000, "hold": ["L"]},
     kinds(L_chunk=int, L_full=lambda x: 48 - x), lambda x: x.cache <= 10 * G),
    ("kimi-linear-48b-a3b", "cache_size >= 100 MiB", "L_full", {"cached": 50_000, "hold": ["L"]},
     kinds(L_full=int, L_lin=lambda x: 27 - x), lambda x: x.cache >= 100 * MiB),
    # lineages, batches and machines
    ("deepseek-v3.2", "time(h200-sxm, 8) <= 30 ms", "c", {"batch_size": 8}, None,
     lambda x: x.time(symroof.machine("h200-sxm").times(8)) <= Fraction(30, 1000)),
    ("deepseek-v4-flash", "flops >= 27B", "c", {}, None, lambda x: x.total.flops >= 27 * G),
    ("gemma-3n-e4b", "cache_size <= 100 MB", "c", {}, None, lambda x: x.cache <= 100 * 10**6),
    ("zamba-7b", "cache_bytes <= 25% * bytes", "c", {"batch_size": 8}, None,
     lambda x: 4 * x.moved_cache <= x.total.moved),
    ("glm-4.5", "cache_size <= 20 GB and n >= 100", "n", {"batch_size": 3}, None,
     lambda x: x.cache <= 20 * G and x.value >= 100),
    ("mimo-v2-flash", "storage <= 400 GB", "B", {"cached": 30_000}, None, lambda x: x.storage <= 400 * G),
    ("mamba-codestral-7b", "time(h100-sxm).bound = compute", "n", {}, None,
     lambda x: x.roofline("h100-sxm").units["compute"].exact >= x.roofline("h100-sxm").units["memory"].exact),
    ("llama-3.1-8b", "time(h100-sxm).bound = compute and storage <= 80 GiB", "n", {"batch_size": 4}, None,
     lambda x: x.roofline("h100-sxm").units["compute"].exact >= x.roofline("h100-sxm").units["memory"].exact
     and x.storage <= 80 * GiB),
    ("gpt-oss-120b", "memory(h100-sxm) * 90% >= storage", "B", {"cached": 16_384}, None,
     lambda x: 72 * GiB >= x.storage),
    ("llama-3.1-8b", "cache_bytes = weight_bytes - 10 MB", "c", {}, None,
     lambda x: x.moved_cache == x.total.weight_read - 10 * 10**6),
]  # fmt: skip


def test_there_are_sixty_new_questions():
    assert len(QUESTIONS) == 60
    assert len({x[0] for x in QUESTIONS}) >= 20


def numbers_to_try(found, domain):
    """Both sides of every end, numbers between them and beyond, and all of a small domain."""
    first, last = domain
    ends = {y for run in found.holds for x in (run.first, run.last) for y in (x - 1, x, x + 1)}
    if last - first <= SCANNED:
        return range(first, last + 1)
    reach = max([y for y in ends if y < last] or [4096])
    random = Random(first + reach)
    ends |= {first, first + 1} | {random.randint(first, min(last, 2 * reach + 10)) for _ in range(8)}
    return sorted(y for y in ends if first <= y <= min(last, 3 * reach + 10))


@pytest.mark.parametrize(
    ("name", "question", "unknown", "given", "sizes", "holds"), QUESTIONS, ids=[f"{x[0]}: {x[1]}" for x in QUESTIONS]
)
def test_answers_are_those_of_brute_force(name, question, unknown, given, sizes, holds):
    step = {key: x for key, x in given.items() if key != "hold"}
    found = symroof.solve(loaded(name), question, unknown, **given)
    tried = 0
    for value in numbers_to_try(found, found.domain):
        try:
            at = At(name, unknown, sizes, step, value)
        except UsageError:  # fewer experts than a token is sent to, or sizes that are not whole: no model
            continue
        assert holds(at) == any(run.first <= value <= run.last for run in found.holds), value
        tried += 1
    assert tried >= 5
    assert isinstance(found, Conjunction) == (len(parse_question(question)) > 1)
    if found.holds and found.answer is not None:
        assert any(run.first <= found.answer <= run.last for run in found.holds)


def test_the_share_of_full_attention_that_keeps_a_cache_small():
    """(4 GiB - 48 x 8 MiB)/(1 GiB - 8 MiB) of 48 layers: a layer's 131,072 or 1,024 tokens of 8 KiB."""
    gemma = loaded("gemma-3-12b")
    found = symroof.solve(gemma, "cache_size <= 4 GiB", "L_full", hold=["L"], cached=131_071)
    (at,) = found.boundaries
    assert at.exact / 48 == Rational(29, 381)
    assert (at.below, at.above, found.answer, found.answer_is, found.allowed) == (3, 4, 3, "largest", 3)
    assert "L_full/L = 29/381 where both sides are equal (L_full = 464/127); in whole layers 3/48" in str(found)
    assert "with L_swa = 48 - L_full" in str(found)
    assert found.to_dict()["notes"] == list(found.shares)


def test_a_real_unknown_between_two_times():
    model = loaded("llama-3.1-8b")
    found = symroof.solve(model, "5 ms <= time(h100-sxm) <= 10 ms", "W")
    peak = symroof.machine("h100-sxm").peaks["bf16"]

    def seconds(bandwidth):
        keys = f"peak={int(peak)},vector=66.9e12,bandwidth={int(bandwidth)},memory=80GiB"
        return float(symroof.roofline(model, inline_machine(keys), anyway=True).time)

    (run,) = found.holds
    assert seconds(run.first) == pytest.approx(0.010, rel=1e-6)
    assert seconds(run.last) == pytest.approx(0.005, rel=1e-6)
    assert found.answer_is == "range"


def test_conditions_in_sympy_are_joined_too():
    model = loaded("llama-3.1-8b")
    cached = model.formula("cache_size", uniform=True)
    both = symroof.solve(model, And(Ge(cached, GiB), Le(cached, 4 * GiB)), s.c)
    assert both.holds == symroof.solve(model, "1 GiB <= cache_size <= 4 GiB", "c").holds


def test_what_is_told_of_conditions():
    found = symroof.solve(loaded("llama-3.1-8b"), "parameters <= 10B and 1 GiB <= cache_size <= 4 GiB", "c")
    text = str(found)
    assert "c = 8,191 to 32,767: all conditions hold" in text
    assert "1. parameters <= 10B: c is not in it: it holds for every c" in text
    assert "2. 1 GiB <= cache_size: c = 8,191, the smallest: it holds from 8,191 on" in text
    assert "3. cache_size <= 4 GiB: c = 32,767, the largest: it holds from 0 to 32,767" in text
    assert "Note: 10B is read as 10 billion; bytes are written GB or GiB." in text
    record = found.to_dict()
    assert (record["schema"], record["answer_is"], record["answer"]) == ("symroof.conjunction/1", "range", 8191)
    assert [x["question"] for x in record["conditions"]] == [
        "parameters <= 10B",
        "1 GiB <= cache_size",
        "cache_size <= 4 GiB",
    ]
    single = symroof.solve(loaded("llama-3.1-8b"), "cache_size <= 10B", "c")
    assert not single.notes


# What is wrong, and words of the error.
MISTAKES = {
    "10B >= 3": "10B is bytes or billions here: write 10 bytes, or 10 \\* 1e9",
    "flops <= 2 and": "character 15 .* it ends",
    "and flops = 3": "is missing",
    "flops and 3": "a comparison is missing",
    "1 < flops > 3": "one comparison too many: join comparisons by and",
    "1 = flops = 3": "one comparison too many",
    "1 < flops <= 3 = 3": "one comparison too many",
    "flops <= 80 GiB": "flops is a count and 80 GiB is in bytes",
    "flops >= 5000/s": "flops is a count and 5000/s is in 1/seconds",
    "flops >= 5/q": "unknown name 'q'",
    "storage + parameters <= 10B": "cannot be added",
    "and = 3": "is missing",
    "n_shared_experts = 3": "n_shared_experts is not a size of llama",
}


@pytest.mark.parametrize("question", MISTAKES)
def test_mistakes(question):
    with pytest.raises(UsageError, match=MISTAKES[question]):
        symroof.solve(loaded("llama-3.1-8b"), question, "B")


@pytest.mark.parametrize(
    ("name", "unknown", "hold", "match"),
    [
        ("gemma-3-12b", "L_full", (), "--hold L, so that L_swa changes, or --hold L_swa, so that L changes"),
        ("gemma-3-12b", "L_full", ["f"], "give L, so that L_swa change"),
        ("gemma-3-12b", "L_full", ["L,L_swa"], "give L"),
        ("gemma-3-12b", "L", ["L_full"], "give ratios"),
        ("jamba-v0.1", "intermediate_size", (), "gives f, f_e of jamba-v0.1: name one of them"),
        ("deepseek-v3", "n_shared_experts", (), "only part of a size"),
        ("kimi-k3", "L", (), "L cannot change without N_mix, X_mix"),
    ],
)
def test_what_cannot_be_held_or_named(name, unknown, hold, match):
    with pytest.raises(UsageError, match=match):
        symroof.solve(loaded(name), "flops >= 1e9", unknown, hold=hold)
