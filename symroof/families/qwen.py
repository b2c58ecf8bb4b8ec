"""qwen, qwen2, qwen3, mimo, hunyuan_v1_dense: biases of queries, keys and values, or norms of queries and keys.

Sources: transformers 5.23.0, models/qwen2, qwen3, hunyuan_v1_dense; Qwen/Qwen-7B, modeling_qwen.py;
XiaomiMiMo/MiMo-7B-Base, modeling_mimo.py, whose layers for multi-token prediction do not run in a step.
"""

from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.keys import HEADS, not_null
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding
from symroof.families.reading.parts import (
    Sizes,
    attention,
    decoder,
    gated_mlp,
    heads,
    layers,
    nullable_heads,
    with_bias,
)


def _qwen_attention(config: Config, kind: Attention, sizes: Sizes) -> Pattern:
    """A window in the layers from max_window_layers on, if use_sliding_window is true and the window not null."""
    used = config.flag("use_sliding_window", absent=False) and not_null(config, "sliding_window")
    first = config.number("max_window_layers", absent=28, least=0) if used else layers(config)
    absent = [SLIDING if i >= first else FULL for i in range(layers(config))]
    return full_and_sliding(config, kind, sizes, absent, "max_window_layers", 4096)


def qwen2(config: Config, family: str = "qwen2") -> Architecture:
    """Biases of queries, keys and values."""
    slot = _qwen_attention(config, Attention(bias=True), nullable_heads(config))
    return decoder(config, family, slot, gated_mlp(config))


def qwen3(config: Config) -> Architecture:
    """Norms of queries and keys."""
    kind = with_bias(config, Attention(qk_norm="rms"))
    return decoder(config, "qwen3", _qwen_attention(config, kind, nullable_heads(config, 128)), gated_mlp(config))


def hunyuan_v1_dense(config: Config) -> Architecture:
    """Norms of queries and keys after the rotation."""
    kind = with_bias(config, Attention(qk_norm="rms", norm_last=True))
    return decoder(config, "hunyuan_v1_dense", attention(kind, heads(config, single=True)), gated_mlp(config))


def qwen(config: Config) -> Architecture:
    """The first Qwen: multi-head attention; intermediate_size is the sum of gate and up projection."""
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
    "hunyuan_v1_dense": hunyuan_v1_dense,
}
