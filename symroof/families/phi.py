"""phi, phi3, stablelm, persimmon: part of each head rotated; phi and some stablelm run both sublayers in parallel.

Sources: transformers 5.23.0, models of these names; microsoft/phi-1_5, modeling_phi.py (phi-msft).
"""

from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame
from symroof.config.config import Config
from symroof.families.gpt import equal_heads, mlp_width, plain_mlp
from symroof.families.mistral import mistral_attention
from symroof.families.reading.keys import HEADS, HIDDEN, size_quotient
from symroof.families.reading.parts import (
    BESIDE,
    activation,
    attention,
    decoder,
    feed_forward,
    gated_mlp,
    heads,
)
from symroof.families.reading.rotary import with_rotary

FRAME = Frame("layer", head_bias=True)


def phi3(config: Config, family: str = "phi3") -> Architecture:
    """llama with a window if sliding_window is set."""
    slot = mistral_attention(config, *with_rotary(config, Attention(), heads(config, single=True)))
    return decoder(config, family, slot, gated_mlp(config))


def _qk_norm(config: Config, norm: str, absent: bool) -> str:
    """The norm of queries and keys, if qk_layernorm says so."""
    return norm if config.flag("qk_layernorm", absent=absent) else ""


def phi(config: Config) -> Architecture:
    """Biases throughout, also of the head."""
    kind = Attention(bias=True, out_bias=True, qk_norm=_qk_norm(config, "layer", absent=False))
    slot = attention(*with_rotary(config, kind, heads(config, single=True), absent=0.5))
    mlp = FeedForward(activation(config, absent="gelu_new"), gated=False, bias=True)
    return decoder(config, "phi", slot, feed_forward(config, mlp, wiring=BESIDE), frame=FRAME)


def phi_msft(config: Config) -> Architecture:
    """phi under the keys of its first release."""
    sizes = equal_heads(config, config.size("n_head_kv") if config.has("n_head_kv") else None)
    h_r = config.size("rotary_dim", absent=32, most=sizes["h"])
    slot = attention(Attention(rotary="partial", bias=True, out_bias=True), {**sizes, "h_r": h_r})
    act = activation(config, "activation_function", absent="gelu_new")
    return decoder(config, "phi-msft", slot, plain_mlp(mlp_width(config, "n_inner"), act, wiring=BESIDE), frame=FRAME)


def stablelm(config: Config) -> Architecture:
    """Layer norms; per-head norms of queries and keys and parallel sublayers if the config says so."""
    norm = _qk_norm(config, "layer_unbiased", absent=False)
    kind = Attention(bias=config.flag("use_qkv_bias", absent=False), qk_norm=norm, qk_over="heads")
    d, H_q = config.size(*HIDDEN), config.size(*HEADS)
    sizes = heads(config, size_quotient(config, d, H_q), single=config.says("num_key_value_heads"))
    slot = attention(*with_rotary(config, kind, sizes, absent=0.25))
    wiring = BESIDE if config.flag("use_parallel_residual", absent=False) else None
    return decoder(config, "stablelm", slot, gated_mlp(config, wiring=wiring), frame=Frame("layer"))


def persimmon(config: Config) -> Architecture:
    """Multi-head attention; biases throughout but not of the head."""
    kind = Attention(bias=True, out_bias=True, qk_norm=_qk_norm(config, "layer", absent=True))
    slot = attention(*with_rotary(config, kind, equal_heads(config), absent=0.5))
    mlp = feed_forward(config, FeedForward(activation(config, absent="relu2"), gated=False, bias=True))
    return decoder(config, "persimmon", slot, mlp, frame=Frame("layer"))


FAMILIES = {
    "phi": phi,
    "phi-msft": phi_msft,
    "phi3": phi3,
    "phi4": partial(phi3, family="phi4"),
    "stablelm": stablelm,
    "persimmon": persimmon,
}
