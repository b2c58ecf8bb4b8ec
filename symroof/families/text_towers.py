"""Text models of multimodal configs only: ernie4_5_vl_moe, mllama, molmo, molmo2, kosmos-2, muse_spark and others.

Sources: transformers 5.23.0, models of these names; allenai/Molmo-7B-D-0924, modeling_molmo.py.
"""

from dataclasses import replace
from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.shared import CrossLayer, Segments
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.gpt import decoder_only, equal_heads
from symroof.families.reading.layer_patterns import FULL, SLIDING, routed, several, sparse, window
from symroof.families.reading.parts import (
    POST,
    SANDWICH,
    activation,
    attention,
    choose,
    decoder,
    experts,
    feed_forward,
    heads,
    layer_types,
    layers,
)

BARE = Wiring(norm="", residual=False)
MUSE = Frame(embedding_norm="rms_plain", head_scaled=True, softcap=True)
WIDTH = "moe_intermediate_size"


def ernie4_5_vl_moe(config: Config) -> Architecture:
    """Experts for texts and others for images, of which those for texts are read, beside shared ones."""
    width = config.data.get(WIDTH)
    text = config.filled({}, **{WIDTH: width[0]}) if isinstance(width, list) and width else config
    bias = config.flag("use_bias", absent=False)
    kind = Attention(bias=bias, out_bias=bias)
    return decoder(
        config,
        "ernie4_5_vl_moe_text",
        attention(kind, heads(config)),
        shared_beside(text, "moe_num_shared_experts", correction=True, bias=bias),
        tied=True,
    )


def ocr(config: Config, family: str) -> Architecture:
    """Experts in all layers but the first. Generated tokens that a window has left behind are counted as still seen."""
    bias = config.flag("attention_bias", absent=False)
    kind = Attention(bias=bias, out_bias=bias)
    return decoder(
        config,
        family,
        attention(kind, heads(config, single=True)),
        shared_beside(config, "n_shared_experts", bias=config.flag("mlp_bias", absent=False)),
    )


def shared_beside(config: Config, count: str, correction: bool = False, bias: bool = False) -> Part | Pattern:
    """Experts beside as many shared ones as key `count` says, in all layers but the first unless the config says."""
    act = activation(config)

    def moe() -> Part:
        shared = several(config, count, WIDTH, 2)
        kind = Experts(act, correction=correction, shared=shared is not None, shared_bias=bias)
        return experts(config, kind, shared=shared)

    which = sparse(config, range(1, layers(config)), "num_hidden_layers")
    return routed(config, which, moe, lambda: feed_forward(config, FeedForward(act, bias=bias)))


def mllama(config: Config) -> Architecture:
    """Layers like llama's, and others that attend to an image."""
    count, key, act = layers(config), "cross_attention_layers", activation(config)
    cross = config.listed(key) if config.has(key) else range(3, 40, 5)
    sizes, mlp = heads(config), feed_forward(config, FeedForward(act))
    other = Part.of(CrossLayer(act), "cross_layer", BARE, **sizes, f=mlp.size("f"))
    own = [
        Pattern([None if i in cross else part for i in range(count)], key)
        for part in (attention(Attention(), sizes), mlp)
    ]
    crossing = Pattern([other if i in cross else None for i in range(count)], key)
    return decoder(config, "mllama_text_model", *own, crossing, frame=Frame(extra_rows=True), V_x=Size(8, "rule"))


def molmo2(config: Config) -> Architecture:
    """Normalised queries and keys, by heads or by all as one."""
    key, over = "qk_norm_type", {"qwen3": "head", "olmo": "width"}
    name = config.text(key, absent="qwen3")
    if name not in over:
        raise config.wrong(key, f"one of {', '.join(over)}")
    kind = Attention(bias=config.flag("attention_bias", "qkv_bias", absent=False), qk_norm="rms", qk_over=over[name])
    return after(config, "molmo2_text", kind, heads(config, absent=128), config.size("intermediate_size"))


