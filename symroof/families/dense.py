"""Dense relatives of llama that differ in a few flags: other norms, ungated networks, biases, no rotary embedding.

Sources: transformers 5.23.0, models of these names; remote code of baichuan-inc/Baichuan2-7B-Base,
internlm/internlm-7b, internlm2_5-7b, OrionStarAI/Orion-14B-Base; vllm, model_executor/models/baichuan.py.
"""

from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.llama import llama
from symroof.families.reading.keys import HIDDEN, has_softcap, mlp_bias
from symroof.families.reading.layer_patterns import FULL, SLIDING, window
from symroof.families.reading.parts import (
    activation,
    attention,
    decoder,
    feed_forward,
    gated_mlp,
    heads,
    layer_types,
    layers,
    nullable_heads,
    with_bias,
)
from symroof.families.reading.rotary import with_rotary

ROTARY_WIDTH = 4096  # hidden size of Baichuan 7B; wider ones (13B) have ALiBi


def smollm3(config: Config) -> Architecture:
    """Every fourth layer has no rotary embedding, and a window if one is used."""
    cells = list(zip(_rotary_layers(config), _window_layers(config), strict=True))
    parts = {cell: _smollm3_attention(config, *cell) for cell in dict.fromkeys(cells)}
    attentions = Pattern([parts[x] for x in cells], "no_rope_layers")
    return decoder(config, "smollm3", attentions, gated_mlp(config, mlp_bias(config)), tied=True)


def _smollm3_attention(config: Config, rotates: bool, slides: bool) -> Part:
    """The attention of one type of layer."""
    kind = Attention("sliding" if slides else "causal", "full" if rotates else "")
    sizes = nullable_heads(config) | ({"w": window(config)} if slides else {})
    return attention(with_bias(config, kind), sizes, "" if rotates else "nope_attention")


def _rotary_layers(config: Config) -> list[bool]:
    """Which layers have rotary embedding: those with a 1 in no_rope_layers, else all but each interval-th."""
    key, count = "no_rope_layers", layers(config)
    if not config.has(key):
        interval = config.number("no_rope_layer_interval", absent=4)
        return [(i + 1) % interval != 0 for i in range(count)]
    rope = config.flags(key)
    if len(rope) != count:
        raise config.fail(f"key {key!r} must hold a 0 or 1 for each of the {count} layers")
    return rope


def _window_layers(config: Config) -> list[bool]:
    """Which layers have a window: by layer_types, else those without rotary embedding if a window is used."""
    used = config.flag("use_sliding_window", absent=False) and config.has("sliding_window")
    absent = [FULL if rotates or not used else SLIDING for rotates in _rotary_layers(config)]
    names, origin = layer_types(config, absent, "use_sliding_window")
    if len(names) != layers(config) or set(names) - {FULL, SLIDING}:
        raise config.fail(f"key {origin!r} must hold {FULL} or {SLIDING} for each of the {layers(config)} layers")
    return [x == SLIDING for x in names]


def internlm3(config: Config) -> Architecture:
    """Biases of queries, keys and values by qkv_bias, of all other projections by bias."""
    qkv_bias = config.flag("attention_bias", "qkv_bias", absent=False)
    bias = config.flag("mlp_bias", "bias", absent=False)
    kind = Attention(bias=qkv_bias, out_bias=bias)
    return decoder(config, "internlm3", attention(kind, nullable_heads(config, 128)), gated_mlp(config, bias))


def internlm(config: Config, family: str) -> Architecture:
    """Biases in the attention if `bias` says so, as by default."""
    bias = config.flag("bias", absent=True)
    kind = Attention(bias=bias, out_bias=bias)
    return decoder(config, family, attention(kind, heads(config, single=True)), gated_mlp(config))


def baichuan(config: Config) -> Architecture:
    """Multi-head attention, with ALiBi in the wide models."""
    alibi = config.size(*HIDDEN) != ROTARY_WIDTH
    kind = Attention(rotary="" if alibi else "full", alibi=alibi)
    return decoder(config, "baichuan", attention(kind, heads(config, single=True)), gated_mlp(config))


def orion(config: Config) -> Architecture:
    """llama with layer norms."""
    slots = attention(Attention(), heads(config, single=True)), gated_mlp(config)
    return decoder(config, "orion", *slots, frame=Frame("layer"))


def seed_oss(config: Config) -> Architecture:
    """Biases of queries, keys and values; of the output by attention_out_bias."""
    bias, out_bias = config.flag("attention_bias", absent=True), config.flag("attention_out_bias", absent=False)
    slot = attention(Attention(bias=bias, out_bias=out_bias), nullable_heads(config, 128))
    return decoder(config, "seed_oss", slot, gated_mlp(config, mlp_bias(config)))


