"""What fits a machine: the solved numbers against the reports of the steps that they are about."""

import json
import random
import re
from dataclasses import replace
from fractions import Fraction
from functools import cache

import pytest
from click.testing import CliRunner
from sympy import Max, Min, floor

import symroof
from symroof import symbols as s
from symroof.algebra.rootfinding import piecewise
from symroof.cli import cli
from symroof.errors import UsageError
from symroof.hardware.machines import inline_machine
from symroof.performance import fit as fitting
from symroof.performance.capacity import DoesNotFit, memory_need
from symroof.performance.fit import fit

# Every kind of cache: (model, rules, formats).
MODELS = [
    ("llama-3.2-1b", "standard", {}),
    ("llama-3.2-1b", "transformers", {"dtype": "fp32"}),
    ("llama-3.1-8b", "transformer-roofline-analyzer", {}),
    ("llama-2-7b", "llm-viewer", {}),
    ("llama-3.1-8b", "full-square,fused", {"weights": "int4", "cache": "fp8"}),
    ("gemma-3-1b", "standard", {}),  # windows
    ("gemma-3-1b", "transformers", {}),
    ("gpt-oss-20b", "standard", {}),
    ("llama-4-scout", "standard", {}),  # chunks
    ("llama-4-scout", "transformers,logits-all", {}),
    ("deepseek-v3", "standard", {"cache": "fp8"}),  # latent
    ("deepseek-v3", "latent-expanded", {}),
    ("deepseek-v3.2", "standard", {}),  # selected by an indexer
    ("deepseek-v4-flash", "standard", {}),  # compressed
    ("jamba-v0.1", "standard", {}),  # states and attention
    ("qwen3-next-80b-a3b", "standard", {"states": "bf16"}),
    ("nemotron-h-56b", "standard", {}),
    ("gemma-3n-e4b", "standard", {}),  # keys that layers share
]
ENDLESS = [("mamba-1.4b", {}), ("rwkv-5-world-3b", {}), ("xlstm-7b", {}), ("mistral-7b-v0.1", {})]  # states; a window
IDS = [f"{name}-{rules}" for name, rules, _ in MODELS]


@cache
def load(name):
    return symroof.load(name)


@cache
def kept_by(name, rules="standard", formats=()):
    return fitting.decode_memory(load(name), rules, **dict(formats))


def machine(memory, **more):
    return replace(inline_machine("peak=1e12,bandwidth=1e12,memory=1GiB"), memory=int(memory), **more)


class Steps:
    """Decode steps of a model by their reports, without closed forms."""

    def __init__(self, name, rules="standard", formats=None):
        self.model, self.settings = load(name), {"rules": rules, **(formats or {})}
        self.kept = kept_by(name, rules, tuple((formats or {}).items()))

    def need(self, batch_size, context):
        return memory_need(self.model.report(1, context - 1, batch_size, **self.settings))

    def fit(self, memory, **asked):
        return fitting.fit_decode_memory(self.kept, machine(memory), **asked)


def sample(context, more=()):
    """Contexts up to one: the first and last, and some between."""
    picked = random.Random(context).sample(range(1, context + 1), min(context, 3))
    return sorted({x for x in (1, 2, *picked, *range(context - 2, context + 1), *more) if 1 <= x <= context})


@pytest.mark.parametrize(("name", "rules", "formats"), MODELS, ids=IDS)
def test_the_largest_batch_fits_on_the_way_to_its_context_and_one_query_more_does_not(name, rules, formats):
    steps = Steps(name, rules, formats)
    for context, queries in ((1, 3), (700, 40), (1_000_003, 5)):
        memory = int(steps.need(queries, context).total) + 6_000_000 * queries
        (answer,) = steps.fit(memory, context=context).answers
        assert (answer.solved, answer.context, answer.machine.memory) == ("batch_size", context, memory)
        assert answer.need == steps.need(answer.batch_size, answer.at)
        assert max(steps.need(answer.batch_size, x).total for x in sample(context)) <= answer.need.total <= memory
        assert answer.left == memory - answer.need.total
        assert steps.need(answer.batch_size + 1, answer.at).total > memory
        assert answer.number == answer.batch_size


