"""bloom, mpt and falcon, the last also as RefinedWeb and RefinedWebModel, its first names: ALiBi or rotary embedding.

Source: transformers 5.23.0, models of these names; for the first names of falcon the code beside the checkpoints
(configuration_RW.py, modelling_RW.py of tiiuae/falcon-7b and falcon-40b, as text-generation-inference reads them).
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture, Frame, Size
from symroof.config.config import Config
from symroof.families.gpt import equal_heads, mlp_width, plain_mlp
from symroof.families.reading.keys import HEADS, HIDDEN, has_number
from symroof.families.reading.parts import BESIDE, activation, attention, decoder

MPT_ONLY = {"attn_type": "multihead_attention", "alibi": True, "qk_ln": False}  # all that transformers implements


def bloom(config: Config) -> Architecture:
    """ALiBi, biases everywhere, a norm after the embedding; networks four times as wide as the hidden size."""
    slot = attention(Attention(rotary="", alibi=True, bias=True, out_bias=True), equal_heads(config))
    mlp = plain_mlp(_four_hidden(config), "gelu_tanh")
    return decoder(config, "bloom", slot, mlp, frame=Frame(norm="layer", embedding_norm="layer"), tied=True)


def mpt(config: Config) -> Architecture:
    """ALiBi and no biases: transformers ignores no_bias and expansion_ratio."""
    kind = Attention(rotary="", alibi=True, clip=config.has("attn_config") and _mpt_clip(config.nested("attn_config")))
    mlp = plain_mlp(_four_hidden(config), "gelu", bias=False)
    frame = Frame(norm="layer_unbiased")
    return decoder(config, "mpt", attention(kind, equal_heads(config)), mlp, frame=frame, tied=True)


def _mpt_clip(inner: Config) -> bool:
    """Whether queries, keys and values are clamped. Raises ConfigError for attention that transformers has not."""
    for key, only in MPT_ONLY.items():
        if inner.has(key) and inner.data[key] != only:
            raise inner.wrong(key, f"{only!r}: transformers knows no other".lower())
    return has_number(inner, "clip_qkv")


def _four_hidden(config: Config) -> Size:
    """Four times the hidden size."""
    d = config.size(*HIDDEN)
    return Size(4 * d, f"4 {d.origin}")


def falcon(config: Config) -> Architecture:
    """Attention and network in parallel or in sequence; one, some or all KV heads."""
    new = config.flag("new_decoder_architecture", absent=False)
    parallel = config.flag("parallel_attn", absent=True)
    norms = config.number("num_ln_in_parallel_attn", absent=2 if new else 1, most=2)
    if new and not parallel:
        raise config.wrong("new_decoder_architecture", "false where parallel_attn is: transformers runs no such model")
    if norms == 2 and parallel and not new:
        raise config.wrong("num_ln_in_parallel_attn", "1 without new_decoder_architecture")
    return _falcon_decoder(config, "falcon", _falcon_kv_heads(config, new), parallel and norms == 1, new)


def _falcon_kv_heads(config: Config, new: bool) -> Size | None:
    """KV heads, None for as many as query heads; the old architecture has one or all."""
    H_kv = config.size("num_kv_heads", "n_head_kv", absent=config.size(*HEADS))
    if new:
        return H_kv
    if config.flag("multi_query", absent=True):
        return Size(1, "multi_query")
    if H_kv != config.size(*HEADS):
        raise config.wrong("num_kv_heads", "as many as query heads: neither multi_query nor new_decoder_architecture")
    return None


def refined_web(config: Config) -> Architecture:
    """falcon-40b under its first name: attention and network in parallel, each with a norm."""
    H_kv = config.size("n_head_kv") if config.has("n_head_kv") else None
    if not config.flag("parallel_attn", absent=True):
        raise config.wrong("parallel_attn", "true: this model_type has its parts side by side")
    return _falcon_decoder(config, "RefinedWeb", H_kv, one_norm=False, repeated=True)


def refined_web_model(config: Config) -> Architecture:
    """falcon-7b and falcon-rw under their first name; absent flags are false."""
    H_kv = Size(1, "multi_query") if config.flag("multi_query", absent=False) else None
    return _falcon_decoder(config, "RefinedWebModel", H_kv, config.flag("parallel_attn", absent=False))


def _falcon_decoder(
    config: Config, family: str, H_kv: Size | None, one_norm: bool, repeated: bool = False
) -> Architecture:
    """Attention and network with one norm for both or one each."""
    bias, alibi = config.flag("bias", absent=False), config.flag("alibi", absent=False)
    kind = Attention(rotary="" if alibi else "full", alibi=alibi, bias=bias, out_bias=bias, repeated=repeated)
    act = activation(config, "activation", absent="gelu")
    mlp = plain_mlp(mlp_width(config, "ffn_hidden_size"), act, bias, BESIDE if one_norm else None)
    slot = attention(kind, equal_heads(config, H_kv))
    return decoder(config, family, slot, mlp, frame=Frame(norm="layer"), tied=True)


FAMILIES = {
    "bloom": bloom,
    "mpt": mpt,
    "falcon": falcon,
    "RefinedWeb": refined_web,
    "RefinedWebModel": refined_web_model,
}
