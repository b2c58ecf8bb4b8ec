"""wrappers: multimodal configs. What is priced is their text part, read by its own family's reader.

Source: the configuration classes of transformers 5.23.0, and configs on the hub for types that it does not have.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.errors import described, shorten, suggestion
from symroof.families import registry
from symroof.families.reading.parts import Reader
from symroof.records import frozen

TIE = "tie_word_embeddings"


@frozen
class Wrapper:
    """Where a multimodal config keeps its text model."""

    text: str  # the model_type of the text model where its config names none
    keys: tuple[str, ...] = ("text_config",)  # what it is under, from the outside in
    fixed: bool = True  # whether it can be no other model_type
    flat: bool = False  # old configs keep its keys beside their own
    tie: str = "outer"  # whose tie_word_embeddings counts where both have one: "outer", "inner", "either"
    prompt: bool = False  # the tokens of a prompt see each other


@frozen
class Text:
    """A text model that another family's reader reads, with keys that its class fixes or has by default."""

    family: str
    fixed: tuple[tuple[str, Any], ...] = ()
    absent: tuple[tuple[str, Any], ...] = ()


def free(text: str, tie: str = "outer", flat: bool = False) -> Wrapper:
    """A wrapper of any text model, of `text` by default."""
    return Wrapper(text, fixed=False, flat=flat, tie=tie)


def flat(text: str, tie: str = "outer") -> Wrapper:
    """A wrapper whose old configs keep the keys of the text model beside their own."""
    return Wrapper(text, flat=True, tie=tie)


BIASED, UNBIASED = (("attention_bias", True),), (("attention_bias", False),)
DIVIDED = (("head_dim", None),)  # the hidden size by the number of heads
ROTATED = (*DIVIDED, ("partial_rotary_factor", 1.0))

TEXTS = {
    "cosmos3_edge_text": Text("arcee"),
    "glm4v_moe_text": Text("glm4_moe"),
    "glm4v_text": Text("glm4", BIASED, ROTATED),
    "glm_ocr_text": Text("glm4", UNBIASED, ROTATED),
    "granite4_vision_text": Text("granite"),
    "granite_docling_text": Text("granite"),
    "hunyuan_vl_text": Text("hunyuan_v1_dense"),
    "kimi_k2": Text("deepseek_v3"),
    "paddleocr_vl_text": Text("ernie4_5"),
    "qwen2_5_omni_text": Text("qwen2"),
    "qwen2_5_vl_text": Text("qwen2"),
    "qwen2_vl_text": Text("qwen2"),
    "qwen3_omni_moe_text": Text("qwen3_moe", (("use_sliding_window", True),)),  # where there is one it is used
    "qwen3_vl_moe_text": Text("qwen3_moe"),
    "qwen3_vl_text": Text("qwen3"),
}

