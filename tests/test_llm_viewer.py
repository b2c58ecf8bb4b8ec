"""LLM-Viewer's figures under its own rules: the table its paper prints, and laws that hold of it at any size."""

import json

import pytest
from click.testing import CliRunner
from sympy import sympify

import symroof
from symroof import symbols as s
from symroof.cli import cli
from symroof.cost import rule_names
from symroof.errors import UsageError
from symroof.reference_tools import registry

RULES = rule_names.LLM_VIEWER
PEAK, BANDWIDTH = 155e12, 768e9  # of the A6000 in the paper: FLOP/s in fp16, byte/s
STEPS = {"prefill": {"new": 2048}, "decode": {"new": 1, "cached": 2047}}

# Yuan et al., "LLM Inference Unveiled", arXiv:2402.16363, Table 1: Llama-2-7B in fp16, batch 1, sequence length 2048.
# (step, our operators) -> operations, bytes, operations a byte; operations a second and what bounds them, where known.
QKVO = ("attention/q", "attention/k", "attention/v", "attention/out")
FEED = ("mlp/gate", "mlp/up", "mlp/down")
PRODUCTS = ("attention/qk_matmul", "attention/sv_matmul")
NORMS, SUMS = (("attention/norm", "mlp/norm"), ("attention/residual", "mlp/residual"))
TABLE = [
    ("prefill", QKVO, "69G", "67M", "1024", "155T", "compute"),
    ("prefill", FEED, "185G", "152M", "1215", "155T", "compute"),
    ("prefill", PRODUCTS, "34G", "302M", "114", "87T", "memory"),
    ("prefill", ("attention/softmax",), "671M", "537M", "1.25", "960G", "memory"),
    ("prefill", NORMS, "59M", "34M", "1.75", "1T", "memory"),
    ("prefill", SUMS, "8M", "34M", "0.25", "192G", "memory"),
    ("decode", QKVO, "34M", "34M", "1", "768G"),
    ("decode", FEED, "90M", "90M", "1"),
    ("decode", PRODUCTS, "17M", "17M", "0.99", "762G"),
    ("decode", ("attention/softmax",), "328K", "262K", "1.25"),
    ("decode", NORMS, "29K", "16K", "1.75"),
    ("decode", SUMS, "4K", "16K", "0.25"),
]
CELLS = [(step, path, cells) for step, paths, *cells in TABLE for path in paths]

BIASED = {
    "model_type": "llama",
    "hidden_size": 15,
    "intermediate_size": 33,
    "num_hidden_layers": 3,
    "vocab_size": 101,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "head_dim": 5,
    "attention_bias": True,
    "mlp_bias": True,
    "torch_dtype": "bfloat16",
}
MODELS = {name: name for name in ("llama-2-7b", "llama-3.1-8b", "llama-3.2-1b")} | {"biased": BIASED}
NEW, CACHED = [1, 70, 5], [9, 0, 3]


def printed(x):
    """A count as the table prints it: whole thousands, millions, ..."""
    unit, size = next((u, y) for u, y in {"T": 1e12, "G": 1e9, "M": 1e6, "K": 1e3}.items() if x >= y)
    return f"{x / size:.0f}{unit}"


def ratio(x):
    """An intensity as the table prints it: whole, small ones to two places."""
    return f"{x:.0f}" if x >= 10 else f"{x:.2f}".rstrip("0").rstrip(".")


def costs(model, rules=RULES, **step):
    return {row.path: row.cost for row in model.report(rules=rules, **step).rows}


@pytest.fixture(scope="module")
def steps():
    model = symroof.load("llama-2-7b")
    return {name: costs(model, **step) for name, step in STEPS.items()}


@pytest.mark.parametrize(("step", "path", "cells"), CELLS, ids=lambda x: x if isinstance(x, str) else "")
def test_table_1_to_the_printed_digits(steps, step, path, cells):
    cost = steps[step][path]
    speed = min(PEAK, float(cost.intensity) * BANDWIDTH)
    bound = "compute" if speed == PEAK else "memory"
    found = [printed(cost.flops), printed(cost.moved), ratio(float(cost.intensity)), printed(speed), bound]
    assert found[: len(cells)] == cells


def test_every_operator_of_a_layer_is_in_the_table_but_the_activation(steps):
    told = {step: {path for x, path, _ in CELLS if x == step} for step in STEPS}
    for step, found in steps.items():
        assert {*found} - told[step] == {"mlp/act", "head/logits"}


@pytest.mark.parametrize("name", MODELS)
def test_laws(name):
    laws(symroof.load(MODELS[name]))


def laws(model):
    """What it divides adds up to ours, and what one of its operators writes another reads."""
    step = {"new": NEW, "cached": CACHED, "dtype": "fp8"}  # a byte an element
    ours, theirs = costs(model, "full-square", **step), costs(model, **step)
    assert not {"embedding/lookup", "attention/rope", "head/norm"} & theirs.keys()
    for whole, parts in {"attention/qkv": QKVO[:3], "mlp/gate_up": FEED[:2]}.items():
        assert sum(theirs[x].matmul for x in parts) == ours[whole].matmul
        assert {theirs[x].act_read for x in parts} == {ours[whole].act_read}
        assert sum(theirs[x].output for x in parts) == ours[whole].act_write
    for path in (*QKVO, *FEED):
        assert theirs[path].matmul == 2 * sum(NEW) * theirs[path].weight_read
        assert (theirs[path].vector, theirs[path].weight_held) == (0, theirs[path].weight_read)
    attention(theirs, ours["attention/attend"])
    head, logits = theirs["head/logits"], ours["head/logits"]
    assert (2 * head.matmul, head.moved) == (logits.matmul, logits.moved)


