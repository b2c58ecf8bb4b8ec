"""What is read of dense types: sizes of published checkpoints, and which layers have a window or rotate nothing."""

from typing import Any

import pytest

import symroof
from symroof import Model
from symroof.architecture.kinds.attention import Attention
from symroof.errors import ConfigError

SMALL = {
    "hidden_size": 8,
    "intermediate_size": 6,
    "num_hidden_layers": 8,
    "vocab_size": 11,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 2,
    "torch_dtype": "bfloat16",
}
GLM = {
    "model_type": "chatglm",
    "add_bias_linear": False,
    "add_qkv_bias": True,
    "ffn_hidden_size": 13696,
    "hidden_size": 4096,
    "kv_channels": 128,
    "multi_query_attention": True,
    "multi_query_group_num": 2,
    "num_attention_heads": 32,
    "tie_word_embeddings": False,
}
QWEN = {
    "model_type": "qwen",
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "kv_channels": 128,
    "no_bias": True,
    "vocab_size": 151936,
    "tie_word_embeddings": False,
}
MIMO = {
    "model_type": "mimo",
    "num_hidden_layers": 36,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 11008,
    "vocab_size": 151680,
    "sliding_window": 32768,
    "max_window_layers": 32,
    "use_sliding_window": False,
    "tie_word_embeddings": False,
}
INTERNLM = {
    "model_type": "internlm2",
    "bias": False,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "vocab_size": 92544,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "tie_word_embeddings": False,
}
PHI = {
    "model_type": "phi-msft",
    "n_embd": 2048,
    "n_head": 32,
    "n_head_kv": None,
    "n_inner": None,
    "n_layer": 24,
    "rotary_dim": 32,
    "tie_word_embeddings": False,
    "vocab_size": 51200,
}

BUFFER = 32  # elements of the rotation's frequencies, kept in the checkpoints of chatglm
PREDICTOR = 210790400  # MiMo's layer for multi-token prediction with its projection and norms: 36 to 37 layers