def ernie4_5(config: Config) -> Architecture:
    """Biases everywhere or nowhere."""
    bias = config.flag("use_bias", absent=False)
    slot = attention(Attention(bias=bias, out_bias=bias), nullable_heads(config, 128))
    return decoder(config, "ernie4_5", slot, gated_mlp(config, bias), tied=True)


def helium(config: Config) -> Architecture:
    """llama with a square output projection without bias."""
    sizes, d = nullable_heads(config, 128), config.size(*HIDDEN)
    if sizes["H_q"] * sizes["h"] != d:
        raise config.fail(f"num_attention_heads={sizes['H_q']} times head_dim={sizes['h']} must be {d.origin}={d}")
    kind = Attention(bias=config.flag("attention_bias", absent=False))
    return decoder(config, "helium", attention(kind, sizes), gated_mlp(config, mlp_bias(config)))


def _ungated_decoder(config: Config, family: str, norm: str, bias: bool, rotation: float = 1.0) -> Architecture:
    """Ungated networks with squared relu; `bias` by default, `rotation` of each head rotated by default."""
    slot = attention(
        *with_rotary(config, with_bias(config, Attention(), bias), heads(config, single=True), absent=rotation)
    )
    act, biased = activation(config, absent="relu2"), config.flag("mlp_bias", absent=bias)
    mlp = feed_forward(config, FeedForward(act, gated=False, bias=biased))
    return decoder(config, family, slot, mlp, frame=Frame(norm))


def bitnet(config: Config) -> Architecture:
    """Norms before the output and down projections."""
    kind = with_bias(config, Attention(inner_norm="rms"))
    mlp = FeedForward(activation(config, absent="relu2"), inner_norm="rms")
    return decoder(config, "bitnet", attention(kind, nullable_heads(config)), feed_forward(config, mlp))


def apertus(config: Config, family: str = "apertus", frame: Frame | None = None, **sizes: Size) -> Architecture:
    """Norms of queries and keys; an ungated network with a learned activation."""
    kind = with_bias(config, Attention(qk_norm="rms"))
    mlp = FeedForward(activation(config, absent="xielu"), gated=False)
    slots = attention(kind, heads(config, single=True)), feed_forward(config, mlp)
    return decoder(config, family, *slots, frame=frame, tied=False, once=(), last=(), **sizes)


def apertus1p5(config: Config) -> Architecture:
    """apertus, whose head may have fewer rows than the embedding (output_vocab_size)."""
    family, rows, key = "apertus1p5_text", config.size("vocab_size"), "output_vocab_size"
    V = config.size(key, absent=int(rows), most=rows)
    if rows == V:
        return apertus(config, family)
    if config.flag("tie_word_embeddings", absent=False):
        raise config.wrong("tie_word_embeddings", f"false where {key} is not vocab_size")
    return apertus(config, family, Frame(extra_rows=True), V=V, V_x=Size(rows - V, f"vocab_size - {key}"))


def nanochat(config: Config) -> Architecture:
    """Norms without weights: of embeddings, sublayers, and of queries and keys after the rotation."""
    kind = with_bias(config, Attention(qk_norm="rms_plain", norm_last=True))
    softcap = has_softcap(config, "final_logit_softcapping", absent=True)
    frame = Frame("rms_plain", embedding_norm="rms_plain", softcap=softcap)
    mlp = feed_forward(config, FeedForward(activation(config, absent="relu2"), gated=False))
    return decoder(config, "nanochat", attention(kind, heads(config, single=True)), mlp, frame=frame)


FAMILIES = {
    "smollm3": smollm3,
    "iquestcoder": partial(llama, family="iquestcoder", h=128, H_kv=8),
    "internlm": partial(internlm, family="internlm"),
    "internlm2": partial(internlm, family="internlm2"),
    "internlm3": internlm3,
    "baichuan": baichuan,
    "orion": orion,
    "seed_oss": seed_oss,
    "ernie4_5": ernie4_5,
    "helium": helium,
    "arcee": partial(_ungated_decoder, family="arcee", norm="rms", bias=False),
    "jais2": partial(_ungated_decoder, family="jais2", norm="layer", bias=True),
    "nemotron": partial(_ungated_decoder, family="nemotron", norm="layer", bias=False, rotation=0.5),
    "bitnet": bitnet,
    "apertus": apertus,
    "apertus1p5_text": apertus1p5,
    "nanochat": nanochat,
}
