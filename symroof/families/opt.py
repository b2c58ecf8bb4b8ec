"""opt, xglm, biogpt and ctrl: biases everywhere; a position table with two spare rows, or sinusoidal positions.

Source: transformers 5.23.0, models of these names.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture, Frame, Size, Wiring
from symroof.config.config import Config
from symroof.families.gpt import equal_heads, plain_mlp, reject_cross_attention
from symroof.families.reading.keys import HIDDEN
from symroof.families.reading.parts import activation, attention, decoder

BIASED = Attention(rotary="", bias=True, out_bias=True)


def _position_rows(config: Config, absent: int) -> Size:
    """Rows of a position table whose first two are unused; `absent` others by default."""
    key = "max_position_embeddings"
    return Size(config.size(key, absent=absent) + 2, f"{key} + 2")


def opt(config: Config) -> Architecture:
    """Norms before or after sublayers; embeddings may be narrower than the hidden size and projected."""
    norm, bias = _opt_norm(config), config.flag("enable_bias", absent=True)
    wiring = Wiring(norm=norm) if _norm_before(config) else Wiring(norm="", post=norm)
    act = activation(config, "activation_function", absent="relu")
    slot = attention(replace(BIASED, bias=bias, out_bias=bias), equal_heads(config), wiring=wiring)
    mlp = plain_mlp(config.size("ffn_dim"), act, bias, wiring)
    d, N_pos = config.size(*HIDDEN), _position_rows(config, 2048)
    d_emb = config.size("word_embed_proj_dim", absent=d)
    final = _norm_before(config) and not config.flag("_remove_final_layer_norm", absent=False)
    frame = Frame(norm=norm if final else "", positions=True, projected=d_emb != d)
    sizes = {"N_pos": N_pos} | ({"d_emb": d_emb} if frame.projected else {})
    return decoder(config, "opt", slot, mlp, frame=frame, tied=True, once=(), last=(), **sizes)


def _opt_norm(config: Config) -> str:
    """Layer norms, without weights if layer_norm_elementwise_affine is false."""
    return "layer" if config.flag("layer_norm_elementwise_affine", absent=True) else "layer_plain"


def _norm_before(config: Config) -> bool:
    """Whether norms are before the sublayers, not after them."""
    return config.flag("do_layer_norm_before", absent=True)


def xglm(config: Config) -> Architecture:
    """Embeddings scaled; sinusoidal positions added."""
    reject_cross_attention(config)
    mlp = plain_mlp(config.size("ffn_dim"), activation(config, "activation_function", absent="gelu"))
    frame = Frame(norm="layer", sinusoidal=True, scaled=config.flag("scale_embedding", absent=True))
    return decoder(config, "xglm", attention(BIASED, equal_heads(config)), mlp, frame=frame, tied=True)


def biogpt(config: Config) -> Architecture:
    """Embeddings scaled; learned positions added."""
    mlp = plain_mlp(config.size("intermediate_size"), activation(config, absent="gelu"))
    frame = Frame(norm="layer", positions=True, scaled=config.flag("scale_embedding", absent=True))
    slot = attention(BIASED, equal_heads(config))
    return decoder(config, "biogpt", slot, mlp, frame=frame, tied=True, N_pos=_position_rows(config, 1024))


def ctrl(config: Config) -> Architecture:
    """Embeddings scaled; sinusoidal positions added; the head has a bias."""
    frame = Frame(norm="layer", sinusoidal=True, scaled=True, head_bias=True)
    mlp = plain_mlp(config.size("dff"), "relu")
    return decoder(config, "ctrl", attention(BIASED, equal_heads(config)), mlp, frame=frame, tied=True)


FAMILIES = {"opt": opt, "xglm": xglm, "biogpt": biogpt, "ctrl": ctrl}
