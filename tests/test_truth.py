"""Equality with independent truths: counters run over real models, published sizes, the tool we descend from."""

import json
from functools import cache
from pathlib import Path

import pytest

import symroof
from symroof.rulebook import ANALYZER

TRUTH = Path(__file__).parent / "truth"


@cache
def read(name):
    return json.loads((TRUTH / name).read_text())["models"]


TRANSFORMERS = read("transformers.json")
STEPS = [(model, step) for model in TRANSFORMERS for step in model["steps"]]
TOOL = [(model, case) for model in read("transformer_roofline_analyzer.json") for case in model["cases"]]

# Role in the truth -> our roles. Multimodal truths count the norms of the vision tower too.
ROLES = {
    "embedding": "embedding",
    "attention": "attention",
    "attn_core": "attention_core",
    "ffn": "ffn",
    "router": "router",
    "routed_experts": "routed_experts",
    "shared_experts": "shared_experts",
    "norm": "norm",
    "lm_head": "head",
}


def label(value):
    if isinstance(value, dict) and "variant" in value:
        return f"{value['model_type']}-{value['kind']}-{value['variant']}"
    if isinstance(value, dict) and "tokens" in value:
        return f"{value['kind']}-{value['batch']}x{value['tokens']}-{value['logits']}"
    return value.get("model") if isinstance(value, dict) and "model" in value else None


@pytest.mark.parametrize("truth", TRANSFORMERS, ids=label)
def test_parameters_equal_those_of_the_real_modules(truth):
    ours = symroof.load(truth["config"]).parameters
    text = {role: n for role, n in truth["parameter_roles"].items() if role != "nontext"}
    if truth["kind"] == "vl":
        text["norm"] -= truth["vision_norms"]
    assert {ROLES[role]: n for role, n in text.items()} == ours.by_role
    nontext = truth["parameter_roles"].get("nontext", 0) + truth.get("vision_norms", 0)
    assert ours.total == truth["parameters"] - nontext


@pytest.mark.parametrize(("truth", "step"), STEPS, ids=label)
def test_matmul_flops_equal_pytorchs_counter(truth, step):
    new, cached = (step["tokens"], 0) if step["kind"] == "prefill" else (1, step["tokens"])
    report = symroof.load(truth["config"]).report(
        new, cached, step["batch"], rules="transformers", logits=step["logits"], dtype="bf16"
    )
    by_role = {}
    for row in report.rows:
        by_role[row.role] = by_role.get(row.role, 0) + row.all.flops
    assert report.total.matmul == report.total.flops == step["flops"]
    assert {role: n for role, n in by_role.items() if n} == {ROLES[role]: n for role, n in step["roles"].items()}


@pytest.mark.parametrize(("truth", "step"), [(m, s) for m, s in STEPS if s["kind"] == "decode"], ids=label)
def test_cache_bytes_equal_what_the_real_cache_holds(truth, step):
    model = symroof.load(truth["config"])
    filled = model.report(step["tokens"], 0, step["batch"], rules="transformers", dtype="bf16")
    assert filled.storage.cache == step["cache_bytes"] == 2 * step["cache_elements"]


@pytest.mark.parametrize("truth", read("transformers_variants.json"))
def test_variants_equal_the_real_models(truth):
    """Biases, ties, expert patterns, layers without rotary embedding, and steps that go on from a filled window."""
    model = symroof.load(truth["config"])
    assert model.parameters.total == truth["parameters"]
    for step in truth["steps"]:
        form = {"rules": "transformers", "dtype": "bf16", "batch_size": step["batch"]}
        report = model.report(step["new"], step["cached"], logits=step["logits"], **form)
        assert report.total.flops == step["flops"]
        if step["cached"]:
            assert model.report(step["cached"], 0, **form).storage.cache == step["cache_bytes"]


def spread(runs):
    return [value for value, count in runs for _ in range(count)]


# Our operator's name -> the tool's, by block.
NAMES = {
    "norm": "RMSNorm", "qkv": "QKV_Proj", "rope": "RoPE", "attend": "SDPA", "out": "O_Proj", "residual": "ResidualAdd",
    "gate_up": "GateUp_Proj", "act": "ActMul", "down": "Down_Proj", "router": "Router", "combine": "RoutedSharedExpAdd",
}  # fmt: skip


def tools_name(row):
    part, _, op = row.op.rpartition(".")
    side = "Attn" if "attention" in row.block else "Ffn"
    kind = {"experts": "RoutedExp_", "shared": "SharedExp_"}.get(part, "")
    return f"{side} - {kind}{NAMES[op]}"


def figures(cost):
    return [cost.flops, cost.weight_read, cost.input, cost.output, float(cost.intensity)]


@pytest.mark.parametrize(("truth", "case"), TOOL, ids=lambda x: x.get("model"))
def test_the_tool_we_descend_from_is_reproduced_to_the_last_flop_and_byte(truth, case):
    report = symroof.load(truth["config"]).report(spread(case["input"]), spread(case["cached"]), rules=ANALYZER)
    *layers, total = case["layers"]
    ours = {}
    for row in report.rows:
        if row.block not in ("embedding", "idle"):
            name = tools_name(row)
            same = ours.setdefault(name, [name, 0, *figures(row.cost)])
            assert same[2:] == figures(row.cost)
            same[1] += row.layers
    assert list(ours.values()) == layers
    assert figures(report.total) == total[2:]
    kept = report.storage
    extra = {"Additional Experts": kept.experts_untouched, "Embedding Table": kept.embedding}
    assert (kept.cache, kept.weights_touched) == (case["kv_cache"], total[3])
    assert {name: n for name, n in extra.items() if n} == case["extra"]


def test_no_truth_is_missing():
    assert (len(TRANSFORMERS), len(STEPS), len(TOOL)) >= (8, 32, 56)
    assert sum(len(case["layers"]) for _, case in TOOL) == 707