WRAPPERS = {
    "aria": Wrapper("aria_text"),
    "audioflamingo3": free("qwen2", tie="inner"),
    "aya_vision": free("cohere2"),
    "blip-2": free("opt", tie="inner"),
    "cohere2_vision": free("cohere2"),
    "cohere_compass": Wrapper("cohere_compass_text"),
    "cosmos3_edge": Wrapper("cosmos3_edge_text"),
    "cosmos3_omni": free("qwen3_vl_text"),
    "deepseek_ocr2": Wrapper("deepseek_ocr2_text"),
    "deepseek_vl": free("llama"),
    "deepseek_vl_hybrid": free("llama"),
    "deepseek_vl_v2": Wrapper("deepseek_v2", ("language_config",)),
    "dots3_note": Wrapper("dots3_note_text"),
    "emu3": Wrapper("emu3_text_model"),
    "ernie4_5_vl_moe": Wrapper("ernie4_5_vl_moe_text"),
    "exaone4_5": free("exaone4"),
    "fast_vlm": free("qwen2", tie="either"),
    "fuyu": free("persimmon", flat=True),
    "gemma3": Wrapper("gemma3_text"),
    "gemma3n": Wrapper("gemma3n_text"),
    "gemma4": Wrapper("gemma4_text"),
    "gemma4_unified": Wrapper("gemma4_unified_text"),
    "glm46v": free("glm4v_text"),
    "glm4v": flat("glm4v_text", tie="either"),
    "glm4v_moe": flat("glm4v_moe_text", tie="either"),
    "glm5_next": Wrapper("glm5_next_text"),
    "glm_ocr": Wrapper("glm_ocr_text", tie="either"),
    "glmasr": free("llama"),
    "glmga": free("glm4v_text"),
    "got_ocr2": free("qwen2"),
    "granite4_vision": Wrapper("granite4_vision_text"),
    "granite_docling": Wrapper("granite_docling_text"),
    "granite_speech": free("granite"),
    "hunyuan_vl": flat("hunyuan_vl_text", tie="either"),
    "hyperclovax_vision_v2": free("hyperclovax"),
    "idefics2": free("mistral"),
    "idefics3": free("llama"),
    "inkling2": Wrapper("inkling2_text"),
    "inkling_mm_model": Wrapper("inkling_text"),
    "instructblip": free("opt", tie="inner"),
    "instructblipvideo": free("opt", tie="inner"),
    "internvl": free("qwen2"),
    "internvl_chat": Wrapper("qwen2", ("llm_config",), fixed=False, tie="inner"),
    "janus": free("llama"),
    "kimi_k25": free("deepseek_v3"),
    "kimi_k3": free("kimi_linear"),
    "kosmos-2": Wrapper("kosmos_2_text_model"),
    "kosmos-2.5": Wrapper("kosmos_2_5_text_model"),
    "lfm2_vl": free("lfm2"),
    "lfm3_vl": free("lfm3"),
    "lighton_ocr": free("qwen3"),
    "llama4": Wrapper("llama4_text", tie="inner"),
    "llava": free("llama", tie="either"),
    "llava_next": free("llama"),
    "llava_next_video": free("llama", tie="either"),
    "llava_onevision": free("qwen2", tie="either"),
    "minicpm_ocr": free("qwen3_5_text"),
    "minicpmv4_6": free("qwen3_5_text"),
    "minicpmv4_7": free("qwen3_5_text"),
    "minimax_m3_vl": Wrapper("minimax_m3_vl_text", tie="either"),
    "ministral3": Wrapper("ministral3", flat=True),
    "mistral3": free("mistral"),
    "mistral_large4": Wrapper("mistral_large4_text"),
    "mllama": Wrapper("mllama_text_model", tie="inner"),
    "molmo2": Wrapper("molmo2_text"),
    "moss_transcribe_diarize": free("qwen3"),
    "muse_glimmer": Wrapper("muse_glimmer_text", tie="inner"),
    "muse_spark": Wrapper("muse_spark_text", tie="inner"),
    "musicflamingo": free("qwen2", tie="inner"),
    "nemotron_h_omni": free("nemotron_h", tie="inner"),
    "ovis2": free("qwen2"),
    "paddleocr_vl": flat("paddleocr_vl_text", tie="either"),
    "paligemma": Wrapper("gemma", fixed=False, prompt=True),
    "perception_lm": free("llama"),
    "phi3_v": flat("phi3"),
    "phi4_multimodal": flat("phi3"),
    "phi4mm": flat("phi3"),
    "pp_chart2table": free("qwen2"),
    "qianfan_ocr": free("qwen3"),
    "qwen2_5_omni": Wrapper("qwen2_5_omni_text", ("thinker_config", "text_config"), tie="inner"),
    "qwen2_5_omni_thinker": Wrapper("qwen2_5_omni_text"),
    "qwen2_5_vl": flat("qwen2_5_vl_text", tie="either"),
    "qwen2_audio": free("qwen2", tie="inner"),
    "qwen2_vl": flat("qwen2_vl_text", tie="either"),
    "qwen3_5": Wrapper("qwen3_5_text"),
    "qwen3_5_moe": Wrapper("qwen3_5_moe_text"),
    "qwen3_asr": free("qwen3"),
    "qwen3_omni_moe": Wrapper("qwen3_omni_moe_text", ("thinker_config", "text_config"), tie="inner"),
    "qwen3_omni_moe_thinker": Wrapper("qwen3_omni_moe_text"),
    "qwen3_vl": Wrapper("qwen3_vl_text"),
    "qwen3_vl_moe": Wrapper("qwen3_vl_moe_text"),
    "qwen4_exp": Wrapper("qwen4_exp_text"),
    "shieldgemma2": free("gemma3_text", tie="either"),
    "smolvlm": free("llama"),
    "step3p7": flat("step3p5", tie="inner"),
    "unlimited_ocr": Wrapper("unlimited_ocr_text"),
    "vibevoice_asr": free("qwen2", tie="inner"),
    "video_llama_3": free("qwen2", tie="either"),
    "video_llava": free("llama"),
    "vipllava": free("llama"),
    "voxtral": free("llama", tie="inner"),
}

