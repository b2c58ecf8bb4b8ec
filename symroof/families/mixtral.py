"""mixtral and similar models: grouped-query attention and routed experts in every layer, without shared experts.

Sources: transformers 5.23.0, models/mixtral, phimoe, minimax_m2, olmoe, flex_olmo, gpt_oss, dbrx; xai-org/grok-1,
model.py.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Frame, Part, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import CHOSEN, has_number, size_quotient
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding, uniform_attention
from symroof.families.reading.parts import (
    POST,
    SANDWICH,
    activation,
    attention,
    decoder,
    experts,
    heads,
    layers,
    nullable_heads,
    with_bias,
)
from symroof.families.reading.rotary import with_rotary


def _mixtral_experts(config: Config, wiring: Wiring | None = None, correction: bool = False) -> Part:
    """Experts of intermediate_size."""
    return experts(config, Experts(activation(config), correction=correction), "intermediate_size", wiring=wiring)


def mixtral(config: Config) -> Architecture:
    """Attention with a window if sliding_window is set."""
    slot = uniform_attention(config, Attention(), nullable_heads(config))
    return decoder(config, "mixtral", slot, _mixtral_experts(config))


def phimoe(config: Config) -> Architecture:
    """Layer norms with biases; biases of attention and head by attention_bias and lm_head_bias."""
    if config.number(*CHOSEN, absent=2) != 2:
        raise config.wrong(config.spelling(*CHOSEN), "2: the class always runs two experts")
    config = config.with_defaults({"num_experts_per_tok": 2})
    slot = uniform_attention(config, with_bias(config, Attention()), nullable_heads(config))
    frame = Frame("layer", head_bias=config.flag("lm_head_bias", absent=False))
    return decoder(config, "phimoe", slot, _mixtral_experts(config), frame=frame)


def minimax_m2(config: Config) -> Architecture:
    """Norms of queries and keys over their whole width; part of each head rotated."""
    kind, sizes = Attention(rotary="partial", qk_norm="rms", qk_over="width"), heads(config, absent=128)
    if config.has("rotary_dim"):
        slot = attention(kind, {**sizes, "h_r": config.size("rotary_dim", most=sizes["h"])})
    else:
        slot = attention(*with_rotary(config, kind, sizes))
    return decoder(config, "minimax_m2", slot, _mixtral_experts(config, correction=True))


def olmoe(config: Config, family: str = "olmoe", wiring: Wiring | None = None) -> Architecture:
    """Norms of queries and keys over their whole width."""
    clip = family == "olmoe" and has_number(config, "clip_qkv")
    kind = with_bias(config, Attention(qk_norm="rms", qk_over="width", clip=clip))
    slot = attention(kind, heads(config, single=True), wiring=wiring)
    return decoder(config, family, slot, _mixtral_experts(config, wiring))


def flex_olmo(config: Config) -> Architecture:
    """olmoe with norms after the sublayers."""
    return olmoe(config, "flex_olmo", POST)


def gpt_oss(config: Config) -> Architecture:
    """Attention sinks and biases throughout; a window in every other layer."""
    kind = with_bias(config, Attention(sinks=True), absent=True)
    absent = [FULL if i % 2 else SLIDING for i in range(layers(config))]
    slot = full_and_sliding(config, kind, nullable_heads(config, 64), absent, "num_hidden_layers", 128)
    activation(config)  # must be valid, but the experts have a clamped one in any case
    moe = experts(config, Experts("silu_clamped", bias=True, router_bias=True), "intermediate_size")
    return decoder(config, "gpt_oss", slot, moe)


def dbrx(config: Config) -> Architecture:
    """Sizes in attn_config and ffn_config; norms without biases."""
    if config.flag("tie_word_embeddings", absent=False):
        raise config.wrong("tie_word_embeddings", "false: dbrx cannot tie them")
    inner, H_q = config.nested("attn_config"), config.size("n_heads")
    sizes = {"H_q": H_q, "H_kv": inner.size("kv_n_heads"), "h": size_quotient(config, config.size("d_model"), H_q)}
    slot = attention(Attention(clip=has_number(inner, "clip_qkv")), sizes)
    return decoder(config, "dbrx", slot, _dbrx_experts(config.nested("ffn_config")), frame=Frame("layer_unbiased"))


def _dbrx_experts(inner: Config) -> Part:
    """The experts that ffn_config describes."""
    act = activation(inner.nested("ffn_act_fn"), "name") if inner.has("ffn_act_fn") else "silu"
    return experts(inner, Experts(act), "ffn_hidden_size", count=("moe_num_experts",), chosen=("moe_top_k",))


def grok(config: Config) -> Architecture:
    """Norms before and after each sublayer, soft-capped scores, scaled embeddings."""
    slot = attention(Attention(softcap=True), heads(config), wiring=SANDWICH)
    moe = experts(config, Experts(activation(config, absent="gelu")), "intermediate_size", wiring=SANDWICH)
    return decoder(config, "grok-1", slot, moe, frame=Frame(scaled=True, head_scaled=True), tied=True)


FAMILIES = {
    "mixtral": mixtral,
    "phimoe": phimoe,
    "minimax_m2": minimax_m2,
    "olmoe": olmoe,
    "flex_olmo": flex_olmo,
    "gpt_oss": gpt_oss,
    "dbrx": dbrx,
    "grok-1": grok,
}
