"""Multimodal configs: only their text model is counted, read by the reader of its family.

Source: the configuration classes of transformers 5.23.0 and 5.24.0, and configs on the hub for types that they do not
have.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.errors import quoted_value
from symroof.families import registry
from symroof.families.reading.parts import Reader
from symroof.records import frozen

TIE = "tie_word_embeddings"


@frozen
class Wrapper:
    """Where the text model is in a multimodal config."""

    text: str  # the model_type of the text model where its config has none
    keys: tuple[str, ...] = ("text_config",)  # the path of nested keys to it
    fixed: bool = True  # the text model must have this model_type
    flat: bool = False  # old configs have its keys at the top level
    tie: str = "outer"  # which tie_word_embeddings counts: "outer", "inner", "either", "none"
    tied: bool | None = False  # the outer one where it is absent; None: the inner one
    prompt: bool = False  # attention is bidirectional within a prompt
    absent: tuple[tuple[str, Any], ...] = ()  # keys of the text model that the wrapper's class has defaults for


@frozen
class Text:
    """A text model for the reader of another family, with keys that its class fixes or has defaults for."""

    family: str
    fixed: tuple[tuple[str, Any], ...] = ()
    absent: tuple[tuple[str, Any], ...] = ()


def _any_text(text: str, tie: str = "outer", flat: bool = False, tied: bool | None = False) -> Wrapper:
    """A wrapper of any text model, by default of type `text`."""
    return Wrapper(text, fixed=False, flat=flat, tie=tie, tied=tied)


def _flat(text: str, tie: str = "outer", tied: bool | None = False) -> Wrapper:
    """A wrapper whose old configs have the keys of the text model at the top level."""
    return Wrapper(text, flat=True, tie=tie, tied=tied)


def _sizes(*values: int) -> tuple[tuple[str, int], ...]:
    """Values of SIZES."""
    return tuple(zip(SIZES, values, strict=False))


BIASED, UNBIASED = (("attention_bias", True),), (("attention_bias", False),)
DIVIDED = (("head_dim", None),)  # heads of hidden size / number of heads
ROTATED = (*DIVIDED, ("partial_rotary_factor", 1.0))
SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
)

TIED = (("tie_word_embeddings", True),)
DOCLING = (("num_key_value_heads", 4), ("embedding_multiplier", 12.0), ("logits_scaling", 4.0), *TIED)

TEXTS = {
    "cosmos3_edge_text": Text("arcee", absent=(("num_key_value_heads", 8), ("head_dim", 128))),
    "glm4v_moe_text": Text("glm4_moe", absent=BIASED),
    "glm4v_text": Text("glm4", BIASED, ROTATED),
    "glm_ocr_text": Text("glm4", UNBIASED, ROTATED),
    "granite4_vision_text": Text("granite"),
    "granite_docling_text": Text("granite", absent=(*DOCLING, ("residual_multiplier", 0.263))),
    "hunyuan_vl_text": Text("hunyuan_v1_dense", absent=TIED),
    "hy_v4_vl_text": Text("hy_v4"),
    "kimi_k2": Text("deepseek_v3"),
    "paddleocr_vl_text": Text("ernie4_5"),
    "qwen2_5_omni_text": Text("qwen2", absent=TIED),
    "qwen2_5_vl_text": Text("qwen2"),
    "qwen2_vl_text": Text("qwen2"),
    "qwen3_omni_moe_text": Text("qwen3_moe", (("use_sliding_window", True),)),  # a window is used if there is one
    "qwen3_vl_moe_text": Text("qwen3_moe", absent=TIED),
    "qwen3_vl_text": Text("qwen3"),
}

WRAPPERS = {
    "apertus1p5": Wrapper("apertus1p5_text"),
    "aria": Wrapper("aria_text"),
    "audioflamingo3": _any_text("qwen2", tie="none"),
    "aya_vision": _any_text("cohere2", tied=True),
    "blip-2": _any_text("opt", tie="inner"),
    "cohere2_vision": _any_text("cohere2", tied=True),
    "cohere_compass": Wrapper("cohere_compass_text"),
    "cosmos3_edge": Wrapper("cosmos3_edge_text", tie="none"),
    "cosmos3_omni": _any_text("qwen3_vl_text"),
    "deepseek_ocr2": Wrapper("deepseek_ocr2_text"),
    "deepseek_vl": _any_text("llama", tied=True),
    "deepseek_vl_hybrid": _any_text("llama", tied=True),
    "deepseek_vl_v2": Wrapper("deepseek_v2", ("language_config",), tied=None),
    "dots3_note": Wrapper("dots3_note_text"),
    "emu3": Wrapper("emu3_text_model"),
    "ernie4_5_vl_moe": Wrapper("ernie4_5_vl_moe_text", tied=True),
    "exaone4_5": _any_text("exaone4"),
    "fast_vlm": _any_text("qwen2", tie="either"),
    "fuyu": _any_text("persimmon", flat=True),
    "gemma3": Wrapper("gemma3_text", tied=True),
    "gemma3n": Wrapper("gemma3n_text", tied=True),
    "gemma4": Wrapper("gemma4_text", tied=True),
    "gemma4_unified": Wrapper("gemma4_unified_text", tied=True),
    "glm46v": _any_text("glm4v_text"),
    "glm4v": _flat("glm4v_text", tie="either"),
    "glm4v_moe": _flat("glm4v_moe_text", tie="either"),
    "glm5_next": Wrapper("glm5_next_text"),
    "glm_ocr": Wrapper("glm_ocr_text", tie="either"),
    "glmasr": replace(_any_text("llama", tied=True), absent=_sizes(59264, 2048, 6144, 28, 16, 4)),
    "glmga": _any_text("glm4v_text"),
    "got_ocr2": _any_text("qwen2", tied=True),
    "granite4_vision": Wrapper("granite4_vision_text"),
    "granite_docling": Wrapper("granite_docling_text", tied=True),
    "granite_speech": _any_text("granite", tied=True),
    "hunyuan_vl": _flat("hunyuan_vl_text", tie="either", tied=True),
    "hy_v4_vl": Wrapper("hy_v4_vl_text"),
    "hyperclovax_vision_v2": _any_text("hyperclovax", tied=True),
    "idefics2": _any_text("mistral"),
    "idefics3": _any_text("llama"),
    "inkling2": Wrapper("inkling2_text", tie="none"),
    "inkling_mm_model": Wrapper("inkling_text", tie="none"),
    "instructblip": _any_text("opt", tie="inner"),
    "instructblipvideo": _any_text("opt", tie="inner"),
    "internvl": _any_text("qwen2", tied=True),
    "internvl_chat": Wrapper("qwen2", ("llm_config",), fixed=False, tie="inner"),
    "janus": _any_text("llama", tied=True),
    "kimi_k25": _any_text("deepseek_v3", tied=True),
    "kimi_k3": _any_text("kimi_linear", tied=None),
    "kosmos-2": Wrapper("kosmos_2_text_model", tie="either", tied=True),
    "kosmos-2.5": Wrapper("kosmos_2_5_text_model", tie="inner"),
    "lfm2_vl": _any_text("lfm2", tied=True),
    "lfm3_vl": _any_text("lfm3", tied=True),
    "lighton_ocr": _any_text("qwen3", tied=True),
    "llama4": Wrapper("llama4_text", tie="inner"),
    "llava": _any_text("llama", tie="either"),
    "llava_next": _any_text("llama"),
    "llava_next_video": _any_text("llama", tie="either"),
    "llava_onevision": _any_text("qwen2", tie="either"),
    "minicpm_ocr": _any_text("qwen3_5_text", tied=True),
    "minicpmv4_6": _any_text("qwen3_5_text"),
    "minicpmv4_7": _any_text("qwen3_5_text"),
    "minimax_m3_vl": Wrapper("minimax_m3_vl_text", tie="either"),
    "ministral3": Wrapper("ministral3", flat=True, tied=None),
    # its class ties where nothing is said; such checkpoints (Mistral-Small-3.1) hold a head
    "mistral3": _any_text("mistral", tied=None),
    "mistral_large4": Wrapper("mistral_large4_text"),
    "mllama": Wrapper("mllama_text_model", tie="none"),
    "molmo2": Wrapper("molmo2_text", tie="none"),
    "moss_transcribe_diarize": _any_text("qwen3", tied=True),
    "muse_glimmer": Wrapper("muse_glimmer_text"),
    "muse_spark": Wrapper("muse_spark_text", tie="none"),
    "musicflamingo": _any_text("qwen2", tie="none"),
    "nemotron_h_omni": _any_text("nemotron_h", tie="none"),
    "ovis2": _any_text("qwen2", tied=True),
    "paddleocr_vl": _flat("paddleocr_vl_text", tie="either", tied=True),
    "paligemma": Wrapper("gemma", fixed=False, prompt=True, tied=True),
    "perception_lm": _any_text("llama", tie="either"),
    "phi3_v": _flat("phi3"),
    "phi4_multimodal": replace(_flat("phi3"), absent=(("num_key_value_heads", 8),)),
    "phi4mm": _flat("phi3"),
    "pp_chart2table": _any_text("qwen2", tied=True),
    "qianfan_ocr": _any_text("qwen3"),
    "qwen2_5_omni": Wrapper("qwen2_5_omni_text", ("thinker_config", "text_config")),
    "qwen2_5_omni_thinker": Wrapper("qwen2_5_omni_text"),
    "qwen2_5_vl": _flat("qwen2_5_vl_text", tie="either"),
    "qwen2_audio": _any_text("qwen2", tie="none"),
    "qwen2_vl": _flat("qwen2_vl_text", tie="either"),
    "qwen3_5": Wrapper("qwen3_5_text"),
    "qwen3_5_moe": Wrapper("qwen3_5_moe_text"),
    "qwen3_asr": _any_text("qwen3", tied=True),
    "qwen3_omni_moe": Wrapper("qwen3_omni_moe_text", ("thinker_config", "text_config")),
    "qwen3_omni_moe_thinker": Wrapper("qwen3_omni_moe_text"),
    "qwen3_vl": Wrapper("qwen3_vl_text"),
    "qwen3_vl_moe": Wrapper("qwen3_vl_moe_text"),
    "qwen4_exp": Wrapper("qwen4_exp_text"),
    "shieldgemma2": _any_text("gemma3_text", tie="either", tied=None),
    "smolvlm": _any_text("llama"),
    "step3p7": _flat("step3p5"),
    "unlimited_ocr": Wrapper("unlimited_ocr_text"),
    "vibevoice_asr": _any_text("qwen2", tie="none"),
    "video_llama_3": _any_text("qwen2", tie="either"),
    "video_llava": _any_text("llama"),
    "vipllava": _any_text("llama"),
    "voxtral": replace(_any_text("llama", tie="none"), absent=_sizes(131072, 3072, 8192, 30, 32, 8, 128)),
}

VERSIONS = {"2.6": "qwen2", "4.5": "qwen3"}  # text models of MiniCPM-V and MiniCPM-o, whose configs are flat

# Nested configs leave out values that are the defaults of the text model's class: SIZES by class.
CLASSES = {
    "gemma": (256000, 3072, 24576, 28, 16, 16, 256),
    "gemma2": (256000, 2304, 9216, 26, 8, 4, 256),
    "gemma3_text": (262208, 2304, 9216, 26, 8, 4, 256),
    "llama": (32000, 4096, 11008, 32, 32, None, None),
    "mistral": (32000, 4096, 14336, 32, 32, 8, None),
    "qwen2": (151936, 4096, 22016, 32, 32, 32, None),
    "qwen3": (151936, 4096, 22016, 32, 32, 32, 128),
}


def _text_reader(text: Text, read: Reader) -> Reader:
    """The reader of a text model, from that of its family."""
    return lambda config: read(_checked_overrides(config, text).with_defaults(dict(text.absent), **dict(text.fixed)))


def _checked_overrides(config: Config, text: Text) -> Config:
    """The config. Raises ConfigError for a value that is overruled and of the wrong kind."""
    for key, value in text.fixed:
        config.flag(key, absent=False) if isinstance(value, bool) else config.optional_number(key)
    return config


def _wrapper_reader(wrapper: Wrapper, readers: Mapping[str, Reader]) -> Reader:
    """The reader of a wrapper, from those of all text models."""

    def read(config: Config) -> Architecture:
        outer, text = _nested_configs(config, wrapper)
        name = _text_model_type(text, wrapper, readers) if text is not config else wrapper.text
        fixed = {"use_bidirectional_attention": False} if wrapper.prompt else {}
        for key in fixed:
            text.flag(key, absent=True)
        absent = {**_class_defaults(name, text is not config), **dict(wrapper.absent)}
        model = _with_outer_tie(readers[name], text.with_defaults(absent, **fixed), outer, wrapper)
        family = config.text("model_type")
        return replace(_with_prompt_mask(model, text) if wrapper.prompt else model, family=family)

    return read


def _with_outer_tie(read: Reader, text: Config, outer: Config, wrapper: Wrapper) -> Architecture:
    """The text model, whose head and embedding share a table if the tie_word_embeddings that counts says so."""
    model = read(text)
    tied = _is_tied(outer, wrapper, model.structure.frame.tied)
    return model if tied == model.structure.frame.tied else read(text.with_defaults({}, **{TIE: tied}))


def _is_tied(outer: Config, wrapper: Wrapper, inner: bool) -> bool:
    """Whether head and embedding share a table; `inner`: whether the text model's config says so."""
    if wrapper.tie in ("inner", "none"):
        return inner and wrapper.tie == "inner"
    tied = outer.flag(TIE, absent=inner if wrapper.tied is None else wrapper.tied)
    return tied or (inner and wrapper.tie == "either")