VERSIONS = {"2.6": "qwen2", "4.5": "qwen3"}  # of MiniCPM-V and MiniCPM-o, whose configs are flat

SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
)

# Configs save of a text model only what its class does not have by default: these sizes of each class.
CLASSES = {
    "gemma": (256000, 3072, 24576, 28, 16, 16, 256),
    "gemma2": (256000, 2304, 9216, 26, 8, 4, 256),
    "gemma3_text": (262208, 2304, 9216, 26, 8, 4, 256),
    "llama": (32000, 4096, 11008, 32, 32, None, None),
    "mistral": (32000, 4096, 14336, 32, 32, 8, None),
    "qwen2": (151936, 4096, 22016, 32, 32, 32, None),
    "qwen3": (151936, 4096, 22016, 32, 32, 32, 128),
}


def text_reader(text: Text, read: Reader) -> Reader:
    """The reader of a text model by that of its family."""
    return lambda config: read(config.filled(dict(text.absent), **dict(text.fixed)))


def reader(wrapper: Wrapper, readers: Mapping[str, Reader]) -> Reader:
    """The reader of a wrapper, given those of all text models."""

    def read(config: Config) -> Architecture:
        text = text_config(config, wrapper)
        name = model_type(text, wrapper, readers) if text is not config else wrapper.text
        fixed = {"use_bidirectional_attention": False} if wrapper.prompt else {}
        found = readers[name](text.filled(defaults(name, text is not config), **fixed))
        family = config.text("model_type")
        return replace(prompted(found, text) if wrapper.prompt else found, family=family)

    return read


def prompted(architecture: Architecture, text: Config) -> Architecture:
    """The architecture with attention that lets the tokens of a prompt see each other."""
    structure = architecture.structure
    masks = {x.kind.mask for x in structure.sublayers if isinstance(x.kind, Attention)}
    if masks != {"causal"}:
        raise text.fail("a prompt whose tokens see each other is known for attention without windows only")
    sublayers = (
        replace(x, kind=replace(x.kind, mask="prompt")) if isinstance(x.kind, Attention) else x
        for x in structure.sublayers
    )
    return replace(architecture, structure=replace(structure, sublayers=tuple(sublayers)))


def text_config(config: Config, wrapper: Wrapper) -> Config:
    """The config of the text model, told whether its embeddings are tied; `config` itself where that has its keys."""
    text = config
    for key in wrapper.keys:
        if wrapper.flat and not config.has(key):
            return config
        text = text.nested(key)
    if not config.has(TIE) or (wrapper.tie == "inner" and text.has(TIE)):
        return text
    tied = config.flag(TIE, absent=False) or (wrapper.tie == "either" and text.flag(TIE, absent=False))
    return text.filled({}, **{TIE: tied})


def model_type(text: Config, wrapper: Wrapper, readers: Mapping[str, Reader]) -> str:
    """The text model's type: the default where its config names none. Raises ConfigError where none can read it."""
    name = text.text("model_type", absent=wrapper.text)
    if wrapper.fixed and name != wrapper.text:
        raise text.fail(f"key 'model_type' is {described(name)}: it must be {wrapper.text}")
    if name not in readers:
        near = suggestion(name, readers)
        cure = f"; did you mean {near!r}?" if near else ""
        raise text.fail(f"unknown model_type {shorten(name)!r}{cure}")
    return name


def by_version(readers: Mapping[str, Reader]) -> Reader:
    """The reader of MiniCPM-V and MiniCPM-o, each version of which has a text model of another family."""

    def read(config: Config) -> Architecture:
        version = str(config.data["version"]) if config.has("version") else ""
        if VERSIONS.get(version) not in readers:
            raise config.fail(f"key 'version' is {described(version)}: known here are {', '.join(VERSIONS)}")
        return replace(readers[VERSIONS[version]](config), family=config.text("model_type"))

    return read


def defaults(name: str, nested: bool) -> dict[str, int]:
    """What a nested config of that type leaves to its class."""
    found = zip(SIZES, CLASSES.get(name, ()), strict=False) if nested else ()
    return {key: value for key, value in found if value is not None}


READERS = {**{name: text_reader(text, registry.TEXTS[text.family]) for name, text in TEXTS.items()}, **registry.TEXTS}
FAMILIES: dict[str, Reader] = {
    **{name: READERS[name] for name in TEXTS},
    **dict.fromkeys(("minicpmv", "minicpmo"), by_version(READERS)),
    **{name: reader(x, READERS) for name, x in WRAPPERS.items()},
}
