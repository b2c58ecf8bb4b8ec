"""Which model_types are covered, which are refused by name, and published sizes of models of the former."""

import gzip
import json
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest
from click.testing import CliRunner

import symroof
from symroof import families
from symroof.cli import cli
from symroof.errors import ConfigError
from symroof.families.reading.unsupported import REFUSED
from symroof.families.registry import FAMILIES, LINEAGES, WRAPPED

# The types of transformers 5.23.0 that have a class for causal language modelling, or for images and text to text.
LANGUAGE = [
    "afmoe",
    "apertus",
    "arcee",
    "aria",
    "aria_text",
    "axk1",
    "axk2",
    "aya_vision",
    "bailing_hybrid",
    "bamba",
    "bart",
    "beam",
    "bert",
    "bert-generation",
    "big_bird",
    "bigbird_pegasus",
    "biogpt",
    "bitnet",
    "blenderbot",
    "blenderbot-small",
    "blip",
    "blip-2",
    "bloom",
    "blt",
    "camembert",
    "chameleon",
    "codegen",
    "cohere",
    "cohere2",
    "cohere2_moe",
    "cohere2_vision",
    "cohere_compass",
    "cohere_compass_text",
    "cosmos3_edge",
    "cosmos3_omni",
    "cpmant",
    "ctrl",
    "cwm",
    "data2vec-text",
    "dbrx",
    "deepseek_ocr2",
    "deepseek_v2",
    "deepseek_v3",
    "deepseek_v32",
    "deepseek_v4",
    "deepseek_vl",
    "deepseek_vl_hybrid",
    "diffllama",
    "diffusion_gemma",
    "doge",
    "dots1",
    "dots3_note",
    "dots3_note_text",
    "electra",
    "emu3",
    "ernie",
    "ernie4_5",
    "ernie4_5_moe",
    "ernie4_5_vl_moe",
    "evolla",
    "exaone4",
    "exaone4_5",
    "exaone_moe",
    "falcon",
    "falcon_h1",
    "falcon_mamba",
    "fast_vlm",
    "flex_olmo",
    "flint",
    "florence2",
    "fuyu",
    "gemma",
    "gemma2",
    "gemma3",
    "gemma3_text",
    "gemma3n",
    "gemma3n_text",
    "gemma4",
    "gemma4_assistant",
    "gemma4_text",
    "gemma4_unified",
    "gemma4_unified_assistant",
    "gemma4_unified_text",
    "git",
    "glm",
    "glm4",
    "glm46v",
    "glm4_moe",
    "glm4_moe_lite",
    "glm4v",
    "glm4v_moe",
    "glm5_next",
    "glm_moe_dsa",
    "glm_ocr",
    "glmga",
    "got_ocr2",
    "gpt-sw3",
    "gpt2",
    "gpt_bigcode",
    "gpt_neo",
    "gpt_neox",
    "gpt_neox_japanese",
    "gpt_oss",
    "gptj",
    "granite",
    "granite4_vision",
    "granite_docling",
    "granite_swa",
    "granitemoe",
    "granitemoe_swa",
    "granitemoehybrid",
    "granitemoeshared",
    "helium",
    "hrm_text",
    "hunyuan_v1_dense",
    "hunyuan_v1_moe",
    "hunyuan_vl",
    "hy_v3",
    "hy_v4",
    "hyperclovax",
    "hyperclovax_vision_v2",
    "idefics",
    "idefics2",
    "idefics3",
    "inkling2",
    "inkling2_text",
    "inkling_mm_model",
    "inkling_text",
    "instructblip",
    "instructblipvideo",
    "internlm3",
    "internvl",
    "iquestcoder",
    "jais2",
    "jamba",
    "janus",
    "jetmoe",
    "kimi_k25",
    "kimi_linear",
    "kolibri1",
    "kosmos-2",
    "kosmos-2.5",
    "laguna",
    "lfm2",
    "lfm2_moe",
    "lfm2_vl",
    "lfm3",
    "lfm3_vl",
    "lighton_ocr",
    "llama",
    "llama4",
    "llama4_text",
    "llava",
    "llava_next",
    "llava_next_video",
    "llava_onevision",
    "longcat_flash",
    "mamba",
    "mamba2",
    "marian",
    "mbart",
    "megatron-bert",
    "mellum",
    "mimo_v2_flash",
    "minicpm3",
    "minicpm_ocr",
    "minicpmv4_6",
    "minicpmv4_7",
    "minimax",
    "minimax_m2",
    "minimax_m3_vl",
    "minimax_m3_vl_text",
    "ministral",
    "ministral3",
    "mistral",
    "mistral3",
    "mistral4",
    "mistral_large4",
    "mixtral",
    "mllama",
    "modernbert-decoder",
    "molmo2",
    "moshi",
    "moss_transcribe_diarize",
    "mpt",
    "muse_glimmer",
    "muse_spark",
    "musicgen",
    "musicgen_melody",
    "mvp",
    "nanochat",
    "nemotron",
    "nemotron_h",
    "nemotron_h_omni",
    "olmo",
    "olmo2",
    "olmo3",
    "olmo_hybrid",
    "olmoe",
    "openai-gpt",
    "opt",
    "ovis2",
    "paddleocr_vl",
    "paligemma",
    "pegasus",
    "perception_lm",
    "persimmon",
    "phi",
    "phi3",
    "phi4_multimodal",
    "phimoe",
    "pi0",
    "pix2struct",
    "plbart",
    "pp_chart2table",
    "pp_formulanet",
    "prophetnet",
    "qianfan_ocr",
    "qwen2",
    "qwen2_5_omni_thinker",
    "qwen2_5_vl",
    "qwen2_moe",
    "qwen2_vl",
    "qwen3",
    "qwen3_5",
    "qwen3_5_moe",
    "qwen3_5_moe_text",
    "qwen3_5_text",
    "qwen3_moe",
    "qwen3_next",
    "qwen3_omni_moe_thinker",
    "qwen3_vl",
    "qwen3_vl_moe",
    "qwen4_exp",
    "qwen4_exp_text",
    "recurrent_gemma",
    "reformer",
    "rembert",
    "roberta",
    "roberta-prelayernorm",
    "roc_bert",
    "roformer",
    "rwkv",
    "seed_oss",
    "shieldgemma2",
    "smollm3",
    "smolvlm",
    "solar_open",
    "stablelm",
    "starcoder2",
    "step3p7",
    "t5gemma2",
    "trocr",
    "udop",
    "unlimited_ocr",
    "vaultgemma",
    "video_llama_3",
    "video_llava",
    "vipllava",
    "vision-encoder-decoder",
    "whisper",
    "xglm",
    "xlm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xlnet",
    "xlstm",
    "xmod",
    "youtu",
    "zamba",
    "zamba2",
    "zaya",
]


