"""Quantised checkpoints: which weights a quantization_config keeps in which format, to the byte."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import symroof
from symroof.config.catalogue import model_catalogue
from symroof.errors import ConfigError

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
    assert kept.product_formats("b_f") == {"fp8": Fraction(1, 2), "bf16": Fraction(1, 2)}


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
    assert kept.product_formats("b_f") == kept.product_formats("b_head") == {dense: 1}
    assert kept.product_formats("") == {keys: 1}


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
    assert kept["ffn"] == plain["ffn"] / 2 * Fraction(2 * 1 + 2 * 2, 4)
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


def test_without_a_dtype_the_rest_of_a_quantised_checkpoint_is_bf16() -> None:
    model = loaded({"quant_method": "mxfp4"}, torch_dtype=None)
    assert model.report().precision.formats["weights"].name == "bf16"
    assert "names no dtype" in model.report().precision.origin["weights"]


REFUSED = {
    "method": ({"quant_method": "aqlm"}, "aqlm"),
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
    left = ["lm_head", "backbone.layers.0.mixer.in_proj", "backbone.layers.3.mixer.q_proj"]
    formats = loaded({"quant_algo": "NVFP4", "exclude_modules": left}, HYBRID).report().precision.formats
    assert formats["recurrence"].name == "bf16 in 1, nvfp4 in 1 of 2 layers"
    assert formats["experts"].name == formats["shared_experts"].name == "nvfp4"
    assert "attention" not in formats
    listed = {
        "backbone.layers.0.mixer.in_proj": {"quant_algo": "FP8"},
        "backbone.layers.2.mixer.in_proj": {"quant_algo": "FP8"},
        "backbone.layers.1.mixer.experts.0.up_proj": {"quant_algo": "NVFP4"},
        "backbone.layers.4.mixer.experts.0.up_proj": {"quant_algo": "NVFP4"},
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
