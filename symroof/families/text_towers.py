"""Text models that occur only in multimodal configs: ernie4_5_vl_moe, mllama, molmo, kosmos-2, muse_spark and others.

Sources: transformers 5.23.0, models of these names; allenai/Molmo-7B-D-0924, modeling_molmo.py.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.shared import CrossLayer, Segments
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import MAX_LAYERS, Config
from symroof.families.gpt import equal_heads, reject_cross_attention
from symroof.families.reading.keys import HEADS, HIDDEN, has_number, mlp_bias, size_quotient, with_untied_head
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_or_sliding_types, with_window
from symroof.families.reading.moe_layers import WIDTH, moe_or_dense, moe_with_shared, sparse_layers
from symroof.families.reading.parts import (
    BARE,
    POST,
    SANDWICH,
    Sizes,
    activation,
    attention,
    choose,
    decoder,
    experts,
    feed_forward,
    gated_mlp,
    heads,
    layers,
    with_bias,
    with_sizes,
)

MUSE_FRAME = Frame(embedding_norm="rms_plain", head_scaled=True, softcap=True)
MOLMO2_NORMS = {"qwen3": "head", "olmo": "width"}  # Attention.qk_over by qk_norm_type


def ernie4_5_vl_moe(config: Config) -> Architecture:
    """Experts for text and others for images; those for text are counted, beside shared ones."""
    listed = isinstance(config.data.get(WIDTH), list)
    widths = config.whole_numbers(WIDTH, least=1) if listed else []
    text = config.with_defaults({}, **{WIDTH: widths[0]}) if widths else config
    bias = config.flag("use_bias", absent=False)
    kind, moe = Attention(bias=bias, out_bias=bias), Experts(activation(config), correction=True, shared_bias=bias)
    ffn = _tower_moe(text, moe, "moe_num_shared_experts")
    return decoder(config, "ernie4_5_vl_moe_text", attention(kind, heads(config)), ffn, tied=True)


def ocr(config: Config, family: str, H_kv: int) -> Architecture:
    """Experts in all layers but the first. Generated tokens outside the window are counted as if attended to.

    H_kv: the default number of KV heads.
    """
    slot = attention(with_bias(config, Attention()), heads(config, single=True, kv=H_kv))
    moe = Experts(activation(config), shared_bias=mlp_bias(config))
    return decoder(config, family, slot, _tower_moe(config, moe, "n_shared_experts"))


def _tower_moe(config: Config, kind: Experts, key: str) -> Part | Pattern:
    """Experts beside as many shared ones as `key` says, by default two, in all layers but the first."""
    moe_layers = sparse_layers(config, range(1, layers(config)), "num_hidden_layers")
    return moe_with_shared(config, moe_layers, kind, key, 2, kind.shared_bias)


def mllama(config: Config) -> Architecture:
    """llama's layers, and others that attend to an image; head and embedding never share a table."""
    config = with_untied_head(config)
    count, key = layers(config), "cross_attention_layers"
    cross = config.whole_numbers(key, most=MAX_LAYERS) if config.has(key) else range(3, 40, 5)
    sizes, mlp = heads(config), gated_mlp(config)
    text = [_in_layers(count, part, key, lambda i: i not in cross) for part in (attention(Attention(), sizes), mlp)]
    crossing = Part.of(CrossLayer(activation(config)), "cross_layer", BARE, **sizes, f=mlp.size("f"))
    slots = *text, _in_layers(count, crossing, key, lambda i: i in cross)
    return decoder(config, "mllama_text_model", *slots, frame=Frame(extra_rows=True), V_x=Size(8, "rule"))


def _in_layers(count: Size, part: Part, origin: str, chosen: Callable[[int], bool]) -> Pattern:
    """The part in the layers that are `chosen`, nothing in the others."""
    return Pattern([part if chosen(i) else None for i in range(count)], origin)


def molmo2(config: Config) -> Architecture:
    """Norms of queries and keys, per head or over all heads."""
    key = "qk_norm_type"
    name = config.text(key, absent="qwen3")
    if name not in MOLMO2_NORMS:
        raise config.wrong(key, f"one of {', '.join(MOLMO2_NORMS)}")
    bias = config.flag("attention_bias", "qkv_bias", absent=False)
    kind = Attention(bias=bias, qk_norm="rms", qk_over=MOLMO2_NORMS[name])
    return _molmo_decoder(config, "molmo2_text", kind, heads(config, absent=128), config.size("intermediate_size"))


def molmo(config: Config) -> Architecture:
    """The published config: intermediate_size is the sum of gate and up projection."""
    if config.text("layer_norm_type", absent="default") != "rms":
        raise config.wrong("layer_norm_type", '"rms"')
    norm = "rms" if config.flag("attention_layer_norm", absent=False) else ""
    bias, clip = config.flag("qkv_bias", absent=False), has_number(config, "clip_qkv")
    kind = Attention(bias=bias, clip=clip, qk_norm=norm, qk_over="width")
    V = config.size("embedding_size" if config.has("embedding_size") else "vocab_size")
    return _molmo_decoder(config, "molmo", kind, heads(config, single=True), _half_width(config), V)


