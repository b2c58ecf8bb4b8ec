"""mixtral and what is built like it: grouped attention and routed experts in every layer, none shared.

Sources: transformers 5.23.0, models/mixtral, phimoe, minimax_m2, olmoe, flex_olmo, gpt_oss, dbrx; xai-org/grok-1,
model.py.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Frame, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, alternating, uniform
from symroof.families.reading.parts import (
    POST,
    SANDWICH,
    activation,
    attention,
    decoder,
    experts,
    heads,
    layers,
    rotated,
)

WIDTH = "intermediate_size"


def mixtral(config: Config) -> Architecture:
    """Attention with a window where sliding_window is set."""
    sizes = heads(config, single=config.says("num_key_value_heads"))
    return decoder(
        config, "mixtral", uniform(config, Attention(), sizes), experts(config, Experts(activation(config)), WIDTH)
    )


def phimoe(config: Config) -> Architecture:
    """Layer norms with biases, and where asked for biases of attention and head."""
    bias = config.flag("attention_bias", absent=False)
    sizes = heads(config, single=config.says("num_key_value_heads"))
    frame = Frame("layer", head_bias=config.flag("lm_head_bias", absent=False))
    return decoder(
        config,
        "phimoe",
        uniform(config, Attention(bias=bias, out_bias=bias), sizes),
        experts(config, Experts(activation(config)), WIDTH),
        frame=frame,
    )


def minimax_m2(config: Config) -> Architecture:
    """Queries and keys are normalised over their whole width, and a part of each head is rotated."""
    sizes = heads(config, absent=128)
    if config.has("rotary_dim"):
        rotary, part = "partial", {"h_r": config.size("rotary_dim", most=sizes["h"])}
    else:
        rotary, part = rotated(config, sizes["h"])
    kind = Attention(rotary=rotary, qk_norm="rms", qk_over="width")
    return decoder(
        config, "minimax_m2", attention(kind, {**sizes, **part}), experts(config, Experts(activation(config)), WIDTH)
    )


def olmoe(config: Config, family: str = "olmoe", wiring: Wiring | None = None) -> Architecture:
    """Queries and keys are normalised over their whole width; flex_olmo has its norms after the sublayers."""
    bias, clip = config.flag("attention_bias", absent=False), family == "olmoe" and config.has("clip_qkv")
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms", qk_over="width", clip=clip)
    return decoder(
        config,
        family,
        attention(kind, heads(config, single=True), wiring=wiring),
        experts(config, Experts(activation(config)), WIDTH, wiring=wiring),
    )


def flex_olmo(config: Config) -> Architecture:
    """olmoe with its norms after the sublayers."""
    return olmoe(config, "flex_olmo", POST)


def gpt_oss(config: Config) -> Architecture:
    """Sinks and biases throughout; every other layer has a window."""
    bias = config.flag("attention_bias", absent=True)
    kind = Attention(bias=bias, out_bias=bias, sinks=True)
    sizes = heads(config, single=config.says("num_key_value_heads"), absent=64)

    absent = [FULL if i % 2 else SLIDING for i in range(layers(config))]
    activation(config)  # the experts' own whatever it says
    moe = experts(config, Experts("silu_clamped", bias=True, router_bias=True), WIDTH)
    return decoder(config, "gpt_oss", alternating(config, kind, sizes, absent, "num_hidden_layers", 128), moe)


def dbrx(config: Config) -> Architecture:
    """Sizes in attn_config and ffn_config; norms without biases."""
    if config.flag("tie_word_embeddings", absent=False):
        raise config.wrong("tie_word_embeddings", "false: dbrx cannot tie them")
    att, ffn = config.nested("attn_config"), config.nested("ffn_config")
    act = activation(ffn.nested("ffn_act_fn"), "name") if ffn.has("ffn_act_fn") else "silu"
    H_q, d = config.size("n_heads"), config.size("d_model")
    if d % H_q:
        raise config.fail(f"d_model={d} is no multiple of n_heads={H_q}")
    sizes = {"H_q": H_q, "H_kv": att.size("kv_n_heads"), "h": Size(d // H_q, "d_model / n_heads")}
    moe = experts(ffn, Experts(act), "ffn_hidden_size", count=("moe_num_experts",), chosen=("moe_top_k",))
    return decoder(
        config, "dbrx", attention(Attention(clip=att.has("clip_qkv")), sizes), moe, frame=Frame("layer_unbiased")
    )


def grok(config: Config) -> Architecture:
    """Norms on both sides of each sublayer, capped scores, scaled embeddings."""
    kind, moe = Attention(softcap=True), Experts(activation(config, absent="gelu"))
    return decoder(
        config,
        "grok-1",
        attention(kind, heads(config), wiring=SANDWICH),
        experts(config, moe, WIDTH, wiring=SANDWICH),
        frame=Frame(scaled=True, head_scaled=True),
        tied=True,
    )


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
