"""Equality with independent truths: counters run over real models, published sizes, the tool we descend from."""

import gzip
import json
from functools import cache
from pathlib import Path

import pytest

import symroof
from symroof.cost.rule_names import ANALYZER
from symroof.errors import ConfigError
from symroof.families.registry import FAMILIES

TRUTH = Path(__file__).parent / "truth"


@cache
def read(name):
    return json.loads((TRUTH / name).read_text())["models"]


with gzip.open(TRUTH / "transformers.jsonl.gz", "rt") as file:
    MEASURED = [json.loads(line) for line in file]
with gzip.open(TRUTH / "transformers_variants.jsonl.gz", "rt") as file:
    VARIANTS = [x for x in map(json.loads, file) if x["model_type"] in FAMILIES]
# (type, flip) -> why a variant that transformers builds cannot be matched.
VARIANTS_REFUSED: dict[tuple[str, str], str] = {
    ("doge", "{'is_moe': True}"): "experts of one vector each are not covered",
    ("falcon", "{'multi_query': False}"): "contradicts num_kv_heads, which transformers then ignores",
    ("gemma3_text", "{'use_bidirectional_attention': True}"): "no decoder",
    ("helium", "{'head_dim': 24}"): "transformers builds it and cannot run it",
    (
        "llama4_text",
        "{'layer_types': ['chunked_attention', 'full_attention', 'chunked_attention', 'chunked_attention', "
        "'chunked_attention']}",
    ): "contradicts no_rope_layers",
}
# Type -> why its weights are not counted: they are compared by role above.
UNCOUNTED = {
    "longcat_flash": "the class keeps projections of experts that do nothing",
    "phi4_multimodal": "the class has towers besides",
}
# (type, kind, variant) -> why a config that transformers builds from is refused.
REFUSED = {
    ("qwen3_omni_moe_thinker", "vl", "default"): "2048 is not a multiple of 28 heads: transformers rounds down to 73",
}
# Learned corrections of experts' scores: the classes hold most in buffers, which are no parameters; checkpoints hold
# them beside the weights, and we count them.
CORRECTIONS: dict[str, int] = json.loads((TRUTH / "corrections.json").read_text())
TRANSFORMERS = [
    x
    for x in MEASURED
    if x["model_type"] in FAMILIES and "parameters" in x and (x["model_type"], x["kind"], x["variant"]) not in REFUSED
]
TOOL = [(model, case) for model in read("transformer_roofline_analyzer.json") for case in model["cases"]]

# Role in the truth -> ours; others go by one name.
ROLES = {
    "pos_embedding": "position_embedding",
    "attn_core": "attention_core",
    "lm_head": "head",
    "shared_gate": "shared_experts",
    "mixer": "recurrence",
    "mixer_conv": "recurrence",
    "mixer_core": "recurrence_core",
}

# Types whose truth gives some modules another role than ours: our role -> the one both are compared under.
MERGED: dict[str, dict[str, str]] = {
    "inkling_text": {"embedding": "norm", "attention_conv": "attention", "ffn_conv": "ffn"},
    "inkling_mm_model": {"embedding": "norm", "attention_conv": "attention", "ffn_conv": "ffn"},
    "inkling2": {
        "embedding": "norm",
        "attention_conv": "attention",
        "ffn_conv": "attention",
        "ffn": "attention",
        "other": "attention",
        "attention_core": "attention",
        "hyper_connection": "attention",
    },
    "inkling2_text": {
        "embedding": "norm",
        "attention_conv": "attention",
        "ffn_conv": "attention",
        "ffn": "attention",
        "other": "attention",
        "attention_core": "attention",
        "hyper_connection": "attention",
    },
    "deepseek_v4": {"other": "hyper_connection"},  # the matmul that mixes streams lies in no module
    "axk2": {"ffn": "norm", "attention": "norm"},  # what gates a norm is named after the norm or a network
    "dots3_note": {"inner_norm": "norm"},
    "dots3_note_text": {"inner_norm": "norm"},
    "afmoe": {"router": "ffn"},  # the experts' correction lies in the block
    "jetmoe": {"ffn": "routed_experts", "router": "routed_experts"},  # named after the blocks they stand in
    "minimax": {"recurrence": "attention", "recurrence_core": "attention_core"},
    "kimi_linear": {"recurrence": "attention", "attention_conv": "attention"},
    "bailing_hybrid": {"recurrence": "attention", "attention_conv": "attention"},
    "recurrent_gemma": {"attention": "recurrence", "recurrence_core": "recurrence"},
    "openai-gpt": {"position_embedding": "other"},
    "ctrl": {"embedding": "other"},
    "doge": {"residual": "attention", "other": "attention"},
    "muse_glimmer": {"embedding": "norm"},
    "muse_spark": {
        "embedding": "norm",
        "inner_norm": "norm",
        "latent_proj": "routed_experts",
        "ffn": "attention",
        "residual": "attention",
    },  # what weighs a residual is named after the sublayer
    "glm5_next": {"recurrence": "attention", "other": "hyper_connection"},
    "qwen4_exp_text": {"indexer_core": "indexer"},
    "kosmos-2": {"inner_norm": "norm"},
    "kosmos-2.5": {"inner_norm": "norm"},
    "gemma3n_text": {"other": "altup_laurel"},
    "xlstm": {"inner_norm": "norm"},
    "rwkv": {"recurrence": "attention", "recurrence_core": "attention", "head": "other"},
    "jamba": {"inner_norm": "norm"},
    "bitnet": {"inner_norm": "norm"},
    "modernbert-decoder": {"other": "head"},
    "zaya": {
        "attention_conv": "attention",
        "residual": "attention",
        "ffn": "attention",
        "inner_norm": "norm",
        "other": "attention",
    },
    "zamba": {"recurrence_core": "recurrence"},
}

