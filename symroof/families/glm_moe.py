"""glm4_moe and its likes: the first layers dense, then routed experts beside shared ones of the same size.

Sources: transformers 5.23.0, models/glm4_moe, dots1, solar_open, exaone_moe, hy_v3; vllm-project/vllm,
vllm/model_executor/models/deepseek.py and bailing_moe.py.
"""

from collections.abc import Collection

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import (
    FULL,
    SLIDING,
    after_first,
    alternating,
    every,
    routed,
    several,
    sparse,
    turned,
)
from symroof.families.reading.parts import activation, attention, decoder, experts, feed_forward, heads, layers

WIDTH = "moe_intermediate_size"


def shared_beside(
    config: Config, which: tuple[Collection[int], str], count: str, absent: int = 0, bias: bool = False
) -> Part | Pattern:
    """Experts in the layers of `which`, beside as many shared ones as key `count` says; `bias` on dense and shared."""
    act = activation(config)

    def moe() -> Part:
        shared = several(config, count, WIDTH, absent)
        return experts(config, Experts(act, shared=shared is not None, shared_bias=bias), shared=shared)

    return routed(config, which, moe, lambda: feed_forward(config, FeedForward(act, bias=bias)))


def turning(config: Config, kind: Attention, sizes: dict[str, Size], absent: float = 1.0) -> Part:
    """Attention that rotates the part of a head that the config names."""
    return attention(*turned(config, kind, sizes, absent=absent))


def glm4_moe(config: Config) -> Architecture:
    """Biases on queries, keys and values where asked for; half of a head is rotated."""
    norm = "rms" if config.flag("use_qk_norm", absent=False) else ""
    kind = Attention(bias=config.flag("attention_bias", absent=False), qk_norm=norm)
    d, H_q = config.size("hidden_size"), config.size("num_attention_heads")
    h = None if config.has("head_dim") else Size(d // H_q, "hidden_size // num_attention_heads")
    return decoder(
        config,
        "glm4_moe",
        turning(config, kind, heads(config, h), 0.5),
        shared_beside(config, after_first(config, absent=1), "n_shared_experts", 1),
    )


def solar_open(config: Config) -> Architecture:
    """glm4_moe without dense layers and without norms of queries and keys."""
    kind = Attention(bias=config.flag("attention_bias", absent=False))
    return decoder(
        config,
        "solar_open",
        turning(config, kind, heads(config, absent=128)),
        shared_beside(config, (range(layers(config)), ""), "n_shared_experts", 1),
    )


def dots1(config: Config) -> Architecture:
    """Normalised queries and keys; the layers from max_window_layers on have a window."""
    bias, count = config.flag("attention_bias", absent=False), layers(config)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms")
    most = config.number("max_window_layers", absent=62, least=0)
    slides = config.has("sliding_window") or not config.says("sliding_window")
    absent = [SLIDING if slides and i >= most else FULL for i in range(count)]
    sizes = heads(config, single=config.says("num_key_value_heads"))
    return decoder(
        config,
        "dots1",
        alternating(config, kind, sizes, absent, "max_window_layers", 4096),
        shared_beside(config, after_first(config, absent=0), "n_shared_experts"),
    )


def exaone_moe(config: Config) -> Architecture:
    """Every fourth layer sees all, without rotation where the others have a window."""
    nope, count = config.has("sliding_window") or not config.says("sliding_window"), layers(config)
    step = config.number("sliding_window_pattern", absent=4) if nope and not config.has("layer_types") else 1
    full, sliding = Attention(rotary="" if nope else "full", qk_norm="rms"), Attention(qk_norm="rms")
    first, key = after_first(config, absent=1)
    return decoder(
        config,
        "exaone_moe",
        alternating(config, full, heads(config), every(count, step), "sliding_window_pattern", 4096, sliding),
        shared_beside(config, sparse(config, first, key), "num_shared_experts", 1),
    )


def hy_v3(config: Config) -> Architecture:
    """Normalised queries and keys; one dense layer ahead unless mlp_layer_types says otherwise."""
    bias = config.flag("attention_bias", absent=False)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms")
    which = sparse(config, range(1, layers(config)), "num_hidden_layers")
    ffn = shared_beside(config, which, "num_shared_experts", 1, config.flag("mlp_bias", absent=False))
    return decoder(config, "hy_v3", attention(kind, heads(config, absent=128)), ffn)


def deepseek(config: Config) -> Architecture:
    """DeepSeek-MoE: heads that may be grouped, experts in every moe_layer_freq-th layer after the first ones."""
    bias = config.flag("attention_bias", absent=False)
    first, key = after_first(config, absent=0)
    step = config.number("moe_layer_freq", absent=1)
    which = [i for i in first if i % step == 0], key if step == 1 else "moe_layer_freq"
    return decoder(
        config,
        "deepseek",
        attention(Attention(bias=bias, out_bias=bias), heads(config, single=True)),
        shared_beside(config, which, "n_shared_experts"),
    )


def bailing_moe(config: Config) -> Architecture:
    """Ling: one projection of queries, keys and values; the second version normalises queries and keys."""
    bias, norm = config.flag("use_bias", absent=False), config.flag("use_qk_norm", absent=False)
    kind = Attention(
        bias=config.flag("use_qkv_bias", absent=False) or bias, out_bias=bias, qk_norm="rms" if norm else ""
    )
    return decoder(
        config,
        "bailing_moe",
        turning(config, kind, heads(config, single=True)),
        shared_beside(config, after_first(config, absent=0), "num_shared_experts", bias=bias),
    )


FAMILIES = {
    "glm4_moe": glm4_moe,
    "solar_open": solar_open,
    "dots1": dots1,
    "exaone_moe": exaone_moe,
    "hy_v3": hy_v3,
    "deepseek": deepseek,
    "bailing_moe": bailing_moe,
}
