"""Types close to llama, each by a few flags: other norms, plain networks, biases, layers that rotate nothing.

Sources: transformers 5.23.0, models of these names; remote code of baichuan-inc/Baichuan2-7B-Base,
internlm/internlm-7b, internlm2_5-7b, OrionStarAI/Orion-14B-Base; vllm, model_executor/models/baichuan.py.
"""

from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Pattern
from symroof.config.config import Config
from symroof.families.llama import llama
from symroof.families.reading.layer_patterns import FULL, SLIDING, window
from symroof.families.reading.parts import (
    HIDDEN,
    activation,
    attention,
    capped,
    decoder,
    feed_forward,
    heads,
    layer_types,
    layers,
    rotated,
)

ROTARY_WIDTH = 4096  # Baichuan of 7B; what is wider, at 13B, has linear biases for positions


def smollm3(config: Config) -> Architecture:
    """Every fourth layer rotates nothing, and has the window where one is used."""
    bias, sizes = config.flag("attention_bias", absent=False), heads(config, single=config.says("num_key_value_heads"))
    kinds = list(zip(rotating(config), sliding(config), strict=True))
    parts = {}
    for rope, slides in dict.fromkeys(kinds):
        kind = Attention("sliding" if slides else "causal", "full" if rope else "", bias, bias)
        w = {"w": window(config)} if slides else {}
        parts[rope, slides] = attention(kind, sizes | w, "" if rope else "nope_attention")
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    return decoder(
        config, "smollm3", Pattern([parts[x] for x in kinds], "no_rope_layers"), feed_forward(config, mlp), tied=True
    )


def rotating(config: Config) -> list[bool]:
    """Which layers rotate: those with a 1 in no_rope_layers, else all but each no_rope_layer_interval-th."""
    key, count = "no_rope_layers", layers(config)
    if not config.has(key):
        interval = config.number("no_rope_layer_interval", absent=4)
        return [(i + 1) % interval != 0 for i in range(count)]
    rope = config.listed(key)
    if len(rope) != count or any(x not in (0, 1) for x in rope):
        raise config.fail(f"key {key!r} must hold a 0 or 1 for each of the {count} layers")
    return [bool(x) for x in rope]


def sliding(config: Config) -> list[bool]:
    """Which layers have a window: by layer_types, else those that rotate nothing where a window is used."""
    used = config.flag("use_sliding_window", absent=False) and config.has("sliding_window")
    absent = [FULL if rope or not used else SLIDING for rope in rotating(config)]
    names, origin = layer_types(config, absent, "use_sliding_window")
    if len(names) != layers(config) or set(names) - {FULL, SLIDING}:
        raise config.fail(f"key {origin!r} must hold {FULL} or {SLIDING} for each of the {layers(config)} layers")
    return [x == SLIDING for x in names]


def internlm3(config: Config) -> Architecture:
    """Biases by either of their names: qkv_bias ahead of the attention, bias after it and in the network."""
    ahead = config.flag("attention_bias", "qkv_bias", absent=False)
    bias = config.flag("mlp_bias", "bias", absent=False)
    sizes = heads(config, single=config.says("num_key_value_heads"), absent=128)
    return decoder(
        config,
        "internlm3",
        attention(Attention(bias=ahead, out_bias=bias), sizes),
        feed_forward(config, FeedForward(activation(config), bias=bias)),
    )


def internlm(config: Config, family: str) -> Architecture:
    """Biases in the attention where `bias` says so."""
    bias = config.flag("bias", absent=True)
    return decoder(
        config,
        family,
        attention(Attention(bias=bias, out_bias=bias), heads(config, single=True)),
        feed_forward(config, FeedForward(activation(config))),
    )


def baichuan(config: Config) -> Architecture:
    """No grouped heads; linear biases for positions in the wide models."""
    linear = config.size(*HIDDEN) != ROTARY_WIDTH
    kind = Attention(rotary="" if linear else "full", alibi=linear)
    return decoder(
        config,
        "baichuan",
        attention(kind, heads(config, single=True)),
        feed_forward(config, FeedForward(activation(config))),
    )


def orion(config: Config) -> Architecture:
    """llama with layer norms."""
    return decoder(
        config,
        "orion",
        attention(Attention(), heads(config, single=True)),
        feed_forward(config, FeedForward(activation(config))),
        frame=Frame("layer"),
    )