@pytest.mark.parametrize(("name", "rules", "formats"), MODELS, ids=IDS)
def test_the_longest_context_fits_with_all_before_it_and_one_token_more_does_not(name, rules, formats):
    steps = Steps(name, rules, formats)
    for context, queries, spare in ((1, 2, 10**8), (130, 3, 0), (4_000, 7, 10**6), (70_001, 2, 1)):
        memory = int(steps.need(queries, context).total) + spare
        (answer,) = steps.fit(memory, batch_size=queries).answers
        assert (answer.solved, answer.batch_size, answer.machine.memory) == ("context", queries, memory)
        assert answer.need == steps.need(queries, answer.at)
        assert max(steps.need(queries, x).total for x in sample(answer.context)) <= answer.need.total <= memory
        assert steps.need(queries, answer.context + 1).total > memory
        assert answer.number in (None, answer.context)


@pytest.mark.parametrize("name", ["llama-3.2-1b", "gemma-3-1b", "deepseek-v4-flash", "llama-4-scout"])
def test_the_longest_context_by_trying_all(name):
    steps = Steps(name)
    memory = int(steps.need(3, 150).total)
    tried = 1
    while steps.need(3, tried + 1).total <= memory:
        tried += 1
    (answer,) = steps.fit(memory, batch_size=3).answers
    assert answer.context == tried


@pytest.mark.parametrize(("name", "rules", "formats"), MODELS, ids=IDS)
def test_a_batch_reaches_a_context_just_where_the_context_has_room_for_the_batch(name, rules, formats):
    steps = Steps(name, rules, formats)
    memory = int(steps.need(9, 5000).total)
    for context in (5_000, 9_999):
        (found,) = steps.fit(memory, context=context).answers
        reached = [steps.fit(memory, batch_size=found.batch_size + more).answers[0].context for more in (0, 1)]
        assert reached[0] >= context > reached[1]


def test_to_the_last_byte():
    steps = Steps("llama-3.2-1b")
    exact = steps.need(7, 1000).total
    found = {less: steps.fit(exact - less, batch_size=7).answers[0] for less in (0, 1)}
    assert [(x.context, x.left) for x in found.values()] == [(1000, 0), (999, 7 * 2 * 16 * 8 * 64 * 2 - 1)]
    assert [steps.fit(exact - less, context=1000).answers[0].batch_size for less in (0, 1)] == [7, 6]


@pytest.mark.parametrize(("name", "formats"), ENDLESS, ids=lambda x: str(x))
def test_what_stops_growing_has_no_longest_context(name, formats):
    steps = Steps(name, formats=formats)
    memory = int(steps.need(3, 10**15).total)
    (answer,) = steps.fit(memory, batch_size=3).answers
    assert (answer.context, answer.at, answer.left) == (None, None, 0)
    assert answer.need == steps.need(3, 10**18)
    assert "any" in str(steps.fit(memory, batch_size=3))
    if name.startswith("mistral"):
        (answer,) = steps.fit(memory - 1, batch_size=3).answers
        assert answer.context == 4095  # its window holds one more
    else:
        with pytest.raises(DoesNotFit):
            steps.fit(memory - 1, batch_size=3)


@pytest.mark.parametrize("count", [1, 8])
def test_the_fewest_machines(count):
    steps, one = Steps("llama-3.1-8b"), machine(5 * 2**30)
    for queries, context in ((1, 1), (64, 8192), (1000, 131072)):
        (answer,) = fitting.fit_decode_memory(steps.kept, one.times(count), context, queries).answers
        needed, n = steps.need(queries, context), answer.machine.count
        assert answer.need == needed
        assert n % count == 0
        assert (n - count) * one.memory < needed.total <= n * one.memory
        assert answer.machine == one.times(n)
    exact = machine(needed.total / Fraction(16)) if needed.total % 16 == 0 else machine(needed.total)
    assert fitting.fit_decode_memory(steps.kept, exact, 131072, 1000).answers[0].left == 0


def test_unasked_the_longest_context_of_one_query_and_the_largest_batch_at_the_configs():
    steps = Steps("llama-3.1-8b")
    alone, batch = steps.fit(44 * 2**30).answers
    assert (alone.solved, alone.batch_size, alone.context) == (
        "context",
        1,
        steps.fit(44 * 2**30, batch_size=1).answers[0].context,
    )
    assert batch == steps.fit(44 * 2**30, context=131072).answers[0]
    alone, batch = steps.fit(18 * 2**30).answers  # less than one query of the context that the config names
    assert (alone.context < 131072, batch.batch_size, batch.number) == (True, 0, 0)
    assert batch.need.total == steps.need(1, 1).weights
    config = {x: y for x, y in load("llama-3.2-1b").config.data.items() if x != "max_position_embeddings"}
    unnamed = fit(symroof.load(config), machine(8 * 2**30))
    assert (unnamed.config_context, [x.solved for x in unnamed.answers]) == (None, ["context"])


