"""What a multimodal model has outside its text model, which is not counted, and how large the config says it is.

The size of a tower of a type in WHOLE is exact, and includes what projects its output to the text model; of any other
tower only that of its layers is computed, 4 d^2 + 2 d f each, or 3 d f where the network is gated.
Source: transformers 5.23.0.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from symroof.config.config import Config
from symroof.units import si

# Key of a nested config -> what it describes.
TOWERS = {
    "vision_config": "vision tower",
    "high_res_vision_config": "vision tower of high resolution",
    "img_processor": "vision tower",
    "visual": "vision tower",
    "vq_config": "image tokenizer",
    "qformer_config": "Q-Former",
    "perceiver_config": "perceiver",
    "audio_config": "audio tower",
    "sound_config": "audio tower",
    "encoder_config": "audio encoder",
    "audio_encoder_config": "audio codec",
    "acoustic_tokenizer_encoder_config": "acoustic encoder",
    "semantic_tokenizer_encoder_config": "semantic encoder",
    "depth_decoder_config": "depth decoder",
    "talker_config": "talker",
    "token2wav_config": "vocoder",
    "code2wav_config": "vocoder",
    "tts_config": "speech decoder",
}
AROUND = ("thinker_config",)  # nested configs in which towers are
UNNAMED, UNKNOWN = "towers for images, audio or video", "whose size the config does not say"
# What types have that no config of a tower describes.
FURTHER = {"ernie4_5_vl_moe": ("experts for image tokens, as many in a layer as for text",)}

DEPTH = ("num_hidden_layers", "vt_num_hidden_layers", "depth", "encoder_layers", "n_layers", "layers")
WIDTH = ("embed_dim", "vt_hidden_size", "hidden_size", "d_model", "width")
INNER = ("intermediate_size", "vt_intermediate_size", "encoder_ffn_dim", "mlp_dim", "ffn_dim")
HEADS = ("num_attention_heads", "vt_num_attention_heads", "num_heads", "encoder_attention_heads", "attention_heads")
ACTIVATION = ("hidden_act", "activation_function", "activation")
UNLIKE = ("conv_kernel_size", "num_local_experts")  # keys of towers whose layers have more than attention and a network
MORE = ("mlp_ratio", "num_key_value_heads", "out_hidden_size", "num_global_layers", *UNLIKE)
EMBEDDINGS = (
    "image_size",
    "patch_size",
    "temporal_patch_size",
    "spatial_merge_size",
    "in_channels",
    "num_channels",
    "num_position_embeddings",
    "deepstack_visual_indexes",
    "vision_use_head",
    "num_mel_bins",
    "max_source_positions",
)
TOWER_KEYS = frozenset((*DEPTH, *WIDTH, *INNER, *HEADS, *ACTIVATION, *MORE, *EMBEDDINGS))  # that a size depends on
GATED_ACTIVATIONS = ("silu", "swish")
GATED = ("gemma4", "kosmos-2.5", "ministral3", "mistral3")  # types whose towers' networks are, whatever the activation
OUTPUT_INSIDE = ("glm46v", "glm4v", "glm4v_moe", "glmga")  # types whose towers' networks are as wide as their output
LARGEST = 10**7

Tower = Mapping[str, Any]


def tower_warnings(config: Config, family: str, d: int) -> tuple[str, ...]:
    """What is not counted of a multimodal config whose text model has width `d`, each part with its size."""
    towers = [(name, _size_text(tower, family, d)) for name, tower in _towers(config.data)]
    twice = " for images and one of the same size for video" if family == "video_llava" else ""
    named = (f"{name}{twice}, {size}" for name, size in towers or [(UNNAMED, UNKNOWN)])
    return tuple(f"not counted: the {x}" for x in (*named, *FURTHER.get(family, ())))


def _towers(data: Tower) -> Iterator[tuple[str, Tower]]:
    """The name and the config of each tower."""
    nested = [x for key in AROUND if isinstance(x := data.get(key), Mapping)]
    for around in (data, *nested):
        yield from ((name, x) for key, name in TOWERS.items() if isinstance(x := around.get(key), Mapping))


def _size_text(tower: Tower, family: str, d: int) -> str:
    """The size of a tower in words."""
    if whole := _whole_size(tower, family, d):
        return f"{whole:,} parameters with its projector"
    depth, layer = _whole(tower, *DEPTH) + _whole(tower, "num_global_layers"), _layer_size(tower, family)
    if depth and layer:
        return f"about {si(depth * layer).strip()} parameters in its {depth} layers"
    return UNKNOWN


def _whole(data: Tower, *keys: str, absent: int = 0) -> int:
    """A positive whole number under the first of the keys that is there; `absent` where there is none, else 0."""
    value = next((data[key] for key in keys if data.get(key) is not None), absent)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST else 0


def _layer_size(tower: Tower, family: str) -> int:
    """Parameters of the matrices of one layer; 0 where the config does not say."""
    d, heads, f = _whole(tower, *WIDTH), _whole(tower, *HEADS, absent=1), _inner_width(tower, family)
    if not (d and f and heads) or any(tower.get(x) is not None for x in UNLIKE):
        return 0
    matrices = 3 if family in GATED or any(tower.get(x) in GATED_ACTIVATIONS for x in ACTIVATION) else 2
    return 2 * d * d + 2 * d * d * _whole(tower, "num_key_value_heads", absent=heads) // heads + matrices * d * f


def _inner_width(tower: Tower, family: str) -> int:
    """Width inside a layer's network; 0 where the config does not say."""
    if family in OUTPUT_INSIDE:
        return _whole(tower, "out_hidden_size")
    return _whole(tower, *INNER) or round(_whole(tower, *WIDTH) * _ratio(tower.get("mlp_ratio")))