def test_the_index_of_model_types_is_what_the_modules_read():
    names = [x.name for x in iter_modules(families.__path__) if not x.ispkg and x.name != "registry"]
    defined = {name: set(import_module(f"symroof.families.{name}").FAMILIES) for name in names}
    assert {name: set(types) for name, types in LINEAGES.items()} | {"multimodal": set(WRAPPED)} == defined
    listed = [x for types in LINEAGES.values() for x in types]
    assert len(listed) == len(set(listed))
    assert {x for types in defined.values() for x in types} == set(FAMILIES)


def test_every_language_model_of_transformers_is_covered_or_refused_by_name():
    assert len(LANGUAGE) == 272
    assert not set(LANGUAGE) - set(FAMILIES) - set(REFUSED)


def test_no_type_is_both_covered_and_refused():
    assert not set(FAMILIES) & set(REFUSED)


@pytest.mark.parametrize("model_type", REFUSED)
def test_a_refused_type_is_told_with_its_reason(model_type):
    told = re.escape(f"model_type {model_type!r} is not covered: {REFUSED[model_type]}")
    with pytest.raises(ConfigError, match=told):
        symroof.load({"model_type": model_type, "hidden_size": 8})


def test_a_refusal_ends_the_command_with_exit_code_1(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    result = CliRunner().invoke(cli, ["report", str(tmp_path)])
    assert result.exit_code == 1
    assert REFUSED["bert"] in result.output


def test_a_reason_is_a_short_phrase():
    assert all(len(reason) < 90 and not reason.endswith(".") for reason in REFUSED.values())


# Parameters as the cards of the models and their checkpoints say, and configs as they were published.
PUBLISHED = [
    (176_247_271_424, {"model_type": "bloom", "n_embed": 14336, "n_layer": 70, "num_attention_heads": 112,
                       "vocab_size": 250880}),
    (559_214_592, {"model_type": "bloom", "hidden_size": 1024, "n_layer": 24, "n_head": 16, "vocab_size": 250880}),
    (6_857_302_016, {"model_type": "gpt_neox", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
                     "intermediate_size": 16384, "vocab_size": 50432, "rotary_pct": 0.25}),
    (15_517_456_384, {"model_type": "gpt_bigcode", "n_embd": 6144, "n_layer": 40, "n_head": 48, "n_inner": 24576,
                      "n_positions": 8192, "vocab_size": 49152, "multi_query": True}),
    (331_196_416, {"model_type": "opt", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
                   "ffn_dim": 4096, "word_embed_proj_dim": 512, "vocab_size": 50272, "do_layer_norm_before": False}),
    (41_303_293_952, {"model_type": "RefinedWeb", "hidden_size": 8192, "n_layer": 60, "n_head": 128, "n_head_kv": 8,
                      "vocab_size": 65024, "parallel_attn": True}),
    (179_522_565_120, {"model_type": "falcon", "hidden_size": 14848, "num_hidden_layers": 80, "vocab_size": 65024,
                       "num_attention_heads": 232, "num_kv_heads": 8, "new_decoder_architecture": True,
                       "tie_word_embeddings": False}),
    (1_311_625_216, {"model_type": "RefinedWebModel", "hidden_size": 2048, "n_layer": 24, "n_head": 32, "alibi": True,
                     "bias": True, "multi_query": False, "parallel_attn": False, "vocab_size": 50304}),
]  # fmt: skip


@pytest.mark.parametrize(("count", "config"), PUBLISHED, ids=lambda x: x["model_type"] if isinstance(x, dict) else x)
def test_parameters_are_those_published(count, config):
    assert symroof.load(config).parameters.total == count


# Peng et al. 2024, Eagle and Finch, arXiv 2404.05892, in units of 10^7 and three digits.
@pytest.mark.parametrize(
    ("layers", "width", "published"), [(24, 1024, 46.2), (24, 2048, 158), (32, 2560, 306), (32, 4096, 752)]
)
def test_rwkv5_is_as_large_as_eagle(layers, width, published):
    config = {"model_type": "rwkv5", "num_hidden_layers": layers, "hidden_size": width, "vocab_size": 65536}
    assert symroof.load(config).parameters.total / 1e7 == pytest.approx(published, abs=0.5 if published > 100 else 0.05)


with gzip.open(Path(__file__).parent / "truth" / "transformers.jsonl.gz", "rt") as file:
    SMALL = {
        x["model_type"]: x["config"] for x in map(json.loads, file) if (x["kind"], x["variant"]) == ("causal", "v1")
    }


# Parameters of the real modules of transformers 5.24.0 and their four corrections of the scores of 7 experts.
@pytest.mark.parametrize(
    ("kind", "keys", "count"),
    [
        ("bailing_hybrid", {}, 2_147_320),
        ("bailing_hybrid", {"q_lora_rank": 20}, 2_109_900),
        ("bailing_hybrid", {"q_lora_rank": 20, "attention_bias": True}, 2_110_168),
        ("kimi_linear", {"q_lora_rank": 20}, 2_043_212),
        ("kimi_linear", {"q_lora_rank": 20, "attention_bias": True}, 2_043_480),
    ],
)
def test_queries_of_a_lower_rank_between_delta_nets(kind, keys, count):
    assert symroof.load({**SMALL[kind], **keys}).parameters.total == count + 4 * 7


@pytest.mark.parametrize(("tied", "count"), [(False, 2_334_391), (True, 2_140_663)])
def test_the_text_model_of_hy_v4_vl_is_hy_v4(tied, count):
    # parameters of the real modules of transformers 5.24.0 beside the vision tower, and corrections
    config = {"model_type": "hy_v4_vl", "text_config": {**SMALL["hy_v4"], "model_type": "hy_v4_vl_text"}}
    assert symroof.load({**config, "tie_word_embeddings": tied}).parameters.total == count + 4 * 7


@pytest.mark.parametrize("chosen", [1, 3])
def test_phimoe_always_runs_two_experts(chosen):
    assert symroof.load(SMALL["phimoe"]).architecture.sizes["k"] == 2
    with pytest.raises(ConfigError, match=r"key 'num_experts_per_tok' is \d: it must be 2"):
        symroof.load({**SMALL["phimoe"], "num_experts_per_tok": chosen})


def test_minicpm_with_experts_is_as_large_as_published():
    # openbmb/MiniCPM-MoE-8x2B: 13.6 B parameters and 4 B activated, the embedding aside
    config = {
        "model_type": "minicpm", "hidden_size": 2304, "intermediate_size": 5760, "num_attention_heads": 36,
        "num_hidden_layers": 40, "num_key_value_heads": 36, "vocab_size": 122753, "scale_emb": 12,
        "dim_model_base": 256, "scale_depth": 1.4, "num_experts": 8, "num_experts_per_tok": 2,
    }  # fmt: skip
    found, table = symroof.load(config).parameters, 122753 * 2304
    assert round((found.total - table) / 1e9, 1) == 13.6
    assert round((found.active - table) / 1e9) == 4


WINDOWS = {"sliding_window": 128, "sliding_window_size": 128}


def test_two_windows_that_contradict_each_other():
    small = SMALL["mimo_v2_flash"]
    assert symroof.load({**small, **WINDOWS}).architecture.sizes["w"] == 129  # the last 128 tokens and the new one
    with pytest.raises(ConfigError, match=r"'sliding_window_size' \(128\) and 'sliding_window' \(77\) contradict"):
        symroof.load({**small, **WINDOWS, "sliding_window": 77})


# Config -> what of it is refused; each was a traceback or was read.
MALFORMED = {
    "layer_norm_type": {"model_type": "molmo"},
    "scale_depth": {"model_type": "minicpm", "num_hidden_layers": 2, "scale_depth": 1e300},
    "attn_type_list": {"model_type": "minimax_m1", "num_hidden_layers": 2, "attn_type_list": [[], 1]},
    "indexer_types": {**SMALL["glm_moe_dsa"], "indexer_types": [["full"], "full", "full", "full", "full"]},
    "per_layer_config": {**SMALL["dots3_note_text"], "per_layer_config": {"banana": {}}},
    "ffn_mult": {
        "model_type": "nemotron-nas", "num_hidden_layers": 1, "hidden_size": 64, "num_attention_heads": 4,
        "block_configs": [{"attention": {"n_heads_in_group": 2}, "ffn": {"ffn_mult": float("nan")}}],
    },
    "full_attn_layers": {
        **SMALL["kimi_linear"], "linear_attn_config": {"full_attn_layers": ["a"], "kda_layers": [1, 2, 3, 4]},
    },
    "tie_word_embeddings": {"model_type": "rwkv5", "num_hidden_layers": 1, "hidden_size": 64,
                            "tie_word_embeddings": "banana"},
    "attention_bias": {"model_type": "glm4v", "text_config": {"attention_bias": "banana"}},
}  # fmt: skip


@pytest.mark.parametrize("key", MALFORMED)
def test_a_malformed_value_is_refused_by_its_key(key):
    with pytest.raises(ConfigError, match=f"key '{key}'") as error:
        symroof.load(MALFORMED[key])
    assert "report it" not in str(error.value)
