"""opt, xglm, biogpt and ctrl: biases everywhere, positions of a table with two spare rows, or sines and cosines.

Source: transformers 5.23.0, models of these names.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture, Frame, Size, Wiring
from symroof.config.config import Config
from symroof.families.gpt import decoder_only, equal_heads, plain
from symroof.families.reading.parts import HIDDEN, activation, attention, decoder

BIASED = Attention(rotary="", bias=True, out_bias=True)


def spare_rows(config: Config) -> Size:
    """Rows of a position table whose first two no token uses."""
    key = "max_position_embeddings"
    return Size(config.size(key, absent=2048) + 2, f"{key} + 2")


def opt(config: Config) -> Architecture:
    """Norms before or behind; embeddings perhaps narrower than the stream, and projected."""
    first = config.flag("do_layer_norm_before", absent=True)
    bias = config.flag("enable_bias", absent=True)
    norm = "layer" if config.flag("layer_norm_elementwise_affine", absent=True) else "layer_plain"
    final = first and not config.flag("_remove_final_layer_norm", absent=False)
    wiring = Wiring(norm=norm) if first else Wiring(norm="", post=norm)
    d, sizes = config.size(*HIDDEN), {"N_pos": spare_rows(config)}
    d_emb = config.size("word_embed_proj_dim", absent=d)
    frame = Frame(norm=norm if final else "", positions=True, projected=d_emb != d)
    if frame.projected:
        sizes["d_emb"] = d_emb
    mlp = plain(config.size("ffn_dim"), activation(config, "activation_function", absent="relu"), bias, wiring)
    kind = Attention(rotary="", bias=bias, out_bias=bias)
    part = attention(kind, equal_heads(config), wiring=wiring)
    return decoder(config, "opt", part, mlp, frame=frame, tied=True, once=(), last=(), **sizes)


def xglm(config: Config) -> Architecture:
    """Embeddings scaled up, sines and cosines added."""
    decoder_only(config)
    mlp = plain(config.size("ffn_dim"), activation(config, "activation_function", absent="gelu"))
    frame = Frame(norm="layer", sinusoidal=True, scaled=config.flag("scale_embedding", absent=True))
    return decoder(config, "xglm", attention(BIASED, equal_heads(config)), mlp, frame=frame, tied=True)


def biogpt(config: Config) -> Architecture:
    """Embeddings scaled up, learned positions."""
    mlp = plain(config.size("intermediate_size"), activation(config, absent="gelu"))
    frame = Frame(norm="layer", positions=True, scaled=config.flag("scale_embedding", absent=True))
    part = attention(BIASED, equal_heads(config))
    return decoder(config, "biogpt", part, mlp, frame=frame, tied=True, N_pos=spare_rows(config))


def ctrl(config: Config) -> Architecture:
    """Embeddings scaled up, sines and cosines added; the head has a bias."""
    frame = Frame(norm="layer", sinusoidal=True, scaled=True, head_bias=True)
    mlp = plain(config.size("dff"), "relu")
    return decoder(config, "ctrl", attention(BIASED, equal_heads(config)), mlp, frame=frame, tied=True)


FAMILIES = {"opt": opt, "xglm": xglm, "biogpt": biogpt, "ctrl": ctrl}