def _ratio(value: Any) -> float:
    """A positive number; 0 for anything else."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < LARGEST else 0


def _whole_size(tower: Tower, family: str, d: int) -> int:
    """All parameters of a tower and its projector; 0 where the family is not in WHOLE or the config lacks a key."""
    return WHOLE[family](tower, d) if family in WHOLE else 0


def _biased_layers(tower: Tower) -> int:
    """Parameters of all layers with biases and two norms; 0 where the config does not say."""
    d, f = _whole(tower, *WIDTH), _whole(tower, *INNER)
    return _whole(tower, *DEPTH) * (4 * d * d + 2 * d * f + 9 * d + f) if d and f else 0


def _siglip(tower: Tower, text: int) -> int:
    """SigLIP with the projector of Gemma 3."""
    d, patch, image = _whole(tower, *WIDTH), _whole(tower, "patch_size"), _whole(tower, "image_size")
    layers = _biased_layers(tower)
    if not (layers and patch and image):
        return 0
    embeddings = (_whole(tower, "num_channels", absent=3) * patch**2 + 1 + (image // patch) ** 2) * d
    pooling = layers // _whole(tower, *DEPTH) - d if tower.get("vision_use_head", True) else 0
    return layers + embeddings + pooling + 3 * d + d * text


def _pixtral(tower: Tower, text: int) -> int:
    """Pixtral with the projector of Mistral 3, which merges 2 x 2 patches."""
    d, patch, layer = _whole(tower, *WIDTH), _whole(tower, "patch_size"), _layer_size(tower, "mistral3")
    if not (patch and layer):
        return 0
    layers = _whole(tower, *DEPTH) * (layer + 2 * d)
    return layers + _whole(tower, "num_channels", absent=3) * patch**2 * d + 2 * d + 4 * d * d + d * text + text**2


def _qwen3_vision(tower: Tower, text: int) -> int:
    """The tower of Qwen3-VL and Qwen3.5 with its mergers."""
    d, layers, merge = _whole(tower, *WIDTH), _biased_layers(tower), _whole(tower, "spatial_merge_size")
    patch, frames = _whole(tower, "patch_size"), _whole(tower, "temporal_patch_size")
    positions = _whole(tower, "num_position_embeddings")
    if not (layers and merge and patch and frames and positions):
        return 0
    deep, merged = tower.get("deepstack_visual_indexes"), merge**2 * d
    embeddings = (_whole(tower, "in_channels", absent=3) * frames * patch**2 + 1 + positions) * d
    merger = merged * merged + merged + (merged + 1) * _whole(tower, "out_hidden_size", absent=text)
    return layers + embeddings + 2 * d + merger + (len(deep) if isinstance(deep, list) else 0) * (2 * merged + merger)


def _whisper(tower: Tower, text: int) -> int:
    """Whisper's encoder with the projector of Qwen2-Audio."""
    d, bands, positions = _whole(tower, *WIDTH), _whole(tower, "num_mel_bins"), _whole(tower, "max_source_positions")
    layers = _biased_layers(tower) - _whole(tower, *DEPTH) * d  # keys have no bias
    if not (bands and positions and layers):
        return 0
    return layers + (3 * bands + 1) * d + (3 * d + 1) * d + positions * d + 2 * d + (d + 1) * text


# model_type of the wrapper -> all parameters of its tower, from the tower's config and the width of the text model.
WHOLE: dict[str, Callable[[Tower, int], int]] = {
    **dict.fromkeys(("gemma3", "shieldgemma2"), _siglip),
    **dict.fromkeys(("ministral3", "mistral3"), _pixtral),
    "qwen2_audio": _whisper,
    **dict.fromkeys(("qwen3_5", "qwen3_5_moe", "qwen3_vl", "qwen3_vl_moe"), _qwen3_vision),
}