# Elements of the hub's safetensors (AlexsJones/llmfit, data/hf_models.json); of chatglm3 half the bytes of its index.
PUBLISHED = [
    (GLM | {"num_layers": 40, "padded_vocab_size": 151552}, 9399951392 - BUFFER),  # THUDM/glm-4-9b-chat
    (GLM | {"num_layers": 28, "padded_vocab_size": 65024}, 12487168064 // 2 - BUFFER),  # THUDM/chatglm3-6b-32k
    (QWEN, 7721324544),  # Qwen/Qwen-7B-Chat
    (MIMO, 7833409536 - PREDICTOR),  # XiaomiMiMo/MiMo-7B-Base
    (INTERNLM, 7737708544),  # internlm/internlm2_5-7b-chat
    (PHI, 1418270720),  # microsoft/phi-1_5
]


@pytest.mark.parametrize(
    ("config", "count"), PUBLISHED, ids=lambda x: x.get("model_type") if isinstance(x, dict) else ""
)
def test_parameters_are_those_of_the_published_checkpoints(config: dict[str, Any], count: int) -> None:
    assert symroof.load(config).parameters.total == count


def test_the_layer_that_predicts_further_tokens_is_what_mimo_has_beyond_qwen2() -> None:
    d = MIMO["hidden_size"]
    layers = [symroof.load(MIMO | {"num_hidden_layers": n}).parameters.total for n in (36, 37)]
    assert layers[1] - layers[0] + 2 * d * d + 3 * d == PREDICTOR


def load(model_type: str, **keys: Any) -> Model:
    return symroof.load(SMALL | {"model_type": model_type} | keys)


def attentions(model: Model) -> dict[tuple[str, str], int]:
    """Layers by their attention's mask and rotation."""
    x = model.architecture
    found: dict[tuple[str, str], int] = {}
    for y in x.structure.sublayers:
        if isinstance(y.kind, Attention):
            key = (y.kind.mask, y.kind.rotary)
            found[key] = found.get(key, 0) + x.sizes[y.layers]
    return found


FULL, NOPE, SLIDING, HALF = ("causal", "full"), ("causal", ""), ("sliding", "full"), ("causal", "partial")
HALVES = ["sliding_attention"] * 4 + ["full_attention"] * 4


@pytest.mark.parametrize(
    ("model_type", "keys", "layers"),
    [
        ("mistral", {}, {SLIDING: 8}),
        ("mistral", {"sliding_window": None}, {FULL: 8}),
        ("mistral", {"sliding_window": 5, "layer_types": HALVES}, {SLIDING: 4, FULL: 4}),
        ("phi3", {}, {FULL: 8}),
        ("phi3", {"sliding_window": 5, "use_sliding_window": False}, {FULL: 8}),
        ("phi3", {"partial_rotary_factor": 0.5}, {HALF: 8}),
        ("ministral", {"sliding_window": None}, {FULL: 8}),
        ("qwen2", {"sliding_window": 5}, {FULL: 8}),
        ("qwen2", {"sliding_window": 5, "use_sliding_window": True, "max_window_layers": 3}, {FULL: 3, SLIDING: 5}),
        ("qwen3", {"sliding_window": None, "use_sliding_window": True, "max_window_layers": 3}, {FULL: 8}),
        ("gemma2", {}, {SLIDING: 4, FULL: 4}),
        ("gemma3_text", {}, {SLIDING: 7, FULL: 1}),
        ("gemma3_text", {"sliding_window_pattern": 2}, {SLIDING: 4, FULL: 4}),
        ("cwm", {}, {FULL: 2, SLIDING: 6}),
        ("olmo3", {}, {SLIDING: 6, FULL: 2}),
        ("exaone4", {}, {SLIDING: 6, NOPE: 2}),
        ("exaone4", {"sliding_window": None}, {FULL: 8}),
        ("cohere2", {}, {SLIDING: 6, NOPE: 2}),
        ("cohere_compass_text", {"rope_parameters": {"full_attention": None}}, {NOPE: 8}),
        ("smollm3", {}, {FULL: 6, NOPE: 2}),
        ("smollm3", {"no_rope_layers": [0, 1] * 4}, {FULL: 4, NOPE: 4}),
        ("smollm3", {"sliding_window": 5, "use_sliding_window": True}, {FULL: 6, ("sliding", ""): 2}),
        ("granite_swa", {}, {FULL: 2, SLIDING: 6}),
        ("baichuan", {"hidden_size": 4096}, {FULL: 8}),
        ("baichuan", {"hidden_size": 5120}, {NOPE: 8}),
        ("glm", {}, {HALF: 8}),
    ],
)
def test_which_layers_have_a_window_and_which_rotate(model_type, keys, layers) -> None:
    assert attentions(load(model_type, **keys)) == layers


def vector(model: Model) -> int:
    return int(model.report(5, 0).total.vector)


@pytest.mark.parametrize(
    ("model_type", "key", "some", "none"),
    [
        ("gemma2", "attn_logit_softcapping", 50.0, None),
        ("gemma2", "final_logit_softcapping", 30.0, None),
        ("nanochat", "final_logit_softcapping", 15.0, None),
        ("granite", "residual_multiplier", 0.2, 1.0),
        ("granite", "embedding_multiplier", 12, 1),
        ("granite", "logits_scaling", 8, 1),
        ("cohere", "logit_scale", 0.0625, 1.0),
        ("minicpm", "scale_emb", 12, 1),
        ("olmo", "clip_qkv", 8, None),
        ("qwen", "use_logn_attn", True, False),
    ],
)
def test_a_key_that_adds_elementwise_work_alone(model_type: str, key: str, some: Any, none: Any) -> None:
    more, less = (load(model_type, **{key: x}) for x in (some, none))
    assert more.parameters.total == less.parameters.total
    assert vector(more) > vector(less)


@pytest.mark.parametrize(
    ("model_type", "keys", "told"),
    [
        ("mistral", {"num_key_value_heads": 3}, "not a multiple of KV heads"),
        ("ministral", {"layer_types": ["chunked_attention"] * 8}, "chunked_attention"),
        ("gemma3_text", {"use_bidirectional_attention": True}, "use_bidirectional_attention"),
        ("helium", {"head_dim": 3}, "head_dim=3"),
        ("diffllama", {"num_key_value_heads": 1}, "must be even"),
        ("qwen", {"intermediate_size": 7}, "must be even"),
        ("minicpm", {"num_experts": 8}, "num_experts"),
        ("smollm3", {"no_rope_layers": [1, 2]}, "no_rope_layers"),
        ("smollm3", {"layer_types": ["full_attention"]}, "layer_types"),
        ("granite", {"residual_multiplier": "a"}, "a number"),
    ],
)
def test_what_cannot_be_is_told(model_type: str, keys: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        load(model_type, **keys)
