"""bloom, mpt and falcon, falcon also under its first names RefinedWeb and RefinedWebModel: ALiBi or rotary positions.

Source: transformers 5.23.0, models of these names; for the first names of falcon the code beside the checkpoints
(configuration_RW.py, modelling_RW.py of tiiuae/falcon-7b and falcon-40b, as text-generation-inference reads them).
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture, Frame, Size
from symroof.config.config import Config
from symroof.families.gpt import BESIDE, equal_heads, plain, width
from symroof.families.reading.parts import HEADS, HIDDEN, activation, attention, decoder


def bloom(config: Config) -> Architecture:
    """ALiBi, biases everywhere, a norm behind the embedding; networks of four times the hidden size."""
    d = config.size(*HIDDEN)
    kind = Attention(rotary="", alibi=True, bias=True, out_bias=True)
    mlp = plain(Size(4 * d, f"4 {d.origin}"), "gelu_tanh")
    return decoder(
        config,
        "bloom",
        attention(kind, equal_heads(config)),
        mlp,
        frame=Frame(norm="layer", embedding_norm="layer"),
        tied=True,
    )


def mpt(config: Config) -> Architecture:
    """ALiBi and no biases; transformers knows no other, whatever no_bias and expansion_ratio say."""
    d, clip = config.size(*HIDDEN), False
    if config.has("attn_config"):
        inner = config.nested("attn_config")
        for key, only in (("attn_type", "multihead_attention"), ("alibi", True), ("qk_ln", False)):
            if inner.has(key) and inner.data[key] != only:
                raise inner.wrong(key, f"{only!r}: transformers knows no other".lower())
        clip = inner.has("clip_qkv")
    kind = Attention(rotary="", alibi=True, clip=clip)
    mlp = plain(Size(4 * d, f"4 {d.origin}"), "gelu", bias=False)
    return decoder(
        config, "mpt", attention(kind, equal_heads(config)), mlp, frame=Frame(norm="layer_unbiased"), tied=True
    )


def falcon(config: Config) -> Architecture:
    """Attention and network side by side or one after the other, heads of keys and values one, some or all."""
    new = config.flag("new_decoder_architecture", absent=False)
    parallel = config.flag("parallel_attn", absent=True)
    norms = config.number("num_ln_in_parallel_attn", absent=2 if new else 1, most=2)
    if new and not parallel:
        raise config.wrong("new_decoder_architecture", "false where parallel_attn is: transformers runs no such model")
    if norms == 2 and parallel and not new:
        raise config.wrong("num_ln_in_parallel_attn", "1 without new_decoder_architecture")
    return refined(config, "falcon", kv_heads(config, new), parallel and norms == 1, new)


def kv_heads(config: Config, new: bool) -> Size | None:
    """Heads of keys and values, None as many as of queries: the new architecture says, the old one has one or all."""
    said = config.size("num_kv_heads", "n_head_kv", absent=config.size(*HEADS))
    if new:
        return said
    if config.flag("multi_query", absent=True):
        return Size(1, "multi_query")
    if said != config.size(*HEADS):
        raise config.wrong("num_kv_heads", "as many as query heads: neither multi_query nor new_decoder_architecture")
    return None


def refined_web(config: Config) -> Architecture:
    """falcon-40b by its first name: always two norms side by side."""
    H_kv = config.size("n_head_kv") if config.has("n_head_kv") else None
    if not config.flag("parallel_attn", absent=True):
        raise config.wrong("parallel_attn", "true: this model_type has its parts side by side")
    return refined(config, "RefinedWeb", H_kv, one_norm=False, repeated=True)


def refined_web_model(config: Config) -> Architecture:
    """falcon-7b and falcon-rw by their first name, under which absent flags are false."""
    H_kv = Size(1, "multi_query") if config.flag("multi_query", absent=False) else None
    return refined(config, "RefinedWebModel", H_kv, config.flag("parallel_attn", absent=False))


def refined(config: Config, family: str, H_kv: Size | None, one_norm: bool, repeated: bool = False) -> Architecture:
    """What all of them share, with one norm for attention and network or one each."""
    bias = config.flag("bias", absent=False)
    alibi = config.flag("alibi", absent=False)
    kind = Attention(rotary="" if alibi else "full", alibi=alibi, bias=bias, out_bias=bias, repeated=repeated)
    act = activation(config, "activation", absent="gelu")
    mlp = plain(width(config, "ffn_hidden_size"), act, bias, BESIDE if one_norm else None)
    return decoder(
        config, family, attention(kind, equal_heads(config, H_kv)), mlp, frame=Frame(norm="layer"), tied=True
    )


FAMILIES = {
    "bloom": bloom,
    "mpt": mpt,
    "falcon": falcon,
    "RefinedWeb": refined_web,
    "RefinedWebModel": refined_web_model,
}