def test_contexts_beyond_the_configs_are_told():
    steps = Steps("llama-3.1-8b")
    assert steps.fit(44 * 2**30, context=131072).warnings == ()
    assert re.search("131,073 .* 131,072", *steps.fit(44 * 2**30, context=131073).warnings)
    assert "any" in Steps("mistral-7b-v0.1").fit(44 * 2**30).warnings[0]


def test_the_fewest_tpus_of_the_scaling_book():
    """LLaMA 3-70B on TPU v5e of 16 GB, 'Applied inference': 8.75, 4.38 and 2.19 to 2.81 of them hold bf16, int8, int4
    weights; 240 queries of 32k tokens with an int8 cache of 160 KiB a token are 1.3 TB and take 86 (int8 weights)."""
    v5e, steps = machine(16 * 10**9), load("llama-3-70b")
    for weights, fewest in (("bf16", 9), ("int8", 5), ("int4", 3)):
        (answer,) = fit(steps, v5e, 1, 1, weights=weights, cache="int8").answers
        assert answer.machine.count == fewest
    (answer,) = fit(steps, v5e, 32768, 240, weights="int8", cache="int8").answers
    assert answer.need.cache == 240 * 32768 * 160 * 1024
    assert abs(answer.machine.count - 86) <= 1  # with 1.3 TB rounded up from 1.29


@pytest.mark.parametrize(
    ("heads", "size", "contexts"),
    [(64, 128, (1320, 330)), (64, 256, (660, 165)), (1, 256, (43_000, 10_700))],
    ids=["multihead", "multiquery on every chip", "multiquery"],
)
def test_the_longest_contexts_of_palm(heads, size, contexts):
    """Pope et al. 2022, table 1: PaLM 540B, 118 layers, on 64 chips of 32 GiB with 30 % of memory for the cache."""
    config = {
        "model_type": "llama",
        "num_hidden_layers": 118,
        "hidden_size": 64,
        "intermediate_size": 64,
        "vocab_size": 64,
        "num_attention_heads": 64,
        "num_key_value_heads": heads,
        "head_dim": size,
        "torch_dtype": "bfloat16",
    }
    model = symroof.load(config)
    weights = 2 * model.parameters.total
    for batch, published in zip((128, 512), contexts, strict=True):
        (answer,) = fit(model, machine(weights + Fraction(3, 10) * 64 * 32 * 2**30), batch_size=batch).answers
        assert answer.context == pytest.approx(published, rel=0.011)


def test_highest_is_the_largest_value_of_all():
    x, rng = s.c, random.Random(5)
    for _ in range(30):
        a, b, d, e = (rng.randint(-9, 9) for _ in range(4))
        expr = rng.choice(
            [
                a * x**2 + b * x,
                Min(a * x, b * x + d) + e,
                Max(d, a * x) - b * floor(x / 7),
                -abs(a) * x * (x - 2 * b) + d * floor(x / 3),
            ]
        )
        first = rng.randint(-5, 30)
        last = first + rng.randint(0, 40)
        values = [(expr.subs(x, y), y) for y in range(first, last + 1)]
        assert piecewise.largest_value(piecewise.polynomial_pieces(expr, x, first, last)) == max(values)


