"""glm, glm4, chatglm: few key/value heads, biases on queries, keys and values, half of each head rotated.

Sources: transformers 5.23.0, models/glm, glm4; THUDM/chatglm3-6b, modeling_chatglm.py.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.parts import HEADS, SANDWICH, activation, attention, decoder, feed_forward, heads, rotated


def glm(config: Config, family: str = "glm", wiring: Wiring | None = None) -> Architecture:
    """Biases ahead of the attention, none after."""
    sizes = heads(config, single=config.says("num_key_value_heads"), absent=128)
    rotary, part = rotated(config, sizes["h"], absent=0.5)
    kind = Attention(rotary=rotary, bias=config.flag("attention_bias", absent=True))
    return decoder(
        config,
        family,
        attention(kind, {**sizes, **part}, wiring=wiring),
        feed_forward(config, FeedForward(activation(config)), wiring=wiring),
    )


def glm4(config: Config) -> Architecture:
    """glm with norms on both sides of each sublayer."""
    return glm(config, "glm4", SANDWICH)


def chatglm(config: Config) -> Architecture:
    """ChatGLM 2 and 3 and glm-4-9b, by their own names."""
    H_q, every = config.size(*HEADS), config.flag("add_bias_linear", absent=False)
    grouped = config.flag("multi_query_attention", absent=False)
    h = config.size("kv_channels", absent=128)
    sizes = {
        "H_q": H_q,
        "H_kv": config.size("multi_query_group_num", absent=1) if grouped else Size(H_q, "H_q"),
        "h": h,
        "h_r": Size(h // 2, f"{h.origin} / 2"),
    }
    norm = "rms" if config.flag("rmsnorm", absent=True) else "layer"
    kind = Attention(rotary="partial", bias=every or config.flag("add_qkv_bias", absent=False), out_bias=every)
    both = Wiring(norm)
    return decoder(
        config,
        "chatglm",
        attention(kind, sizes, wiring=both),
        feed_forward(config, FeedForward("silu", bias=every), "ffn_hidden_size", wiring=both),
        frame=Frame(norm if config.flag("post_layer_norm", absent=True) else ""),
        V=config.size("padded_vocab_size"),
    )


FAMILIES = {"glm": glm, "glm4": glm4, "chatglm": chatglm}