# (type, kind, variant, step) -> why this one line cannot be matched.
UNMATCHED: dict[tuple[str, str, str, int], str] = {
    ("minicpm_ocr", "vl", "default", 1): "computes logits of all positions, asked or not",
    ("minicpm_ocr", "vl", "v1", 1): "computes logits of all positions, asked or not",
    ("minicpmv4_6", "vl", "default", 1): "computes logits of all positions, asked or not",
    ("minicpmv4_6", "vl", "v1", 1): "computes logits of all positions, asked or not",
    ("qwen2_5_omni_thinker", "vl", "default", 1): "computes logits of all positions, asked or not",
    ("qwen2_5_omni_thinker", "vl", "v1", 1): "computes logits of all positions, asked or not",
    ("qwen3_omni_moe_thinker", "vl", "v1", 1): "computes logits of all positions, asked or not",
    ("video_llama_3", "vl", "default", 1): "computes logits of all positions, asked or not",
    ("video_llama_3", "vl", "v1", 1): "computes logits of all positions, asked or not",
    ("qwen3_vl_moe", "vl", "v1", 2): "measured with a window that the class drops from a config it reads",
    ("openai-gpt", "causal", "default", 0): "transformers keeps no cache: a token alone was measured",
    ("openai-gpt", "causal", "v1", 2): "transformers keeps no cache: a token alone was measured",
    ("openai-gpt", "causal", "v1", 3): "transformers keeps no cache: a token alone was measured",
}

# (type, role) -> why the figures of that role cannot be matched.
UNMATCHED_ROLES: dict[tuple[str, str], str] = {
    ("longcat_flash", "routed_experts"): "the class keeps projections of experts that do nothing, and which of those "
    "it measured are chosen depends on its random weights",
}

# Type -> why the bytes of its cache cannot be matched.
UNMATCHED_CACHE = {
    "dots3_note": "the keys of its indexer are cached in float32",
    "dots3_note_text": "the keys of its indexer are cached in float32",
    "qwen4_exp_text": "its indexer caches positions, three integers a token",
}


def label(value):
    if isinstance(value, dict) and "variant" in value:
        return f"{value['model_type']}-{value['kind']}-{value['variant']}"
    return value.get("model") if isinstance(value, dict) else None


def by_role(truth, found):
    """Figures by role, theirs or ours, under names common to both."""
    sums = {}
    for role, n in found.items():
        ours = ROLES.get(role, role)
        name = MERGED.get(truth["model_type"], {}).get(ours, ours)
        sums[name] = sums.get(name, 0) + n
    return {role: n for role, n in sums.items() if n and (truth["model_type"], role) not in UNMATCHED_ROLES}


def whole(truth):
    """Whether every role can be compared, and so the total."""
    return truth["model_type"] not in {model_type for model_type, _ in UNMATCHED_ROLES}


def with_corrections(truth):
    """Parameters by role, and the corrections that lie in buffers as weights of the router."""
    corrections = CORRECTIONS.get(f"{truth['model_type']} {truth['kind']} {truth['variant']}", 0)
    return {**truth["parameters"], "router": truth["parameters"].get("router", 0) + corrections}


@pytest.mark.parametrize("truth", TRANSFORMERS, ids=label)
def test_parameters_equal_those_of_the_real_modules(truth):
    ours, theirs = symroof.load(truth["config"]).parameters, with_corrections(truth)
    assert by_role(truth, ours.by_role) == by_role(truth, theirs)
    assert ours.total == sum(theirs.values()) or not whole(truth)