def attention(found, fused):
    """Its parts compute and keep what one fused operator does; keys and values are those of the KV heads."""
    scores, softmax, values = (found[f"attention/{x}"] for x in ("qk_matmul", "softmax", "sv_matmul"))
    q, k, v, out = (found[x] for x in QKVO)
    assert scores.matmul == values.matmul == fused.matmul / 2
    assert scores.act_write == softmax.act_read == softmax.act_write == values.act_read
    assert (scores.act_read, values.act_write) == (q.act_write, out.act_read)
    assert (k.cache_held + v.cache_held, k.cache_write + v.cache_write) == (fused.cache_held, fused.cache_write)
    assert (scores.cache_read, values.cache_read) == (k.cache_held, v.cache_held)
    assert (k.act_write, v.act_write) == (0, 0)


def test_operations_an_element():
    """5 operations a score, 7 an element of a norm, 1 of a sum, 2 of the activation of the whole network."""
    found = costs(symroof.load("llama-3.1-8b"), new=NEW, cached=CACHED, dtype="fp8")
    each = {"attention/softmax": 5, "mlp/norm": 7, "mlp/residual": 1, "mlp/act": 2}
    assert {path: found[path].vector / found[path].act_write for path in each} == each
    assert found["mlp/act"].act_write == found["mlp/down"].act_read == found["mlp/up"].act_write


@pytest.mark.parametrize("name", ["llama-2-7b", "llama-3.2-1b"])
def test_weights_have_the_widths_that_ours_have(name):
    """The second one's head is its embedding."""
    ours, theirs = (widths(symroof.load(name), rules) for rules in ("standard", RULES))
    divided = {**dict.fromkeys(QKVO[:3], "attention/qkv"), **dict.fromkeys(FEED[:2], "mlp/gate_up")}
    for path in (*QKVO, *FEED, "head/logits"):
        assert theirs[path] == ours[divided.get(path, path)] != set()


def widths(model, rules):
    """The symbols that say how weights are kept, by operator."""
    read = {path: sympify(op.cost.weight_read).free_symbols for path, _, op in model.graph(rules).rows()}
    return {path: {x for x in found if s.group(x) == "width"} for path, found in read.items()}


def test_a_batch_reads_weights_once_and_all_else_for_each_query():
    model = symroof.load("llama-3.1-8b")
    one, more = (costs(model, new=3, cached=40, batch_size=x) for x in (1, 8))
    for path, x in one.items():
        assert (more[path].weight_read, more[path].flops) == (x.weight_read, 8 * x.flops)
        assert (more[path].input, more[path].output) == (8 * x.input, 8 * x.output)


@pytest.mark.parametrize("rules", ["standard", "transformers", "full-square", "exact-dots", rule_names.ANALYZER])
@pytest.mark.parametrize("name", MODELS)
def test_every_difference_has_a_reason_and_nothing_else_has(name, rules):
    found = symroof.load(MODELS[name]).against(RULES, rules=rules, new=NEW, cached=CACHED)
    assert any(row.ours != row.theirs for row in found.rows)
    for row in found.rows:
        assert bool(row.why) == (row.ours != row.theirs), row.path


def test_each_departure_explains_some_difference():
    """That of biases only where there are some."""
    told = {name: symroof.load(MODELS[name]).against(RULES, new=NEW, cached=CACHED) for name in MODELS}
    every = {why for found in told.values() for row in found.rows for why in row.why}
    assert every == {f"{RULES} {x}" for x in registry.TOOLS[RULES].departures.values()}
    biased = {name for name, found in told.items() for row in found.rows for why in row.why if "biases" in why}
    assert biased == {"biased"}


def test_the_tools_are_those_of_the_rulebook():
    assert {name for name, rule in rule_names.RULEBOOK.items() if rule.tool} == set(registry.TOOLS)
    assert all(rule.base for rule in rule_names.RULEBOOK.values() if rule.tool)
    for tool in registry.TOOLS.values():
        structure = symroof.load("llama-3.1-8b").architecture.structure
        paths = {path for path, _, _ in tool.graph(structure).rows()} | {"head/norm", "nothing/there"}
        assert {x for path in paths for x in tool.reasons(structure, path)} <= set(tool.departures)


def test_both_tools_tell_their_departures_where_they_differ():
    found = symroof.load("llama-3.1-8b").against(RULES, rules=rule_names.ANALYZER, new=7)
    why = {row.path: " ".join(row.why) for row in found.rows}["mlp/norm"]
    assert all(name in why for name in registry.TOOLS)


@pytest.mark.parametrize("name", ["llama-4-scout", "deepseek-v3", "gemma-2-2b"])
def test_a_family_it_does_not_know_is_refused(name):
    with pytest.raises(UsageError, match="supports only llama, not"):
        symroof.load(name).report(rules=RULES)


@pytest.mark.parametrize("words", [["--rules", f"{RULES},exact-dots"], ["--rules", RULES, "--logits", "all"]])
def test_variants_are_refused(words):
    result = CliRunner().invoke(cli, ["report", "llama-2-7b", *words])
    assert (result.exit_code, "drop" in result.output) == (2, True)


def test_the_command_line_lists_it_with_its_source_and_counts_by_it(steps):
    listed = " ".join(CliRunner().invoke(cli, ["rules"]).output.split())
    assert "arXiv:2402.16363, Table 1" in listed
    words = ["report", "llama-2-7b", "--rules", RULES, "--cached-tokens", "2047", "--input-tokens", "1", "--json"]
    rows = json.loads(CliRunner().invoke(cli, words).output)["rows"]
    assert {row["path"]: row["one_layer"]["flops"] for row in rows} == {p: x.flops for p, x in steps["decode"].items()}
