"""Which module reads which model types; a config imports only the module of its family and what that imports."""

from collections.abc import Iterable
from functools import partial
from importlib import import_module

from symroof.architecture.structure import Architecture
from symroof.config.config import Config, reading
from symroof.errors import ConfigError, shorten, suggestion
from symroof.families.reading.parts import Reader

# Module -> the model types of text models that its FAMILIES read.
LINEAGES = {
    "afmoe": ("afmoe", "beam", "cohere2_moe"),
    "cohere": ("cohere", "cohere2", "cohere_compass_text"),
    "deepseek": (
        "axk1",
        "deepseek_v2",
        "deepseek_v3",
        "deepseek_v32",
        "glm4_moe_lite",
        "minicpm3",
        "mistral4",
        "sarvam_mla",
        "youtu",
    ),
    "deepseek_v4": ("deepseek_ref", "deepseek_v4"),
    "dense": (
        "apertus",
        "apertus1p5_text",
        "arcee",
        "baichuan",
        "bitnet",
        "ernie4_5",
        "helium",
        "internlm",
        "internlm2",
        "internlm3",
        "iquestcoder",
        "jais2",
        "nanochat",
        "nemotron",
        "orion",
        "seed_oss",
        "smollm3",
    ),
    "diffllama": ("diffllama",),
    "doge": ("doge",),
    "dsa": ("axk2", "dots3_note_text", "glm_moe_dsa", "hy_v4", "mistral_large4_text"),
    "ernie_moe": ("aria_text", "ernie4_5_moe", "hunyuan", "hunyuan_v1_moe"),
    "falcon": ("RefinedWeb", "RefinedWebModel", "bloom", "falcon", "mpt"),
    "flint": ("flint",),
    "gemma": ("gemma", "gemma2", "gemma3_text", "vaultgemma"),
    "gemma_n": ("gemma3n_text", "gemma4_text", "gemma4_unified_text"),
    "glm": ("chatglm", "glm", "glm4"),
    "glm_moe": ("bailing_moe", "deepseek", "dots1", "exaone_moe", "glm4_moe", "hy_v3", "sarvam_moe", "solar_open"),
    "glm_next": ("glm5_next_text",),
    "gpt": (
        "codegen",
        "gpt-sw3",
        "gpt2",
        "gpt_bigcode",
        "gpt_neo",
        "gpt_neox",
        "gpt_neox_japanese",
        "gptj",
        "openai-gpt",
    ),
    "granite": ("granite", "granite_swa", "hyperclovax", "minicpm"),
    "granite_moe": ("granitemoe", "granitemoe_swa", "granitemoeshared"),
    "griffin": ("recurrent_gemma",),
    "hrm": ("hrm_text",),
    "hybrid": ("bamba", "falcon_h1", "granitemoehybrid", "jamba"),
    "inkling": ("inkling2_text", "inkling_text"),
    "jetmoe": ("jetmoe",),
    "kimi": ("bailing_hybrid", "kimi_linear"),
    "laguna": ("laguna", "step3_text", "step3p5"),
    "lfm": ("lfm2", "lfm2_moe", "lfm3"),
    "llama": ("exaone", "llama"),
    "llama4": ("llama4_text",),
    "longcat": ("longcat_flash",),
    "mamba": ("falcon_mamba", "mamba", "mamba2"),
    "mimo_moe": ("mimo_v2_flash",),
    "minimax": ("minimax", "minimax_m1", "minimax_m3", "minimax_m3_vl_text"),
    "mistral": ("cwm", "emu3_text_model", "ministral", "ministral3", "mistral", "starcoder2"),
    "mixtral": ("dbrx", "flex_olmo", "gpt_oss", "grok-1", "minimax_m2", "mixtral", "olmoe", "phimoe"),
    "modernbert": ("modernbert-decoder",),
    "moshi": ("moshi",),
    "nemotron": ("nemotron_h",),
    "nemotron_nas": ("nemotron-nas",),
    "olmo": ("exaone4", "olmo", "olmo2", "olmo3"),
    "opt": ("biogpt", "ctrl", "opt", "xglm"),
    "phi": ("persimmon", "phi", "phi-msft", "phi3", "phi4", "stablelm"),
    "qwen": ("hunyuan_v1_dense", "mimo", "qwen", "qwen2", "qwen3"),
    "qwen_exp": ("qwen4_exp_text",),
    "qwen_moe": ("kolibri1", "mellum", "qwen2_moe", "qwen3_moe"),
    "qwen_next": ("olmo_hybrid", "qwen3_5_moe_text", "qwen3_5_text", "qwen3_next"),
    "rwkv": ("rwkv", "rwkv5"),
    "text_towers": (
        "chameleon",
        "deepseek_ocr2_text",
        "ernie4_5_vl_moe_text",
        "kosmos_2_5_text_model",
        "kosmos_2_text_model",
        "mllama_text_model",
        "molmo",
        "molmo2_text",
        "muse_glimmer_text",
        "muse_spark_text",
        "unlimited_ocr_text",
    ),
    "xlstm": ("xlstm",),
    "zamba": ("zamba", "zamba2"),
    "zaya": ("zaya",),
}

