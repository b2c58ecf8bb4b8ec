"""Quantised checkpoints: which weights a quantization_config keeps in which format, to the byte."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import symroof
from symroof.cli import cli
from symroof.config.catalogue import model_catalogue
from symroof.cost.cost import sum_costs
from symroof.errors import ConfigError, UnknownName, UsageError

DENSE = {
    "model_type": "llama",
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "vocab_size": 1000,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "torch_dtype": "bfloat16",
}
ROUTED = DENSE | {
    "model_type": "llama4_text",
    "intermediate_size_mlp": 512,
    "num_local_experts": 4,
    "num_experts_per_tok": 1,
    "interleave_moe_layer_step": 2,
    "attention_chunk_size": 64,
}
ATTENTION = 4 * (256 * (4 + 2 + 2) * 64 + 4 * 64 * 256)
DENSE_FFN = 4 * 3 * 256 * 512
GROUP = {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": 32}


def loaded(quant: dict[str, Any], base: dict[str, Any] = DENSE, **keys: Any) -> symroof.Model:
    return symroof.load({**base, **keys, "quantization_config": quant})


def weights(model: symroof.Model, **formats: str) -> dict[str, Any]:
    """Bytes kept of the weights of every role."""
    sums: dict[str, Any] = {}
    for row in model.report(**formats).rows:
        sums[row.role] = sums.get(row.role, 0) + row.all.weight_held
    return sums


def groups(weights: dict[str, Any], **more: Any) -> dict[str, Any]:
    group = {"targets": ["Linear"], "weights": weights}
    return {"quant_method": "compressed-tensors", "config_groups": {"g": group}, **more}


# quantization_config -> bits of 128 x 128 weights, scales and zero points of blocks and groups among them.
BLOCK = 128 * 128
FORMATS = {
    "fp8 blocks": ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8 * BLOCK + 32),
    "fp8 tensors": ({"quant_method": "fp8", "weight_block_size": None}, 8 * BLOCK),
    "fbgemm": ({"quant_method": "fbgemm_fp8"}, 8 * BLOCK),
    "int4 groups of 32": (groups(GROUP), 4 * BLOCK + 16 * BLOCK // 32),
    "int4 with zero points": (groups(GROUP | {"symmetric": False}), 4 * BLOCK + (16 + 4) * BLOCK // 32),
    "int8 channels": (groups({"num_bits": 8, "type": "int", "strategy": "channel", "group_size": None}), 8 * BLOCK),
    "ct fp8": (groups({"num_bits": 8, "type": "float", "strategy": "channel"}), 8 * BLOCK),
    "ct fp8 blocks": (groups({"num_bits": 8, "type": "float", "block_structure": [128, 128]}), 8 * BLOCK + 32),
    "ct nvfp4": (groups({"num_bits": 4, "type": "float", "group_size": 16}), 4 * BLOCK + 8 * BLOCK // 16),
    "ct mxfp4": (groups({"num_bits": 4, "type": "float", "group_size": 32}), 4 * BLOCK + 8 * BLOCK // 32),
    "modelopt fp8": ({"quant_method": "modelopt", "quant_algo": "FP8", "exclude_modules": ["lm_head"]}, 8 * BLOCK),
    "modelopt nvfp4": ({"quant_algo": "NVFP4", "ignore": ["lm_head"]}, 4 * BLOCK + 8 * BLOCK // 16),
    "modelopt awq": (
        {"quant_algo": "W4A16_AWQ", "group_size": 64, "ignore": ["lm_head"]},
        4 * BLOCK + 16 * BLOCK // 64,
    ),
    "awq": ({"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}, 4 * BLOCK + 20 * BLOCK // 128),
    "gptq": ({"quant_method": "gptq", "bits": 8, "group_size": -1}, 8 * BLOCK),
    "bnb int8": ({"quant_method": "bitsandbytes", "load_in_8bit": True}, 8 * BLOCK),
    "bnb nf4": (
        {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
        4 * BLOCK + 32 * BLOCK // 64,
    ),
    "bnb double": (
        {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True},
        4 * BLOCK + 8 * BLOCK // 64 + 32 * BLOCK // 64 // 256,
    ),
    "quanto int4": ({"quant_method": "quanto", "weights": "int4"}, 4 * BLOCK + 32 * BLOCK // 128),
    "quanto float8": ({"quant_method": "quanto", "weights": "float8"}, 8 * BLOCK),
    "bitnet": ({"quant_method": "bitnet", "linear_class": "autobitlinear", "quantization_mode": "offline"}, 2 * BLOCK),
    "bitnet online": ({"quant_method": "bitnet", "quantization_mode": "online"}, 16 * BLOCK),
    "torchao": ({"quant_method": "torchao", "quant_type": "int4_weight_only"}, 4 * BLOCK + 32 * BLOCK // 128),
    "torchao groups": (
        {"quant_method": "torchao", "quant_type": "int4_weight_only", "quant_type_kwargs": {"group_size": 32}},
        4 * BLOCK + 32 * BLOCK // 32,
    ),
    "torchao int8": (
        {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8WeightOnlyConfig", "_data": {}}}},
        8 * BLOCK,
    ),
    "torchao w8a8": (
        {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int8DynamicActivationInt8WeightConfig"}}},
        8 * BLOCK,
    ),
    "hqq": (
        {
            "quant_method": "hqq",
            "quant_config": {
                "weight_quant_params": {"nbits": 4, "group_size": 64, "axis": 1},
                "scale_quant_params": None,
            },
            "skip_modules": ["lm_head"],
        },
        4 * BLOCK + 32 * BLOCK // 64,
    ),
    # ten weights of 3 bits in 32
    "hqq 3": (
        {"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 3, "group_size": None}}},
        BLOCK * Fraction(32, 10),
    ),
    "auto-round": (
        {"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": True, "data_type": "int"},
        4 * BLOCK + (16 + 4) * BLOCK // 128,
    ),
    "auto-round mxfp4": (
        {"quant_method": "auto-round", "bits": 4, "group_size": 32, "data_type": "mx_fp", "act_bits": 4},
        4 * BLOCK + 8 * BLOCK // 32,
    ),
    "quark fp8": (
        {
            "quant_method": "quark",
            "global_quant_config": {"weight": {"dtype": "fp8_e4m3"}, "input_tensors": {"dtype": "fp8_e4m3"}},
            "exclude": ["lm_head"],
        },
        8 * BLOCK,
    ),
    "quark mxfp4": (
        {
            "quant_method": "quark",
            "global_quant_config": {"weight": {"dtype": "fp4", "qscheme": "per_group", "group_size": 32}},
            "exclude": ["lm_head"],
        },
        4 * BLOCK + 8 * BLOCK // 32,
    ),
    "eetq": ({"quant_method": "eetq", "weights": "int8"}, 8 * BLOCK),
    "fp_quant": ({"quant_method": "fp_quant", "forward_dtype": "nvfp4"}, 4 * BLOCK + 8 * BLOCK // 16),
}


@pytest.mark.parametrize(("quant", "bits"), FORMATS.values(), ids=FORMATS)
def test_linear_layers_are_kept_in_the_format_and_nothing_else(quant: dict[str, Any], bits: int) -> None:
    if quant.get("quant_method") == "compressed-tensors":
        quant = quant | {"ignore": ["lm_head"]}
    kept, plain = weights(loaded(quant)), weights(symroof.load(DENSE))
    assert kept["attention"] == Fraction(bits, 8 * BLOCK) * ATTENTION
    assert kept["ffn"] == Fraction(bits, 8 * BLOCK) * DENSE_FFN
    assert all(kept[role] == plain[role] for role in ("embedding", "head", "norm"))


FP8, INT8, NVFP4_IN = (
    {"num_bits": bits, "type": kind, "strategy": "token", "dynamic": True, "group_size": size}
    for bits, kind, size in ((8, "float", None), (8, "int", None), (4, "float", 16))
)


def w_a(weights: dict[str, Any], inputs: Any) -> dict[str, Any]:
    """A group of compressed-tensors with weights and inputs of its own."""
    group = {"targets": ["Linear"], "weights": weights, "input_activations": inputs}
    return {"quant_method": "compressed-tensors", "config_groups": {"g": group}, "ignore": ["lm_head"]}


# What linear layers of a bf16 checkpoint multiply in: the wider of weights and inputs, where those are converted too.
MULTIPLIED = {
    **dict.fromkeys(FORMATS, "bf16"),
    **dict.fromkeys(("fp8 blocks", "fp8 tensors", "fbgemm", "modelopt fp8"), "fp8"),
    "bnb int8": "int8",
    "modelopt nvfp4": "nvfp4",
    "bitnet": "int8",
    "torchao w8a8": "int8",
    "auto-round mxfp4": "mxfp4",
    "quark fp8": "fp8",
    "fp_quant": "nvfp4",
}
CONVERTED = {
    "w8a8 fp8": (w_a({"num_bits": 8, "type": "float"}, FP8), "fp8"),
    "w8a8 fp8 in blocks": (w_a({"num_bits": 8, "type": "float", "block_structure": [128, 128]}, FP8), "fp8"),
    "w8a8 int8": (w_a({"num_bits": 8, "type": "int"}, INT8), "int8"),
    "w4a8": (w_a(GROUP, FP8), "fp8"),
    "w4a8 int8": (w_a(GROUP, INT8), "int8"),
    "w4a4": (w_a({"num_bits": 4, "type": "float", "group_size": 16}, NVFP4_IN), "nvfp4"),
    "w4a16": (w_a({"num_bits": 4, "type": "float", "group_size": 16}, None), "bf16"),
    "modelopt w4a16": ({"quant_algo": "W4A16_NVFP4", "ignore": ["lm_head"]}, "bf16"),
    "modelopt w4a8": ({"quant_algo": "W4A8_AWQ", "ignore": ["lm_head"]}, "fp8"),
    "modelopt w4a8 nvfp4": ({"quant_algo": "W4A8_NVFP4_FP8", "ignore": ["lm_head"]}, "fp8"),
    "modelopt mxfp8": ({"quant_algo": "MXFP8", "ignore": ["lm_head"]}, "mxfp8"),
    "quanto activations": ({"quant_method": "quanto", "weights": "int8", "activations": "int8"}, "int8"),
    **{name: (FORMATS[name][0], form) for name, form in MULTIPLIED.items()},
}


@pytest.mark.parametrize(("quant", "form"), CONVERTED.values(), ids=CONVERTED)
def test_linear_layers_multiply_in_the_wider_of_weights_and_inputs(quant: dict[str, Any], form: str) -> None:
    if quant.get("quant_method") == "compressed-tensors":
        quant = quant | {"ignore": ["lm_head"]}
    kept = loaded(quant).precision()
    assert kept.product_formats("b_w") == kept.product_formats("b_o") == kept.product_formats("b_f") == {form: 1}
    assert kept.product_formats("b_head") == kept.product_formats("b_emb") == kept.product_formats("") == {"bf16": 1}
    assert loaded(quant).precision(weights="int4").product_formats("b_f") == {"bf16": 1}


def test_a_role_with_other_layers_multiplies_in_the_formats_of_each() -> None:
    quant = w_a({"num_bits": 8, "type": "float"}, FP8)
    quant["ignore"] += ["model.layers.0*", "model.layers.3.mlp.gate_proj"]
    kept = loaded(quant).precision()
    assert kept.product_formats("b_w") == {"fp8": Fraction(3, 4), "bf16": Fraction(1, 4)}
    assert kept.product_formats("b_f") == {"fp8": Fraction(2, 3), "bf16": Fraction(1, 4) + Fraction(1, 12)}


# Formats given -> what dense weights, the head, and cached keys are multiplied in.
GIVEN = [
    ({}, "bf16", "bf16"),
    ({"weights": "int4"}, "bf16", "bf16"),
    ({"weights": "fp8", "cache": "fp8"}, "bf16", "bf16"),
    ({"dtype": "fp8"}, "fp8", "fp8"),
    ({"activations": "fp8"}, "bf16", "bf16"),
    ({"weights": "fp32"}, "fp32", "bf16"),
    ({"activations": "fp8", "weights": "int4"}, "fp8", "bf16"),
    ({"activations": "fp8", "cache": "fp8"}, "bf16", "fp8"),
    ({"dtype": "fp16"}, "fp16", "fp16"),
    ({"activations": "fp32"}, "fp32", "fp32"),
    ({"cache": "fp32"}, "bf16", "fp32"),
]


@pytest.mark.parametrize(("formats", "dense", "keys"), GIVEN)
def test_formats_that_are_given_are_multiplied_in_the_wider(formats: dict[str, str], dense: str, keys: str) -> None:
    kept = symroof.load(DENSE).precision(**formats)
    assert kept.product_formats("b_f") == {dense: 1}
    quantised = formats.get("weights") in ("int4", "fp8")
    assert kept.product_formats("b_head") == {"bf16" if quantised else dense: 1}
    assert kept.product_formats("") == {keys: 1}


def test_both_operands_of_a_matmul_have_a_format() -> None:
    stored, inputs = loaded(FORMATS["fp8 blocks"][0]).precision().operands("b_f")
    assert (stored.element, stored.inputs, inputs.name) == ("fp8", "fp8", "bf16")
    stored, inputs = symroof.load(DENSE).precision(weights="awq", cache="fp8").operands("b_f")
    assert (stored.element, stored.inputs, inputs.name) == ("int4", "", "bf16")
    keys, queries = symroof.load(DENSE).precision(cache="fp8").operands("")
    assert (keys.name, queries.name) == ("fp8", "bf16")


# Built-in checkpoints: what attention, experts or dense networks, and the head multiply in.
CHECKPOINTS = [
    ("deepseek-v3", "fp8", "b_e", "fp8"),
    ("llama-4-maverick-fp8", "bf16", "b_e", "fp8"),
    ("laguna-s-2.1-fp8", "bf16", "b_e", "fp8"),
    ("gpt-oss-120b", "bf16", "b_e", "bf16"),
    ("kimi-k2.6", "bf16", "b_e", "bf16"),
    ("gemma-4-31b-nvfp4", "bf16", "b_f", "nvfp4"),
    ("deepseek-v4-flash", "fp8", "b_e", "fp8"),
    ("devstral-small-2-24b", "fp8", "b_f", "fp8"),
    ("qwen2.5-omni-7b-awq", "bf16", "b_f", "bf16"),
    ("qwen3-32b-fp8", "fp8", "b_f", "fp8"),
]


@pytest.mark.parametrize(("name", "attention", "width", "network"), CHECKPOINTS)
def test_built_in_checkpoints_multiply_as_they_are_run(name: str, attention: str, width: str, network: str) -> None:
    kept = symroof.load(name).precision()
    assert [next(iter(kept.product_formats(x))) for x in ("b_w", width, "b_head")] == [attention, network, "bf16"]


def test_mxfp4_is_the_experts_format() -> None:
    kept = weights(loaded({"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]}, ROUTED))
    plain = weights(symroof.load(ROUTED))
    assert kept["routed_experts"] == plain["routed_experts"] / 2 * Fraction(17, 32)
    assert {x: kept[x] for x in kept if x != "routed_experts"} == {x: plain[x] for x in plain if x != "routed_experts"}


EXCLUDED = {
    "a part of the name": (["self_attn"], "attention"),
    "every layer by name": ([f"model.layers.{i}.self_attn" for i in range(4)], "attention"),
    "wrapped": ([f"model.language_model.layers.{i}.mlp*" for i in range(4)], "ffn"),
    "a star inside": (["model.layers.*.self_attn"], "attention"),
    "regular": (["re:.*self_attn.*"], "attention"),
    "regular choice": ([r"re:.*mlp\.(gate|up|gate_up|down)_proj.*"], "ffn"),
}


@pytest.mark.parametrize(("patterns", "role"), EXCLUDED.values(), ids=EXCLUDED)
def test_what_is_excluded_keeps_the_dtype(patterns: list[str], role: str) -> None:
    quant = groups({"num_bits": 8, "type": "float"}, ignore=["lm_head", *patterns])
    kept, plain = weights(loaded(quant)), weights(symroof.load(DENSE))
    for name, size in kept.items():
        assert size == (plain[name] / 2 if name in {"attention", "ffn"} - {role} else plain[name])


def test_a_role_with_other_layers_costs_their_exact_mean() -> None:
    left = ["lm_head", "model.layers.0*", "model.layers.3.mlp.gate_proj"]
    quant = groups({"num_bits": 8, "type": "float"}, ignore=left)
    model = loaded(quant)
    kept, plain = weights(model), weights(symroof.load(DENSE))
    assert kept["attention"] == plain["attention"] / 2 * Fraction(3 * 1 + 1 * 2, 4)
    assert kept["ffn"] == plain["ffn"] / 2 * Fraction((2 * 1 + 1 * 2) * 3 + 2 * 1 + 2, 4 * 3)
    assert model.report().precision.formats["attention"].name == "fp8 in 3, bf16 in 1 of 4 layers"


def test_patterns_mean_the_layers_that_have_the_module() -> None:
    """llama4 routes layers 1 and 3: layer 0 has no experts to leave out."""
    quant = groups({"num_bits": 8, "type": "float"}, ignore=["lm_head", "re:.*layers.[01].feed_forward.*"])
    kept, plain = weights(loaded(quant, ROUTED)), weights(symroof.load(ROUTED))
    for role in ("ffn", "routed_experts", "shared_experts"):
        assert kept[role] == plain[role] / 2 * Fraction(3, 2)
    assert kept["attention"] == plain["attention"] / 2


def test_groups_of_modules_have_formats_of_their_own() -> None:
    two = {
        "a": {"targets": ["re:.*self_attn.*"], "weights": {"num_bits": 8, "type": "float"}},
        "b": {"targets": ["re:.*mlp.*"], "weights": {"num_bits": 4, "type": "float", "group_size": 16}},
    }
    kept = weights(loaded({"quant_method": "compressed-tensors", "config_groups": two}))
    plain = weights(symroof.load(DENSE))
    assert kept["attention"] == plain["attention"] / 2
    assert kept["ffn"] == plain["ffn"] / 2 * Fraction(9, 16)
    assert kept["head"] == plain["head"]


# Modules that are quantised -> bytes an element of q, k and v projections and of output projections; roles shown.
PROJECTIONS = {
    "both": (r"re:.*self_attn.*", 1, 1, {"attention"}),
    "neither": (r"re:.*mlp.*", 2, 2, {"feed_forward"}),
    "output": (r"re:.*self_attn\.o_proj", 2, 1, {"attention_output"}),
    "the others": (r"re:.*self_attn\.[qkv]_proj", 1, 2, {"attention", "attention_output"}),
    "output of half the layers": (r"re:.*[01]\.self_attn\.o_proj", 2, Fraction(3, 2), {"attention_output"}),
}


@pytest.mark.parametrize(("modules", "first", "output", "shown"), PROJECTIONS.values(), ids=PROJECTIONS)
def test_output_projections_of_attention_have_a_format_of_their_own(
    modules: str, first: Any, output: Any, shown: set[str]
) -> None:
    fp8 = {"targets": [modules], "weights": {"num_bits": 8, "type": "float"}}
    report = loaded({"quant_method": "compressed-tensors", "config_groups": {"g": fp8}}).report()
    kept = {row.path: row.cost.weight_held for row in report.rows}
    assert kept["attention/qkv"] == 256 * (4 + 2 + 2) * 64 * first
    assert kept["attention/out"] == 4 * 64 * 256 * output
    assert report.precision.formats.keys() & {"attention", "attention_output", "feed_forward"} == shown


def test_modelopt_lists_layers_of_mixed_precision() -> None:
    names = [f"model.layers.{i}.mlp.{x}_proj" for i in range(4) for x in ("gate", "up", "down")]
    layers = {name: {"quant_algo": "NVFP4"} for name in names}
    layers |= {f"model.layers.{i}.self_attn.{x}_proj": {"quant_algo": "FP8"} for i in (0, 1) for x in "qkvo"}
    kept = weights(loaded({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": layers}))
    plain = weights(symroof.load(DENSE))
    assert kept["ffn"] == plain["ffn"] / 2 * Fraction(9, 16)
    assert kept["attention"] == plain["attention"] / 2 * Fraction(3, 2)


@pytest.mark.parametrize("scheme", [{"num_bits": 8, "type": "float"}, "FP8"])
def test_the_cache_has_the_format_the_checkpoint_names(scheme: Any) -> None:
    model = loaded(groups({"num_bits": 8, "type": "float"}, kv_cache_scheme=scheme))
    plain = symroof.load(DENSE)
    assert 2 * model.report(cached=9).storage.cache == plain.report(cached=9).storage.cache
    assert model.report(cached=9, cache="bf16").storage.cache == plain.report(cached=9).storage.cache


def test_a_tied_head_stays_with_the_embedding() -> None:
    kept = weights(loaded(groups({"num_bits": 8, "type": "float"}), tie_word_embeddings=True))
    assert kept["embedding"] == 2 * 1000 * 256
    assert weights(loaded(groups({"num_bits": 8, "type": "float"})))["head"] == 1000 * 256


def test_formats_given_override_the_checkpoint_with_a_warning() -> None:
    report = loaded({"quant_method": "fp8"}).report(weights="bf16")
    assert report.total.weight_held == symroof.load(DENSE).report().total.weight_held
    assert "quantization_config" in report.warnings[0]


def test_activations_given_leave_the_weights_alone() -> None:
    report = loaded({"quant_method": "fp8"}).report(activations="fp8")
    assert report.precision.formats["attention"].name == "fp8"
    assert not report.warnings


EVERY_LAYER = [f"model.layers.{i}" for i in range(4)]
# What is left at 16 bits of one role alone, in the words of each method -> the role.
LEFT_OUT = {
    "bitnet": ({"quant_method": "bitnet", "modules_to_not_convert": ["self_attn"]}, "attention"),
    "fbgemm": (
        {
            "quant_method": "fbgemm_fp8",
            "modules_to_not_convert": [f"{x}.self_attn.{y}_proj" for x in EVERY_LAYER for y in "qkvo"],
        },
        "attention",
    ),
    "torchao": (
        {"quant_method": "torchao", "quant_type": "float8_weight_only", "modules_to_not_convert": ["mlp"]},
        "ffn",
    ),
    "hqq by tag": (
        {
            "quant_method": "hqq",
            "quant_config": {
                f"self_attn.{x}_proj": {"weight_quant_params": {"nbits": 8, "group_size": None}} for x in "qkvo"
            },
        },
        "ffn",
    ),
    "auto-round": (
        {
            "quant_method": "auto-round",
            "bits": 8,
            "group_size": -1,
            "extra_config": {
                f"{x}.mlp.{y}_proj": {"bits": 16, "data_type": "float"}
                for x in EVERY_LAYER
                for y in ("gate", "up", "down")
            },
        },
        "ffn",
    ),
    "quark": (
        {
            "quant_method": "quark",
            "global_quant_config": {"weight": {"dtype": "int8"}},
            "exclude": ["lm_head", "*.self_attn.*"],
        },
        "attention",
    ),
    "gptqmodel": (
        {"quant_method": "gptq", "bits": 8, "group_size": -1, "dynamic": {r"-:.*self_attn.*": {}}},
        "attention",
    ),
}


@pytest.mark.parametrize(("quant", "role"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_a_method_leaves_out_has_the_dtype(quant: dict[str, Any], role: str) -> None:
    stored, plain = weights(loaded(quant)), weights(symroof.load(DENSE))
    other = {"attention": "ffn", "ffn": "attention"}[role]
    assert stored[other] < plain[other]
    assert all(stored[x] == plain[x] for x in plain if x != other)


def test_bits_of_modules_may_differ() -> None:
    extra = {f"{x}.mlp.down_proj": {"bits": 8} for x in EVERY_LAYER}
    quant = {"quant_method": "auto-round", "bits": 4, "group_size": -1, "extra_config": extra}
    assert weights(loaded(quant))["ffn"] == DENSE_FFN * (2 * Fraction(1, 2) + 1) / 3
    layers = {"*v_proj": {"weight": {"dtype": "int8"}}}
    quark = {"quant_method": "quark", "global_quant_config": {}, "layer_quant_config": layers, "exclude": ["lm_head"]}
    values = 4 * 256 * 2 * 64
    assert weights(loaded(quark))["attention"] == 2 * (ATTENTION - values) + values


def test_one_projection_of_a_network_may_be_left_out() -> None:
    """Llama-3.1-405B-FP8 lists modules one by one; so may a config that leaves out down projections alone."""
    quant = {"quant_method": "fbgemm_fp8", "modules_to_not_convert": ["model.layers.0.mlp.down_proj"]}
    assert weights(loaded(quant))["ffn"] == DENSE_FFN + 256 * 512
    named = [f"model.layers.{i}.self_attn.{x}_proj" for i in range(4) for x in "qkvo"]
    named += [f"model.layers.{i}.mlp.{x}_proj" for i in (0, 3) for x in ("gate", "up", "down")]
    released = {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0, "modules_to_not_convert": named}
    stored, plain = weights(loaded(released)), weights(symroof.load(DENSE))
    assert (stored["attention"], stored["ffn"]) == (plain["attention"], plain["ffn"] * Fraction(3, 4))


def test_quark_names_the_format_of_the_cache() -> None:
    cache = {"*k_proj": {"output_tensors": {"dtype": "fp8_e4m3"}}}
    quant = {
        "quant_method": "quark",
        "global_quant_config": {"weight": {"dtype": "int8"}},
        "kv_cache_quant_config": cache,
    }
    assert loaded(quant).precision().formats["cache"].name == "fp8"


# name -> bits of 128 x 128 weights of the layers; by the formats' descriptions
GIVEN_WEIGHTS = {
    "int4": 4 * BLOCK + 16 * BLOCK // 128,
    "w4a16": 4 * BLOCK + 16 * BLOCK // 128,
    "awq": 4 * BLOCK + 20 * BLOCK // 128,
    "GPTQ": 4 * BLOCK + 20 * BLOCK // 128,
    "int2": 2 * BLOCK + 16 * BLOCK // 128,
    "int8": 8 * BLOCK,
    "w8a8": 8 * BLOCK,
    "fp8": 8 * BLOCK,
    "fp8-block": 8 * BLOCK + 32,
    "nf4": 4 * BLOCK + 32 * BLOCK // 64,
    "nf4_double": 4 * BLOCK + 8 * BLOCK // 64 + 32 * BLOCK // 64 // 256,
    "nvfp4": 4 * BLOCK + 8 * BLOCK // 16,
    "mxfp4": 4 * BLOCK + 8 * BLOCK // 32,
    "bitnet": 2 * BLOCK,
}


@pytest.mark.parametrize("name", GIVEN_WEIGHTS)
def test_given_weights_are_the_matrices_of_the_layers_with_their_scales(name: str) -> None:
    for base in (DENSE, ROUTED):
        stored, plain = weights(symroof.load(base), weights=name), weights(symroof.load(base))
        for role in plain.keys() & {"attention", "ffn", "routed_experts", "shared_experts"}:
            assert stored[role] == plain[role] * Fraction(GIVEN_WEIGHTS[name], 16 * BLOCK)
        left = {"embedding", "head", "norm", "router"} & plain.keys()
        assert {x: stored[x] for x in left} == {x: plain[x] for x in left}


def test_a_name_in_words_is_what_a_checkpoint_says() -> None:
    """Weights given by the name of a scheme are those of a checkpoint that the scheme's quantiser wrote."""
    written = {
        "awq": {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True},
        "gptq": {"quant_method": "gptq", "bits": 4, "group_size": 128},
        "w4a16": groups(GROUP | {"group_size": 128}, ignore=["lm_head"]),
        "fp8_block": {"quant_method": "fp8", "weight_block_size": [128, 128]},
        "w8a8": {"quant_method": "bitsandbytes", "load_in_8bit": True},
        "nf4": {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
        "hqq": FORMATS["hqq"][0],
        "bitnet": {"quant_method": "bitnet"},
    }
    for name, quant in written.items():
        model = loaded(quant)
        assert weights(model) == weights(symroof.load(DENSE), weights=name), name
        given = symroof.load(DENSE).precision(weights=name)
        assert [model.precision().product_formats(x) for x in ("b_w", "b_f", "b_head")] == [
            given.product_formats(x) for x in ("b_w", "b_f", "b_head")
        ], name


# llama.cpp, tools/quantize/README.md: bits per weight of Llama-3.1-8B
LLAMA_CPP = {
    "q8_0": 8.5008,
    "q6_k": 6.5633,
    "q5_k_m": 5.7036,
    "q5_k_s": 5.5704,
    "q4_k_m": 4.8944,
    "q4_k_s": 4.6672,
    "q3_k_l": 4.2979,
    "q3_k_s": 3.6429,
    "q2_k": 3.1593,
    "iq4_nl": 4.6818,
    "iq4_xs": 4.4597,
    "fp16": 16.0005,
}


@pytest.mark.parametrize("name", LLAMA_CPP)
def test_mixes_of_llama_cpp_have_the_published_bits_per_weight(name: str) -> None:
    model = symroof.load("llama-3.1-8b")
    norms = 16 * model.parameters.by_role["norm"] if name == "fp16" else 0  # fp32 there
    bits = (8 * model.report(weights=name).total.weight_held + norms) / model.parameters.total
    assert float(bits) == pytest.approx(LLAMA_CPP[name], abs=0.00005)


def test_a_mix_of_a_70b_has_the_published_size() -> None:
    """Sizes of the files of Llama-3.1-70B in bartowski's repositories, in GB."""
    model, sizes = symroof.load("llama-3.1-70b"), {"q8_0": 74.98, "q6_k": 57.89, "q5_k_m": 49.95, "q5_k_s": 48.66}
    sizes |= {"q4_k_m": 42.52, "q4_k_s": 40.35, "q3_k_l": 37.14, "q3_k_m": 34.27, "q3_k_s": 30.91}
    header = 0.008  # GB: the vocabulary, and what describes the tensors
    for name, size in sizes.items():
        assert float(model.report(weights=name).total.weight_held) / 1e9 + header == pytest.approx(size, abs=0.006), (
            name
        )


def test_a_mix_of_eight_experts_has_the_published_size() -> None:
    """bartowski/Mixtral-8x22B-v0.1-GGUF, in GB: 32 000 tokens, by a release (b2636) that quantised routers too."""
    model = symroof.load("mixtral-8x22b").with_sizes(V=32000)
    sizes = {"q5_k_m": 99.96, "q5_k_s": 96.97, "q4_k_m": 85.58, "q4_k_s": 80.47, "iq4_nl": 80.47, "iq4_xs": 76.35}
    sizes |= {"q3_k_l": 72.57, "q3_k_m": 67.78, "q3_k_s": 61.49, "q2_k": 52.10}
    for name, size in sizes.items():
        stored = weights(model, weights=name)
        assert float(sum(stored.values()) - stored["router"]) / 1e9 == pytest.approx(size, abs=0.006), name


def test_mixes_of_falcon_are_refused() -> None:
    with pytest.raises(UsageError, match="falcon"):
        symroof.load("falcon-7b").report(weights="q4_k_m")
    assert symroof.load("falcon-7b").report(weights="q8_0").total.weight_held


def test_rows_that_do_not_divide_into_blocks_fall_back() -> None:
    """Rows of 896 elements (Qwen2.5-0.5B) are no blocks of 256: q4_k becomes q5_0 there, q6_k becomes q8_0."""
    base = DENSE | {"hidden_size": 896, "num_attention_heads": 14, "head_dim": 64}
    stored, plain = weights(symroof.load(base), weights="q4_k_s"), weights(symroof.load(base))
    assert stored["embedding"] == plain["embedding"] * Fraction(22, 32 * 2)
    assert stored["head"] == plain["head"] * Fraction(34, 32 * 2)


def test_the_output_names_what_given_weights_are() -> None:
    report = symroof.load(DENSE).report(weights="int4")
    text = " ".join(str(report).split())
    assert "groups of 128 with a scale of 16 bits; embedding, head, norms and routers stay bf16" in text
    assert "int4 weights are multiplied in bf16, the format of activations" in text
    assert report.to_dict()["notes"] == list(report.notes)
    assert not symroof.load(DENSE).report(weights="w8a8").notes[1:]
    assert "llama.cpp" in symroof.load(DENSE).report(weights="q4_k_m").notes[0]
    assert "mxfp4 weights are multiplied in bf16" in str(symroof.load("gpt-oss-20b").report().notes)
    assert not symroof.load("deepseek-v3").report().notes


def test_models_side_by_side_name_what_given_weights_are() -> None:
    answer = CliRunner().invoke(cli, ["compare", "llama-3.1-8b", "qwen3-8b", "--weights", "int4"])
    assert " ".join(answer.output.split()).count("groups of 128 with a scale of 16 bits") == 1


def test_dtype_is_everything() -> None:
    model = loaded({"quant_method": "fp8"})
    report = model.report(cached=9, dtype="bf16")
    plain = symroof.load(DENSE).report(cached=9)
    assert (report.total, report.storage) == (plain.total, plain.storage)
    assert "quantization_config (fp8) is set aside" in report.warnings[0]
    halved = symroof.load(DENSE).report(cached=9, dtype="fp8")
    assert (2 * halved.total.moved, 2 * halved.storage.total) == (plain.total.moved, plain.storage.total)


def test_a_format_of_weights_is_one_of_weights_only() -> None:
    for role in ("dtype", "activations", "cache"):
        with pytest.raises(UsageError, match="awq is a format of weights"):
            symroof.load(DENSE).report(**{role: "awq"})
    with pytest.raises(UnknownName, match="did you mean 'int4'"):
        symroof.load(DENSE).report(weights="int44")


NO_DTYPE = {x: y for x, y in DENSE.items() if x != "torch_dtype"}


def test_a_config_without_a_dtype_has_flop_and_parameters() -> None:
    model, known = symroof.load(NO_DTYPE), symroof.load(DENSE)
    report, whole = model.report([7, 1], [5, 3]), known.report([7, 1], [5, 3])
    assert (report.total.flops, report.total.matmul) == (whole.total.flops, whole.total.matmul)
    assert model.parameters == known.parameters
    assert [row.all.flops for row in report.rows] == [row.all.flops for row in whole.rows]
    assert 2 * report.elements.weight_held == whole.total.weight_held
    assert 2 * report.elements.moved == whole.total.moved


def test_bytes_without_a_dtype_are_refused_where_they_are_asked_for() -> None:
    report = symroof.load(NO_DTYPE).report()
    asked: list[Callable[[], Any]] = [
        lambda: report.total.weight_read,
        lambda: report.total.moved,
        lambda: report.total.intensity,
        lambda: report["attention/attend"].all.cache_read,
        lambda: report.storage,
        lambda: sum_costs(row.all for row in report.rows).weight_held,
        lambda: symroof.load(NO_DTYPE).cache_per_token(),
        lambda: symroof.roofline(symroof.load(NO_DTYPE), "h100-sxm"),
        lambda: symroof.fit(symroof.load(NO_DTYPE), "h100-sxm"),
    ]
    for ask in asked:
        with pytest.raises(UsageError, match=r"names no dtype.*--dtype bf16"):
            ask()


def test_a_report_without_a_dtype_says_what_it_lacks() -> None:
    report = symroof.load(NO_DTYPE).report()
    found, text = report.to_dict(), " ".join(str(report).split())
    assert found["totals"]["flops"] == report.total.flops
    assert found["totals"]["weight_bytes"] is None is found["storage"]["total"]
    assert "names no dtype" in found["warnings"][0]
    assert [x in text for x in ("Parameters: 2,873,600", "give --dtype", "Elements moved")] == [True] * 3


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown", "html", "latex"])
def test_every_form_of_a_report_does_without_a_dtype(tmp_path: Path, form: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(NO_DTYPE))
    answer = CliRunner().invoke(cli, ["report", str(tmp_path), "--format", form])
    assert answer.exit_code == 0, answer.output
    assert "2,873,600" in answer.output or form in ("json", "csv", "latex")


@pytest.mark.parametrize(
    "words", ["roofline --on h100-sxm", "fit --on h100-sxm", "serve --on h100-sxm --prompt 9 --output-tokens 9"]
)
def test_commands_that_need_bytes_refuse_a_config_without_a_dtype(tmp_path: Path, words: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(NO_DTYPE))
    name, *rest = words.split()
    answer = CliRunner().invoke(cli, [name, str(tmp_path), *rest])
    assert (answer.exit_code, "--dtype bf16" in answer.output) == (2, True)


FLOP_ALONE = {
    "solve {} --for batch flops=1e12": ("flops=1e12", "storage=1GiB"),
    "sweep {} --over batch=1:4:x2 --quantity flops,parameters": ("flops", "weight_size"),
}


@pytest.mark.parametrize(("words", "change"), FLOP_ALONE.items())
def test_commands_need_a_dtype_for_bytes_alone(tmp_path: Path, words: str, change: tuple[str, str]) -> None:
    (tmp_path / "config.json").write_text(json.dumps(NO_DTYPE))
    given = [x.replace("{}", str(tmp_path)) for x in words.split()]
    assert CliRunner().invoke(cli, given).exit_code == 0
    refused = CliRunner().invoke(cli, [x.replace(*change) for x in given])
    assert (refused.exit_code, "--dtype bf16" in refused.output) == (2, True)


def test_formats_given_for_everything_need_no_dtype() -> None:
    every = {"weights": "bf16", "activations": "bf16", "cache": "bf16"}
    assert symroof.load(NO_DTYPE).report(**every).total == symroof.load(DENSE).report().total
    some = symroof.load(NO_DTYPE).report(weights="bf16")
    assert some.total.weight_read == symroof.load(DENSE).report().total.weight_read
    with pytest.raises(UsageError, match="names no dtype"):
        _ = some.total.input


def test_weights_given_on_a_quantised_checkpoint_without_a_dtype_work_as_those_it_has() -> None:
    model = loaded({"quant_method": "fp8"}, torch_dtype=None)
    given, own = model.report(weights="fp8"), model.report()
    assert given.total.weight_held == own.total.weight_held
    assert given.precision.formats["activations"] == own.precision.formats["activations"]


def test_without_a_dtype_the_rest_of_a_quantised_checkpoint_is_bf16() -> None:
    model = loaded({"quant_method": "mxfp4"}, torch_dtype=None)
    assert model.report().precision.formats["weights"].name == "bf16"
    assert "names no dtype" in model.report().precision.origin["weights"]


REFUSED = {
    "method": ({"quant_method": "fp7"}, "fp7"),
    "codebooks": ({"quant_method": "aqlm"}, "aqlm"),
    "bitnet mode": ({"quant_method": "bitnet", "quantization_mode": "auto"}, "auto"),
    "torchao type": ({"quant_method": "torchao", "quant_type": "autoquant"}, "autoquant"),
    "torchao without a type": ({"quant_method": "torchao"}, "quant_type"),
    "hqq bits": ({"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 5}}}, "nbits"),
    "auto-round type": ({"quant_method": "auto-round", "data_type": "odd"}, "odd"),
    "quark type": ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp3"}}}, "fp3"),
    "quark list": ({"quant_method": "quark", "global_quant_config": {"weight": [1]}}, "weight"),
    "fp_quant": ({"quant_method": "fp_quant", "forward_dtype": "fp3"}, "fp3"),
    "eetq": ({"quant_method": "eetq", "weights": "int4"}, "int4"),
    "gptqmodel": ({"quant_method": "gptq", "bits": 4, "dynamic": {"+:.*down.*": {"bits": 8}}}, "dynamic"),
    "no method": ({"bits": 4}, "quant_method"),
    "no object": (4, "object"),
    "bits": (groups({"num_bits": 5, "type": "float"}), "5"),
    "negative group": ({"quant_method": "gptq", "bits": 4, "group_size": -7}, "group_size"),
    "block": ({"quant_method": "fp8", "weight_block_size": [0, 128]}, "weight_block_size"),
    "algorithm": ({"quant_algo": "FP3"}, "FP3"),
    "groups": ({"quant_method": "compressed-tensors", "config_groups": [1]}, "config_groups"),
    "weights": (groups(7), "num_bits"),  # type: ignore[arg-type]
    "modules": (groups({"num_bits": 8, "type": "float"}, ignore=[5]), "5"),
    "a slow expression": (groups({"num_bits": 8, "type": "float"}, ignore=["re:(a+)+$"]), "(a+)+$"),
    "a broken expression": (groups({"num_bits": 8, "type": "float"}, ignore=["re:(a"]), "(a"),
    "cache": (groups({"num_bits": 8, "type": "float"}, kv_cache_scheme={"num_bits": 3}), "kv_cache_scheme"),
    "quanto": ({"quant_method": "quanto", "weights": "int3"}, "int3"),
}


@pytest.mark.parametrize(("quant", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_understood_is_an_error_with_a_cure(quant: Any, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(quant).report()
    assert told in str(error.value)
    assert loaded(quant).report(weights="bf16").total.flops


NVFP4 = {
    "quantization": {
        "quant_algo": "NVFP4",
        "group_size": 16,
        "exclude_modules": ["lm_head", "*self_attn*"],
        "kv_cache_quant_algo": "FP8",
    }
}


def beside(path: Path, config: dict[str, Any], quant: Any) -> symroof.Model:
    """The model of a directory with a config.json and what modelopt writes beside it."""
    (path / "config.json").write_text(json.dumps(config))
    (path / "hf_quant_config.json").write_text(quant if isinstance(quant, str) else json.dumps(quant))
    return symroof.load(path)


def test_modelopts_file_beside_the_config_is_read(tmp_path: Path) -> None:
    model = beside(tmp_path, DENSE, NVFP4)
    kept, plain = weights(model), weights(symroof.load(DENSE))
    assert kept["ffn"] == plain["ffn"] / 2 * Fraction(9, 16)
    assert kept["attention"] == plain["attention"]
    assert model.report().precision.formats["cache"].name == "fp8"
    assert weights(symroof.load(tmp_path / "config.json")) == kept
    assert weights(beside(tmp_path, DENSE, NVFP4["quantization"])) == kept


def test_the_config_itself_goes_before_the_file_beside_it(tmp_path: Path) -> None:
    model = beside(tmp_path, DENSE | {"quantization_config": {"quant_method": "fp8"}}, NVFP4)
    assert model.report().precision.formats["feed_forward"].name == "fp8"


def test_a_config_of_another_name_has_no_file_beside_it(tmp_path: Path) -> None:
    beside(tmp_path, DENSE, NVFP4)
    (tmp_path / "other.json").write_text(json.dumps(DENSE))
    assert weights(symroof.load(tmp_path / "other.json")) == weights(symroof.load(DENSE))


@pytest.mark.parametrize("quant", ["{", "[]", '{"quantization": 4}', "{}"], ids=["broken", "list", "number", "empty"])
def test_a_broken_file_beside_the_config_is_told(tmp_path: Path, quant: str) -> None:
    with pytest.raises(ConfigError, match=r"hf_quant_config|quantization_config"):
        beside(tmp_path, DENSE, quant).report()


HYBRID = {
    "model_type": "nemotron_h",
    "hidden_size": 64,
    "vocab_size": 100,
    "hybrid_override_pattern": "MEM*E",
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "mamba_num_heads": 8,
    "mamba_head_dim": 16,
    "ssm_state_size": 16,
    "n_groups": 2,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "moe_shared_expert_intermediate_size": 48,
    "intermediate_size": 32,
    "conv_kernel": 4,
    "torch_dtype": "bfloat16",
}


def test_mixers_of_a_hybrid_have_formats_of_their_own() -> None:
    left = ["lm_head", "backbone.layers.0.mixer.in_proj", *(f"backbone.layers.3.mixer.{x}_proj" for x in "qkv")]
    formats = loaded({"quant_algo": "NVFP4", "exclude_modules": left}, HYBRID).report().precision.formats
    assert formats["recurrence"].name == "bf16 in 1, nvfp4 in 1 of 2 layers"
    assert formats["experts"].name == formats["shared_experts"].name == "nvfp4"
    assert "attention" not in formats
    listed = {
        "backbone.layers.0.mixer.in_proj": {"quant_algo": "FP8"},
        "backbone.layers.2.mixer.in_proj": {"quant_algo": "FP8"},
        **{
            f"backbone.layers.{i}.mixer.experts.0.{x}_proj": {"quant_algo": "NVFP4"}
            for i in (1, 4)
            for x in ("up", "down")
        },
    }
    mixed = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": listed}
    formats = loaded(mixed, HYBRID).report().precision.formats
    assert (formats["recurrence"].name, formats["experts"].name) == ("fp8", "nvfp4")
    assert not formats.keys() & {"attention", "shared_experts", "head"}


def formats_of(name: str, **quant: Any) -> dict[str, str]:
    """The formats of a built-in model's roles, with another quantization_config."""
    config = model_catalogue()[name]["config"]
    kept = symroof.load({**config, "quantization_config": {**config.get("quantization_config", {}), **quant}})
    return {role: form.name for role, form in kept.report().precision.formats.items()}


def test_experts_of_deepseek_v4_are_mxfp4_unless_they_were_quantised_again() -> None:
    assert formats_of("deepseek-v4-flash")["experts"] == "mxfp4"
    listed = {f"layers.{i}.ffn.experts": {"quant_algo": "NVFP4"} for i in range(43)}
    again = formats_of("deepseek-v4-flash", quant_algo="MIXED_PRECISION", quantized_layers=listed)
    assert again["experts"] == "nvfp4"
    assert again["attention"] == again["shared_experts"] == "fp8, scales of 128 x 128"


def test_experts_of_gemma_4_stand_beside_its_dense_network() -> None:
    left = ["lm_head", "model.language_model.layers.*.mlp*", "model.language_model.layers.*.self_attn*"]
    formats = formats_of("gemma-4-26b-a4b", quant_algo="NVFP4", quant_method="modelopt", ignore=left)
    assert formats["experts"] == "nvfp4"
    assert not formats.keys() & {"feed_forward", "attention"}


def test_small_projections_stay_as_they_are() -> None:
    """Numbers a head of linear attention, gates of shared experts, routers, weights of indexers."""
    rows = symroof.load("qwen3.5-122b-a10b-fp8").report().rows
    kept = {row.path: row.cost.weight_held for row in rows}
    assert kept["moe/shared.gate"] == 2 * 3072
    assert kept["moe/router"] == 2 * 3072 * 256
    indexer = {row.op: row.cost.weight_held for row in symroof.load("deepseek-v3.2").report().rows}
    assert indexer["index.weights"] == 2 * 7168 * 64
    assert indexer["index.k"] == 7168 * 128 * (1 + Fraction(4, 128 * 128))
