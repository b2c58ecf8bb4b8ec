"""qwen, qwen2, qwen3, mimo, hunyuan_v1_dense: biases on queries, keys and values, or a norm of queries and keys.

Sources: transformers 5.23.0, models/qwen2, qwen3, hunyuan_v1_dense; Qwen/Qwen-7B, modeling_qwen.py;
XiaomiMiMo/MiMo-7B-Base, modeling_mimo.py, whose layers for multi-token prediction do not run in a step.
"""

from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, Sizes, alternating
from symroof.families.reading.parts import HEADS, activation, attention, decoder, feed_forward, heads, layers


def windowed(config: Config, kind: Attention, sizes: Sizes) -> Pattern:
    """A window from the layer max_window_layers on, where use_sliding_window is on and there is one."""
    used = config.flag("use_sliding_window", absent=False)
    used = used and (config.has("sliding_window") or not config.says("sliding_window"))
    first = config.number("max_window_layers", absent=28, least=0) if used else layers(config)
    absent = [SLIDING if i >= first else FULL for i in range(layers(config))]
    return alternating(config, kind, sizes, absent, "max_window_layers", 4096)


def qwen2(config: Config, family: str = "qwen2") -> Architecture:
    """Biases on queries, keys and values."""
    sizes = heads(config, single=config.says("num_key_value_heads"))
    return decoder(
        config,
        family,
        windowed(config, Attention(bias=True), sizes),
        feed_forward(config, FeedForward(activation(config))),
    )


def qwen3(config: Config) -> Architecture:
    """Queries and keys are normalised."""
    bias = config.flag("attention_bias", absent=False)
    sizes = heads(config, single=config.says("num_key_value_heads"), absent=128)
    return decoder(
        config,
        "qwen3",
        windowed(config, Attention(bias=bias, out_bias=bias, qk_norm="rms"), sizes),
        feed_forward(config, FeedForward(activation(config))),
    )


def hunyuan(config: Config) -> Architecture:
    """Queries and keys are normalised after the rotation."""
    bias = config.flag("attention_bias", absent=False)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms", norm_last=True)
    return decoder(
        config,
        "hunyuan_v1_dense",
        attention(kind, heads(config, single=True)),
        feed_forward(config, FeedForward(activation(config))),
    )


def qwen(config: Config) -> Architecture:
    """The first Qwen: no grouped heads; intermediate_size counts gate and up together."""
    H_q, f = config.size(*HEADS), config.size("intermediate_size", "ffn_hidden_size")
    if f % 2:
        raise config.wrong(f.origin, "even: gate and up have half of it each")
    bias = not config.flag("no_bias", absent=True)
    kind = Attention(bias=True, out_bias=bias, temperature=config.flag("use_logn_attn", absent=True))
    sizes = {"H_q": H_q, "H_kv": Size(H_q, "H_q"), "h": config.size("kv_channels", absent=128)}
    mlp = Part.of(FeedForward("silu", bias=bias), "mlp", f=Size(f // 2, f"{f.origin} / 2"))
    return decoder(config, "qwen", attention(kind, sizes), mlp)


FAMILIES = {
    "qwen": qwen,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "mimo": partial(qwen2, family="mimo"),
    "hunyuan_v1_dense": hunyuan,
}
