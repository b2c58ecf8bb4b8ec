"""glm, glm4, chatglm: few KV heads, biases of queries, keys and values, half of each head rotated.

Sources: transformers 5.23.0, models/glm, glm4; THUDM/chatglm3-6b, modeling_chatglm.py.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import HEADS
from symroof.families.reading.parts import SANDWICH, attention, decoder, feed_forward, gated_mlp, nullable_heads
from symroof.families.reading.rotary import with_rotary


def glm(config: Config, family: str = "glm", wiring: Wiring | None = None) -> Architecture:
    """Biases before the attention, none after it."""
    kind = Attention(bias=config.flag("attention_bias", absent=True))
    kind, sizes = with_rotary(config, kind, nullable_heads(config, 128), absent=0.5)
    return decoder(config, family, attention(kind, sizes, wiring=wiring), gated_mlp(config, wiring=wiring))


def glm4(config: Config) -> Architecture:
    """glm with norms before and after each sublayer."""
    return glm(config, "glm4", SANDWICH)


def chatglm(config: Config) -> Architecture:
    """ChatGLM 2 and 3 and glm-4-9b, whose configs have different keys."""
    norm = "rms" if config.flag("rmsnorm", absent=True) else "layer"
    bias = config.flag("add_bias_linear", absent=False)
    kind = Attention(rotary="partial", bias=bias or config.flag("add_qkv_bias", absent=False), out_bias=bias)
    mlp = feed_forward(config, FeedForward("silu", bias=bias), "ffn_hidden_size", wiring=Wiring(norm))
    frame = Frame(norm if config.flag("post_layer_norm", absent=True) else "")
    slots = attention(kind, _chatglm_heads(config), wiring=Wiring(norm)), mlp
    return decoder(config, "chatglm", *slots, frame=frame, V=config.size("padded_vocab_size"))


def _chatglm_heads(config: Config) -> dict[str, Size]:
    """Heads of kv_channels, half of each rotated; KV heads grouped by multi_query_attention."""
    H_q, h = config.size(*HEADS), config.size("kv_channels", absent=128)
    grouped = config.flag("multi_query_attention", absent=False)
    H_kv = config.size("multi_query_group_num", absent=1) if grouped else Size(H_q, "H_q")
    return {"H_q": H_q, "H_kv": H_kv, "h": h, "h_r": Size(h // 2, f"{h.origin} / 2")}


FAMILIES = {"glm": glm, "glm4": glm4, "chatglm": chatglm}