def _with_prompt_mask(architecture: Architecture, text: Config) -> Architecture:
    """The architecture with bidirectional attention within a prompt."""
    structure = architecture.structure
    if {x.kind.mask for x in structure.sublayers if isinstance(x.kind, Attention)} != {"causal"}:
        raise text.fail("a prompt whose tokens see each other is known for attention without windows only")
    sublayers = (
        replace(x, kind=replace(x.kind, mask="prompt")) if isinstance(x.kind, Attention) else x
        for x in structure.sublayers
    )
    return replace(architecture, structure=replace(structure, sublayers=tuple(sublayers)))


def _nested_configs(config: Config, wrapper: Wrapper) -> tuple[Config, Config]:
    """The config around that of the text model, and that one; `config` itself for both if it is flat."""
    outer = text = config
    for key in wrapper.keys:
        if wrapper.flat and not config.has(key):
            return config, config
        outer, text = text, text.nested(key)
    return outer, text


def _text_model_type(text: Config, wrapper: Wrapper, readers: Mapping[str, Reader]) -> str:
    """The text model's type, by default that of the wrapper. Raises ConfigError for one without a reader."""
    name = text.text("model_type", absent=wrapper.text)
    if wrapper.fixed and name != wrapper.text:
        raise text.fail(f"key 'model_type' is {quoted_value(name)}: it must be {wrapper.text}")
    if name not in readers:
        raise text.fail(registry.unknown_model_type(name, readers))
    return name


def _minicpm_reader(readers: Mapping[str, Reader]) -> Reader:
    """The reader of MiniCPM-V and MiniCPM-o, whose versions have text models of different families."""

    def read(config: Config) -> Architecture:
        version = str(config.data["version"]) if config.has("version") else ""
        if VERSIONS.get(version) not in readers:
            raise config.fail(f"key 'version' is {quoted_value(version)}: known here are {', '.join(VERSIONS)}")
        return replace(readers[VERSIONS[version]](config), family=config.text("model_type"))

    return read


def _class_defaults(name: str, nested: bool) -> dict[str, int]:
    """Sizes that a nested config of that type may leave out."""
    sizes = zip(SIZES, CLASSES.get(name, ()), strict=False) if nested else ()
    return {key: value for key, value in sizes if value is not None}


READERS = {**{name: _text_reader(text, registry.TEXTS[text.family]) for name, text in TEXTS.items()}, **registry.TEXTS}
FAMILIES: dict[str, Reader] = {
    **{name: READERS[name] for name in TEXTS},
    **dict.fromkeys(("minicpmv", "minicpmo"), _minicpm_reader(READERS)),
    **{name: _wrapper_reader(x, READERS) for name, x in WRAPPERS.items()},
}