# Model types of multimodal configs: `multimodal` reads their text part with the readers above.
WRAPPED = (
    "apertus1p5", "aria", "audioflamingo3", "aya_vision", "blip-2", "cohere2_vision", "cohere_compass", "cosmos3_edge",
    "cosmos3_edge_text", "cosmos3_omni", "deepseek_ocr2", "deepseek_vl", "deepseek_vl_hybrid", "deepseek_vl_v2",
    "dots3_note", "emu3", "ernie4_5_vl_moe", "exaone4_5", "fast_vlm", "fuyu", "gemma3", "gemma3n", "gemma4",
    "gemma4_unified", "glm46v", "glm4v", "glm4v_moe", "glm4v_moe_text", "glm4v_text", "glm5_next", "glm_ocr",
    "glm_ocr_text", "glmasr", "glmga", "got_ocr2", "granite4_vision", "granite4_vision_text", "granite_docling",
    "granite_docling_text", "granite_speech", "hunyuan_vl", "hunyuan_vl_text", "hy_v4_vl", "hy_v4_vl_text",
    "hyperclovax_vision_v2", "idefics2", "idefics3", "inkling2", "inkling_mm_model", "instructblip",
    "instructblipvideo", "internvl", "internvl_chat", "janus", "kimi_k2", "kimi_k25", "kimi_k3", "kosmos-2",
    "kosmos-2.5", "lfm2_vl", "lfm3_vl", "lighton_ocr", "llama4", "llava", "llava_next", "llava_next_video",
    "llava_onevision", "minicpm_ocr", "minicpmo", "minicpmv", "minicpmv4_6", "minicpmv4_7", "minimax_m3_vl",
    "ministral3", "mistral3", "mistral_large4", "mllama", "molmo2", "moss_transcribe_diarize", "muse_glimmer",
    "muse_spark", "musicflamingo", "nemotron_h_omni", "ovis2", "paddleocr_vl", "paddleocr_vl_text", "paligemma",
    "perception_lm", "phi3_v", "phi4_multimodal", "phi4mm", "pp_chart2table", "qianfan_ocr", "qwen2_5_omni",
    "qwen2_5_omni_text", "qwen2_5_omni_thinker", "qwen2_5_vl", "qwen2_5_vl_text", "qwen2_audio", "qwen2_vl",
    "qwen2_vl_text", "qwen3_5", "qwen3_5_moe", "qwen3_asr", "qwen3_omni_moe", "qwen3_omni_moe_text",
    "qwen3_omni_moe_thinker", "qwen3_vl", "qwen3_vl_moe", "qwen3_vl_moe_text", "qwen3_vl_text", "qwen4_exp",
    "shieldgemma2", "smolvlm", "step3p7", "unlimited_ocr", "vibevoice_asr", "video_llama_3", "video_llava", "vipllava",
    "voxtral",
)  # fmt: skip


def _read_by_lineage(module: str, family: str, config: Config) -> Architecture:
    """The architecture of a config, by the reader of its family in that module."""
    reader: Reader = import_module(f"symroof.families.{module}").FAMILIES[family]
    return reader(config)


TEXTS: dict[str, Reader] = {
    name: partial(_read_by_lineage, module, name) for module, x in LINEAGES.items() for name in x
}
FAMILIES: dict[str, Reader] = {**TEXTS, **{name: partial(_read_by_lineage, "multimodal", name) for name in WRAPPED}}

# Configs published without a model_type: the class in `architectures` -> model type.
CLASS_MODEL_TYPES = {"MiniCPM3ForCausalLM": "minicpm3"}


def _model_type_by_class(config: Config) -> str:
    """The model type of the class in `architectures`; empty if it is not known."""
    names = [x for x in config.array("architectures") if isinstance(x, str)]
    return next((CLASS_MODEL_TYPES[x] for x in names if x in CLASS_MODEL_TYPES), "")


def read_architecture(config: Config, mtp: bool = False) -> Architecture:
    """The architecture that a config describes, with its multi-token-prediction modules if `mtp`.

    Raises ConfigError for an unknown model_type, UsageError for modules that are absent or unknown.
    """
    with reading(config):
        architecture = _checked_architecture(config)
        if not mtp:
            return architecture
        from symroof.families.reading.mtp import with_mtp

        return with_mtp(config, architecture)


def _checked_architecture(config: Config) -> Architecture:
    """The architecture by the reader of the config's family. Raises ConfigError if its sizes contradict each other."""
    family = config.text("model_type") or _model_type_by_class(config)
    if family not in FAMILIES:
        raise _unsupported(config, family)
    architecture = FAMILIES[family](config)
    config.check_finite()
    if fault := architecture.contradiction():
        raise config.fail(fault)
    return architecture


def _unsupported(config: Config, family: str) -> ConfigError:
    """The error for a model_type that is missing, unknown or not covered."""
    from symroof.families.reading.unsupported import REFUSED

    if reason := REFUSED.get(family):
        return config.fail(f"model_type {family!r} is not covered: {reason}")
    listed = f"`symroof families` lists the {len(FAMILIES)} known ones"
    if not family:
        return config.fail(f"key 'model_type' is missing: add it; {listed}")
    return config.fail(f"{unknown_model_type(family, FAMILIES)} ({listed})")


def unknown_model_type(name: str, known: Iterable[str]) -> str:
    """What is wrong with a model_type that is not among the known ones."""
    near = suggestion(name, known)
    return f"unknown model_type {shorten(name)!r}" + (f"; did you mean {near!r}?" if near else "")