def molmo(config: Config) -> Architecture:
    """The published config: intermediate_size counts gate and up projections together."""
    if config.text("layer_norm_type", absent="default") != "rms":
        raise config.wrong("layer_norm_type", '"rms"')
    norm = "rms" if config.flag("attention_layer_norm", absent=False) else ""
    bias, clip = config.flag("qkv_bias", absent=False), config.has("clip_qkv")
    kind = Attention(bias=bias, clip=clip, qk_norm=norm, qk_over="width")
    both = config.size("intermediate_size")
    if both % 2:
        raise config.wrong("intermediate_size", "even: two projections of one size")
    vocabulary = config.size("embedding_size" if config.has("embedding_size") else "vocab_size")
    half = Size(both // 2, "intermediate_size / 2")
    return after(config, "molmo", kind, heads(config, single=True), half, vocabulary)


def after(
    config: Config, family: str, kind: Attention, sizes: dict[str, Size], f: Size, V: Size | None = None
) -> Architecture:
    """Gated networks of width f; norms ahead of each sublayer or after it; embeddings that are none of the head's."""
    wiring = POST if config.flag("norm_after", absent=False) else None
    mlp = Part.of(FeedForward(activation(config)), "mlp", wiring, f=f)
    extra = config.size("additional_vocab_size", absent=128)
    return decoder(
        config,
        family,
        attention(kind, sizes, wiring=wiring),
        mlp,
        frame=Frame(extra_rows=True),
        V_x=extra,
        V=V or config.size("vocab_size"),
    )


def muse_glimmer(config: Config) -> Architecture:
    """Gated attention with and without windows, some of it without rotation; normalised embeddings."""
    mlp = feed_forward(config, FeedForward(activation(config, "hidden_activation")), wiring=SANDWICH)
    kind = Attention(qk_norm="rms_plain", gate="apart")
    return decoder(config, "muse_glimmer_text", unturned(config, kind, 128, SANDWICH), mlp, frame=MUSE)


def muse_spark(config: Config) -> Architecture:
    """The same with normalised heads and weighed residuals; experts work on a width of their own, between norms."""
    kind = Attention(qk_norm="rms_plain", inner_norm="rms_plain", inner_over="head", gate="apart")
    act, wiring = activation(config), Wiring(post="rms", blended="gate")
    moe = Experts(act, latent=True, latent_in="rms", each_norm="rms")
    ffn = routed(
        config,
        sparse(config, range(layers(config)), "mlp_layer_types"),
        lambda: sized(experts(config, moe, wiring=wiring), d_lat=config.size("moe_hidden_size", absent=4096)),
        lambda: feed_forward(config, FeedForward(act), wiring=wiring),
    )
    attentions = unturned(config, kind, 64, replace(wiring, post="rms_plain"))
    return decoder(config, "muse_spark_text", attentions, ffn, frame=MUSE)


def sized(part: Part, **sizes: Size) -> Part:
    """The part with more sizes."""
    return replace(part, sizes=(*part.sizes, *sizes.items()))


def unturned(config: Config, kind: Attention, h: int, wiring: Wiring) -> Pattern:
    """Windows in three of four layers and rotation in those, or as layer_rope_theta says; heads of `h` by default."""
    count, key = layers(config), "layer_rope_theta"
    usual = [FULL if (count - 1 - i) % 4 == 0 else SLIDING for i in range(count)]
    names, origin = layer_types(config, usual, "num_hidden_layers")
    turned = [bool(x) for x in config.listed(key)] if config.has(key) else [x == SLIDING for x in usual]
    bias = config.flag("attention_bias", absent=False)
    parts = {}
    for name, turn in set(zip(names, turned, strict=False)):
        mask, own = ("sliding", {"w": window(config, 2048)}) if name == SLIDING else ("causal", {})
        found = replace(kind, mask=mask, rotary="full" if turn else "", bias=bias, out_bias=bias)
        parts[name, turn] = attention(found, {**heads(config, absent=h), **own}, name, wiring)
    return choose(config, list(zip(names, turned, strict=False)), parts, origin)


def chameleon(config: Config) -> Architecture:
    """Queries and keys normalised by weights of each head; norms ahead of each sublayer or after it."""
    bias, wiring = config.flag("attention_bias", absent=False), POST if config.flag("swin_norm", absent=False) else None
    kind = Attention(bias=bias, out_bias=bias, qk_norm="layer", qk_over="heads")
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    sizes = {**heads(config.filled({}, head_dim=None))}
    return decoder(config, "chameleon", attention(kind, sizes, wiring=wiring), feed_forward(config, mlp, wiring=wiring))


def kosmos(config: Config, family: str, inner_norm: str, segments: bool) -> Architecture:
    """Norms inside networks, and in attention where `inner_norm`; sines and cosines, vectors of `segments` added."""
    decoder_only(config)
    act, f = activation(config, "activation_function", absent="gelu"), config.size("ffn_dim")
    kind = Attention(rotary="", bias=True, out_bias=True, inner_norm=inner_norm)
    mlp = Part.of(FeedForward(act, gated=False, bias=True, inner_norm="layer"), "mlp", f=f)
    frame = Frame(norm="layer", sinusoidal=True, scaled=config.flag("scale_embedding", absent=True))
    once = (Part.of(Segments(), "segments", BARE),) if segments else ()
    return decoder(config, family, attention(kind, equal_heads(config)), mlp, frame=frame, tied=True, once=once)


FAMILIES = {
    "chameleon": chameleon,
    "deepseek_ocr2_text": partial(ocr, family="deepseek_ocr2_text"),
    "ernie4_5_vl_moe_text": ernie4_5_vl_moe,
    "kosmos_2_5_text_model": partial(kosmos, family="kosmos_2_5_text_model", inner_norm="", segments=True),
    "kosmos_2_text_model": partial(kosmos, family="kosmos_2_text_model", inner_norm="layer", segments=False),
    "mllama_text_model": mllama,
    "molmo": molmo,
    "molmo2_text": molmo2,
    "muse_glimmer_text": muse_glimmer,
    "muse_spark_text": muse_spark,
    "unlimited_ocr_text": partial(ocr, family="unlimited_ocr_text"),
}