@pytest.mark.parametrize("truth", [x for x in TRANSFORMERS if x["steps"]], ids=label)
def test_matmul_flops_equal_pytorchs_counter(truth):
    model = symroof.load(truth["config"])
    for number, step in enumerate(truth["steps"]):
        if (truth["model_type"], truth["kind"], truth["variant"], number) in UNMATCHED:
            continue
        new, cached = (step["tokens"], 0) if step["kind"] == "prefill" else (1, step["tokens"])
        form = {"rules": "transformers", "logits": step["logits"], "dtype": "bf16"}
        report = model.report(new, cached, step["batch"], **form)
        ours = {}
        for row in report.rows:
            ours[row.role] = ours.get(row.role, 0) + row.all.flops
        assert by_role(truth, ours) == by_role(truth, step["roles"]), step
        assert report.total.matmul == report.total.flops
        assert report.total.flops == step["flops"] or not whole(truth), step


@pytest.mark.parametrize("truth", [x for x in TRANSFORMERS if any(y["cache_bytes"] for y in x["steps"])], ids=label)
def test_cache_bytes_equal_what_the_real_cache_holds(truth):
    model = symroof.load(truth["config"])
    if truth["model_type"] in UNMATCHED_CACHE:
        return
    for number, step in enumerate(truth["steps"]):
        if step["cache_bytes"] and (truth["model_type"], truth["kind"], truth["variant"], number) not in UNMATCHED:
            filled = model.report(step["tokens"], 0, step["batch"], rules="transformers", dtype="bf16")
            assert filled.storage.cache == step["cache_bytes"], step


@pytest.mark.parametrize("kind", sorted({x["model_type"] for x in VARIANTS}))
def test_variants_equal_the_real_models(kind):
    """Biases and ties flipped, one KV head, other heads, windows and patterns; a step that goes on from a prompt."""
    form = {"batch_size": 2, "rules": "transformers", "dtype": "bf16", "logits": "all"}
    for truth in VARIANTS:
        if truth["model_type"] != kind or (kind, str(truth["flip"])) in VARIANTS_REFUSED:
            continue
        model = symroof.load(truth["config"])
        counted = truth["parameters"] + CORRECTIONS.get(f"{kind} {truth['flip']}", 0)
        assert kind in UNCOUNTED or model.parameters.total == counted, truth["flip"]
        if "prefill" in truth:
            report = model.report(37, 0, **form)
            assert report.total.flops == truth["prefill"], truth["flip"]
        if "decode" in truth:
            assert kind in UNMATCHED_CACHE or report.storage.cache == truth["cache_bytes"], truth["flip"]
            assert model.report(1, 37, **form).total.flops == truth["decode"], truth["flip"]


def spread(runs):
    return [value for value, count in runs for _ in range(count)]


# Our operator's name -> the tool's, by block.
NAMES = {
    "norm": "RMSNorm",
    "qkv": "QKV_Proj",
    "rope": "RoPE",
    "attend": "SDPA",
    "out": "O_Proj",
    "residual": "ResidualAdd",
    "gate_up": "GateUp_Proj",
    "act": "ActMul",
    "down": "Down_Proj",
    "router": "Router",
    "combine": "RoutedSharedExpAdd",
}


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


LLAMAS = [(model, case) for model, case in TOOL if model["config"]["model_type"] == "llama"]


@pytest.mark.parametrize(("truth", "case"), LLAMAS, ids=lambda x: x.get("model"))
def test_the_tool_reads_no_quantization_config_and_takes_fp16_without_a_dtype(truth, case):
    total = case["layers"][-1][2:]
    quantised = {
        **truth["config"],
        "quantization_config": {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0},
    }
    unnamed = {x: y for x, y in truth["config"].items() if x not in ("torch_dtype", "dtype")}
    for config in (quantised, unnamed):
        report = symroof.load(config).report(spread(case["input"]), spread(case["cached"]), rules=ANALYZER)
        assert (figures(report.total), report.storage.cache) == (total, case["kv_cache"])


def test_no_truth_is_missing():
    assert len({x["model_type"] for x in TRANSFORMERS}) >= 3
    assert {x["model_type"] for x in TRANSFORMERS} == {x["model_type"] for x in MEASURED} & set(FAMILIES)
    assert len(TOOL) >= 56
    assert sum(len(case["layers"]) for _, case in TOOL) == 707


@pytest.mark.parametrize("key", REFUSED)
def test_a_refused_config_is_refused(key):
    config = next(x["config"] for x in MEASURED if (x["model_type"], x["kind"], x["variant"]) == key)
    with pytest.raises(ConfigError, match="not a multiple of"):
        symroof.load(config)


def test_an_unmatched_line_is_one_that_there_is():
    steps = {(x["model_type"], x["kind"], x["variant"], i) for x in TRANSFORMERS for i, _ in enumerate(x["steps"])}
    assert set(UNMATCHED) <= steps