def call(*words, code=0):
    result = CliRunner().invoke(cli, ["fit", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def test_what_the_command_prints():
    told = call("llama-3.1-8b", "--on", "l40s", "--context", 32768)
    assert "Largest batch with a context of 32,768 tokens: 7 queries" in told
    assert "B = floor((M - weights)/(activations + cache))" in told
    assert "floor((44.99 GiB - 14.96 GiB)/(258.50 KiB + 4.00 GiB)) = 7" in told
    assert re.search(r"left +2\.03 GiB +4\.5 %", told)
    assert "cache = 2 L h H_kv b_c (c + 1)" in told
    told = call("llama-3.1-8b", "--on", "l40s", "--batch-size", 8)
    assert "Longest context of each of 8 queries: 30,749 tokens" in told
    assert "= floor(((44.99 GiB - 14.96 GiB)/8 - 386.50 KiB)/128.00 KiB) + 1 = 30,749" in told
    told = call("llama-3.1-8b", "--on", "l40s", "--batch-size", 100, "--context", 32768)
    assert "Machines for 100 queries with a context of 32,768 tokens: 10 x l40s" in told
    told = call("mamba-1.4b", "--on", "t4")
    assert "Longest context of 1 query: any" in told
    assert "stop growing at 13.22 MiB" in told


def test_several_machines_are_a_line_each_and_the_others_are_named():
    words = ("llama-3.1-8b", "--on", "l40s", "--on", "rtx-4090", "--on", "t4", "--batch-size", 70)
    told = call(*words, "--weights", "int4", "--machine", "name=tiny,peak=1e12,bandwidth=1e12,memory=2GiB")
    lines = {line.split()[0]: line for line in told.splitlines() if line[:1] != " " and line}
    assert [int(lines[name].split()[2].replace(",", "")) > 0 for name in ("l40s", "rtx-4090", "t4")] == [True] * 3
    assert "2.00 GiB of tiny; 3 x tiny would hold it" in lines["tiny:"]
    found = json.loads(call(*words, "--json"))
    assert [x["machine"]["name"] for x in found["fits"]] == ["l40s", "rtx-4090", "t4"]
    assert (found["schema"], found["refused"]) == ("symroof.fits/1", [])
    found = json.loads(call("llama-3.1-70b", "--on", "t4", "--on", "b200", "--json"))
    assert [x["machine"]["name"] for x in found["fits"]] == ["b200"]
    assert [(x["machine"], "of t4" in x["error"]) for x in found["refused"]] == [("t4", True)]


def test_json_is_as_documented(tmp_path):
    found = json.loads(call("gemma-3-1b", "--on", "t4", "--json"))
    documented = fitting.__doc__.split("\n\n")[3]
    for key in (*found, *found["answers"][0], *found["answers"][0]["memory"]):
        assert re.search(rf"\b{key}\b", documented), key
    alone, batch = found["answers"]
    assert (alone["solved"], batch["solved"], batch["context"]) == ("context", "batch_size", found["config_context"])
    c = batch["memory"]["at"] - 1
    parts = batch["memory"]["cache"] + batch["memory"]["activations"]
    assert eval(found["query"], {"c": c, "Min": min, "Max": max}) * batch["batch_size"] == parts
    assert batch["memory"]["left"] == 16 * 2**30 - batch["memory"]["needed"]
    path = tmp_path / "fit.json"
    assert call("gemma-3-1b", "--on", "t4", "--json", "-o", path) == ""
    assert json.loads(path.read_text()) == found


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ["--on", "l40s", "--context", 32768],
            1,
            "one query of 32,768 tokens: llama-3.1-70b needs 141.42 GiB (weights "
            "131.42 GiB, cache 10.00 GiB, activations 266.50 KiB): 96.43 GiB more than the 44.99 GiB of l40s; "
            "4 x l40s would hold it, so would --weights int4",
        ),
        (["--on", "t4"], 1, "one query of 1 token: llama-3.1-70b needs"),
        (["--on", "t4", "--on", "l40s", "--batch-size", 4], 1, "4 queries of 1 token: "),
        (["--on", "l40s", "--context", 0], 2, "'--context': 0"),
        (["--on", "l40s", "--batch-size", "x"], 2, "'--batch-size': 'x'"),
        (["--on", "l40z", "--context", 9], 2, "'l40'"),
        ([], 2, "no machine is named"),
        (["--on", "l40s", "--dtype", "bf17"], 2, "bf16"),
    ],
    ids=lambda x: " ".join(map(str, x)) if isinstance(x, list) else "",
)
def test_what_does_not_fit_or_cannot_be_is_told_in_a_line(words, code, told):
    error = call("llama-3.1-70b", *words, code=code)
    assert told in error
    assert code == 2 or len(error.splitlines()) == 1
    assert "anyway" not in error


@pytest.mark.parametrize("asked", [{"context": 0}, {"batch_size": 2.5}, {"context": True}, {"batch_size": 10**19}])
def test_no_number_of_tokens_or_queries(asked):
    with pytest.raises(UsageError, match="whole number from 1"):
        fitting.fit_decode_memory(kept_by("llama-3.2-1b"), machine(8 * 2**30), **asked)