def seed_oss(config: Config) -> Architecture:
    """Biases ahead of the attention, and after it where asked for."""
    kind = Attention(
        bias=config.flag("attention_bias", absent=True), out_bias=config.flag("attention_out_bias", absent=False)
    )
    sizes = heads(config, single=config.says("num_key_value_heads"), absent=128)
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    return decoder(config, "seed_oss", attention(kind, sizes), feed_forward(config, mlp))


def ernie4_5(config: Config) -> Architecture:
    """Biases everywhere or nowhere."""
    bias = config.flag("use_bias", absent=False)
    sizes = heads(config, single=config.says("num_key_value_heads"), absent=128)
    return decoder(
        config,
        "ernie4_5",
        attention(Attention(bias=bias, out_bias=bias), sizes),
        feed_forward(config, FeedForward(activation(config), bias=bias)),
        tied=True,
    )


def helium(config: Config) -> Architecture:
    """llama whose output projection is square and without a bias."""
    sizes, d = heads(config, single=config.says("num_key_value_heads"), absent=128), config.size(*HIDDEN)
    if sizes["H_q"] * sizes["h"] != d:
        raise config.fail(f"num_attention_heads={sizes['H_q']} times head_dim={sizes['h']} must be {d.origin}={d}")
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    kind = Attention(bias=config.flag("attention_bias", absent=False))
    return decoder(config, "helium", attention(kind, sizes), feed_forward(config, mlp))


def plain(config: Config, family: str, norm: str, bias: bool, rotation: float = 1.0) -> Architecture:
    """A network of two matrices (squared relu); `bias`: what is where nothing is said, `rotation`: of each head."""
    sizes = heads(config, single=True)
    rotary, part = rotated(config, sizes["h"], absent=rotation)
    bias_qkvo = config.flag("attention_bias", absent=bias)
    mlp = FeedForward(activation(config, absent="relu2"), gated=False, bias=config.flag("mlp_bias", absent=bias))
    return decoder(
        config,
        family,
        attention(Attention("causal", rotary, bias_qkvo, bias_qkvo), sizes | part),
        feed_forward(config, mlp),
        frame=Frame(norm),
    )


def bitnet(config: Config) -> Architecture:
    """Norms ahead of the output and the down projections."""
    bias = config.flag("attention_bias", absent=False)
    kind = Attention(bias=bias, out_bias=bias, inner_norm="rms")
    sizes = heads(config, single=config.says("num_key_value_heads"))
    return decoder(
        config,
        "bitnet",
        attention(kind, sizes),
        feed_forward(config, FeedForward(activation(config, absent="relu2"), inner_norm="rms")),
    )


def apertus(config: Config) -> Architecture:
    """Normalised queries and keys; a plain network whose activation has weights."""
    bias = config.flag("attention_bias", absent=False)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms")
    return decoder(
        config,
        "apertus",
        attention(kind, heads(config, single=True)),
        feed_forward(config, FeedForward(activation(config, absent="xielu"), gated=False)),
    )


def nanochat(config: Config) -> Architecture:
    """Norms without weights: of embeddings, sublayers, rotated queries and keys."""
    bias = config.flag("attention_bias", absent=False)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms_plain", norm_last=True)
    frame = Frame(
        "rms_plain", embedding_norm="rms_plain", softcap=capped(config, "final_logit_softcapping", absent=True)
    )
    return decoder(
        config,
        "nanochat",
        attention(kind, heads(config, single=True)),
        feed_forward(config, FeedForward(activation(config, absent="relu2"), gated=False)),
        frame=frame,
    )


FAMILIES = {
    "smollm3": smollm3,
    "iquestcoder": partial(llama, family="iquestcoder", h=128),
    "internlm": partial(internlm, family="internlm"),
    "internlm2": partial(internlm, family="internlm2"),
    "internlm3": internlm3,
    "baichuan": baichuan,
    "orion": orion,
    "seed_oss": seed_oss,
    "ernie4_5": ernie4_5,
    "helium": helium,
    "arcee": partial(plain, family="arcee", norm="rms", bias=False),
    "jais2": partial(plain, family="jais2", norm="layer", bias=True),
    "nemotron": partial(plain, family="nemotron", norm="layer", bias=False, rotation=0.5),
    "bitnet": bitnet,
    "apertus": apertus,
    "nanochat": nanochat,
}