def _half_width(config: Config) -> Size:
    """Half of intermediate_size."""
    both = config.size("intermediate_size")
    if both % 2:
        raise config.wrong("intermediate_size", "even: two projections of one size")
    return Size(both // 2, "intermediate_size / 2")


def _molmo_decoder(
    config: Config, family: str, kind: Attention, sizes: dict[str, Size], f: Size, V: Size | None = None
) -> Architecture:
    """Norms before or after sublayers; the embedding has additional rows that the head does not have."""
    wiring = POST if config.flag("norm_after", absent=False) else None
    slots = attention(kind, sizes, wiring=wiring), Part.of(FeedForward(activation(config)), "mlp", wiring, f=f)
    V_x, V = config.size("additional_vocab_size", absent=128), V or config.size("vocab_size")
    return decoder(config, family, *slots, frame=Frame(extra_rows=True), V_x=V_x, V=V)


def muse_glimmer(config: Config) -> Architecture:
    """Gated attention with and without windows and rotary embedding; normalised embeddings."""
    mlp = feed_forward(config, FeedForward(activation(config, "hidden_activation")), wiring=SANDWICH)
    slot = _muse_attention(config, Attention(qk_norm="rms_plain", gate="separate"), 128, SANDWICH)
    return decoder(config, "muse_glimmer_text", slot, mlp, frame=MUSE_FRAME)


def muse_spark(config: Config) -> Architecture:
    """muse_glimmer with normalised head outputs, weighted residuals and experts."""
    kind = Attention(qk_norm="rms_plain", inner_norm="rms_plain", inner_over="head", gate="separate")
    slot = _muse_attention(config, kind, 64, Wiring(post="rms_plain", blended="gate"))
    return decoder(config, "muse_spark_text", slot, _muse_spark_network(config), frame=MUSE_FRAME)


def _muse_spark_network(config: Config) -> Part | Pattern:
    """Experts that work on moe_hidden_size elements, between norms; or a dense network."""
    wiring = Wiring(post="rms", blended="gate")
    kind = Experts(activation(config), correction=True, latent=True, latent_in="rms", each_norm="rms")
    return moe_or_dense(
        config,
        sparse_layers(config, range(layers(config)), "mlp_layer_types"),
        lambda: with_sizes(experts(config, kind, wiring=wiring), d_lat=config.size("moe_hidden_size", absent=4096)),
        lambda: gated_mlp(config, wiring=wiring),
    )


def _muse_attention(config: Config, kind: Attention, h: int, wiring: Wiring) -> Pattern:
    """Windows in three of four layers, which have rotary embedding unless layer_rope_theta says otherwise."""
    count, key = layers(config), "layer_rope_theta"
    absent = [FULL if (count - 1 - i) % 4 == 0 else SLIDING for i in range(count)]
    names, origin = full_or_sliding_types(config, absent, "num_hidden_layers")
    rotates = [bool(x) for x in config.reals(key, least=0)] if config.has(key) else [x == SLIDING for x in absent]
    cells = list(zip(names, rotates, strict=False))
    kind, sizes = with_bias(config, kind), heads(config, absent=h)
    parts = {cell: _muse_attention_of_type(config, kind, sizes, wiring, *cell) for cell in set(cells)}
    return choose(config, cells, parts, origin)


def _muse_attention_of_type(
    config: Config, kind: Attention, sizes: Sizes, wiring: Wiring, name: str, rotates: bool
) -> Part:
    """The attention of one type of layer."""
    kind = replace(kind, rotary="full" if rotates else "")
    if name == SLIDING:
        kind, sizes = with_window(config, kind, sizes, 2048)
    return attention(kind, sizes, name, wiring)


def chameleon(config: Config) -> Architecture:
    """Norms of queries and keys with per-head weights; norms before sublayers, or after them with swin_norm."""
    wiring = POST if config.flag("swin_norm", absent=False) else None
    kind = with_bias(config, Attention(qk_norm="layer", qk_over="heads"))
    h = size_quotient(config, config.size(*HIDDEN), config.size(*HEADS))
    slot = attention(kind, heads(config, h), wiring=wiring)
    return decoder(config, "chameleon", slot, gated_mlp(config, mlp_bias(config), wiring))


def kosmos(config: Config, family: str, inner_norm: str, segments: bool) -> Architecture:
    """Sinusoidal positions; norms within networks, by `inner_norm` in attention; with or without segment vectors."""
    reject_cross_attention(config)
    act, f = activation(config, "activation_function", absent="gelu"), config.size("ffn_dim")
    slot = attention(Attention(rotary="", bias=True, out_bias=True, inner_norm=inner_norm), equal_heads(config))
    mlp = Part.of(FeedForward(act, gated=False, bias=True, inner_norm="layer"), "mlp", f=f)
    frame = Frame(norm="layer", sinusoidal=True, scaled=config.flag("scale_embedding", absent=True))
    once = (Part.of(Segments(), "segments", BARE),) if segments else ()
    return decoder(config, family, slot, mlp, frame=frame, tied=True, once=once)


FAMILIES = {
    "chameleon": chameleon,
    "deepseek_ocr2_text": partial(ocr, family="deepseek_ocr2_text", H_kv=32),
    "ernie4_5_vl_moe_text": ernie4_5_vl_moe,
    "kosmos_2_5_text_model": partial(kosmos, family="kosmos_2_5_text_model", inner_norm="", segments=True),
    "kosmos_2_text_model": partial(kosmos, family="kosmos_2_text_model", inner_norm="layer", segments=False),
    "mllama_text_model": mllama,
    "molmo": molmo,
    "molmo2_text": molmo2,
    "muse_glimmer_text": muse_glimmer,
    "muse_spark_text": muse_spark,
    "unlimited_ocr_text": partial(ocr, family="unlimited_ocr_text", H_kv=10),
}
