"""llama: Llama 1 to 3.x and everything that ships under this model_type.

Source: transformers 5.23.0, models/llama; where a key is absent its config class gives the value.
"""

from symroof.architecture import Architecture, Attention, FeedForward, Structure
from symroof.config import MAX_LAYERS, Config, Sizes

ACTIVATIONS = {
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}


def read(config: Config) -> Architecture:
    """A dense decoder of grouped-query attention and gated feed-forward networks."""
    sizes = Sizes(config)
    kv_key = "num_key_value_heads" if config.has("num_key_value_heads") else "num_attention_heads"
    trunk(sizes, kv_key)
    sizes.read("f", "intermediate_size")
    attention = Attention(bias=config.flag("attention_bias", absent=False))
    mlp = FeedForward(act=activation(config), bias=config.flag("mlp_bias", absent=False))
    structure = Structure((attention, mlp), tied=config.flag("tie_word_embeddings", absent=False))
    return Architecture("llama", structure, sizes.values, sizes.origin)


def trunk(sizes: Sizes, kv_key: str = "num_key_value_heads") -> None:
    """Layers, hidden size, heads and vocabulary, which every llama has; KV heads are read from `kv_key`."""
    config = sizes.config
    sizes.read("L", "num_hidden_layers", most=MAX_LAYERS)
    d = sizes.read("d", "hidden_size")
    H_q = sizes.read("H_q", "num_attention_heads")
    sizes.read("H_kv", kv_key)
    if config.has("head_dim"):
        sizes.read("h", "head_dim")
    elif d % H_q:
        raise config.fail(f"hidden_size={d} is no multiple of num_attention_heads={H_q}: give head_dim")
    else:
        sizes.derive("h", d // H_q, "hidden_size / num_attention_heads")
    sizes.read("V", "vocab_size")


def activation(config: Config) -> str:
    """The gate's activation under the name that ops.dense knows."""
    name = config.text("hidden_act") or "silu"
    if name not in ACTIVATIONS:
        raise config.wrong("hidden_act", f"one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]
