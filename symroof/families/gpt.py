"""GPT-2 and its relatives: layer norms and ungated networks; learned positions or rotary embedding.

gpt2, gpt-sw3, openai-gpt, gpt_bigcode, gpt_neo, gptj, codegen, gpt_neox, gpt_neox_japanese. Source: transformers
5.23.0, models of these names.
"""

from dataclasses import replace
from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import HEADS, HIDDEN, PARTIAL_ROTARY, fraction, size_quotient
from symroof.families.reading.parts import BESIDE, activation, attention, choose, decoder, layers, with_bias

POSITIONS = ("n_positions", "max_position_embeddings")
BIASED = Attention(rotary="", bias=True, out_bias=True)
FRAME = Frame(norm="layer", positions=True)


def equal_heads(config: Config, H_kv: Size | None = None) -> dict[str, Size]:
    """Heads of hidden size / H_q; as many KV heads as query heads unless `H_kv` is given."""
    H_q = config.size(*HEADS)
    h = size_quotient(config, config.size(*HIDDEN), H_q, ": each head is an equal part of it")
    return {"H_q": H_q, "H_kv": H_kv or Size(H_q, "H_q"), "h": h}


def mlp_width(config: Config, *keys: str) -> Size:
    """The width of the feed-forward network, four times the hidden size where the key is absent."""
    d = config.size(*HIDDEN)
    return config.size(*keys) if config.has(config.spelling(*keys)) else Size(4 * d, f"4 {d.origin}")


def plain_mlp(f: Size, act: str, bias: bool = True, wiring: Wiring | None = None) -> Part:
    """A network of two matrices with an activation between them."""
    return Part.of(FeedForward(act, gated=False, bias=bias), "mlp", wiring, f=f)


def reject_cross_attention(config: Config) -> None:
    """Raises ConfigError if the model attends to an encoder."""
    if config.flag("add_cross_attention", absent=False):
        raise config.wrong("add_cross_attention", "false: attention to an encoder is not covered")


def _inner_mlp(config: Config, act: str, wiring: Wiring | None = None) -> Part:
    """A network of width n_inner with activation_function, `act` by default."""
    return plain_mlp(mlp_width(config, "n_inner"), activation(config, "activation_function", absent=act), wiring=wiring)


def gpt2(config: Config, family: str = "gpt2") -> Architecture:
    """Learned positions and biases everywhere."""
    reject_cross_attention(config)
    slots = attention(BIASED, equal_heads(config)), _inner_mlp(config, "gelu_new")
    return decoder(config, family, *slots, frame=FRAME, tied=True, N_pos=config.size(*POSITIONS, absent=1024))


def gpt_bigcode(config: Config) -> Architecture:
    """gpt2 with one KV head for all query heads (multi-query attention)."""
    reject_cross_attention(config)
    H_kv = Size(1, "multi_query") if config.flag("multi_query", absent=True) else None
    slots = attention(BIASED, equal_heads(config, H_kv)), _inner_mlp(config, "gelu_pytorch_tanh")
    return decoder(config, "gpt_bigcode", *slots, frame=FRAME, tied=True, N_pos=config.size(*POSITIONS))


def openai_gpt(config: Config) -> Architecture:
    """The first GPT: norms after the residual addition; its `gelu` is the tanh approximation."""
    act, wiring = activation(config, "afn", absent="gelu"), Wiring(norm="", post="layer")
    mlp = plain_mlp(mlp_width(config, "n_inner"), "gelu_tanh" if act == "gelu" else act, wiring=wiring)
    slots = attention(BIASED, equal_heads(config), wiring=wiring), mlp
    frame = Frame(norm="", positions=True)
    return decoder(config, "openai-gpt", *slots, frame=frame, tied=True, N_pos=config.size(*POSITIONS))


def gpt_neo(config: Config) -> Architecture:
    """Full attention and attention to a window in turn."""
    act = activation(config, "activation_function", absent="gelu_new")
    slots = _gpt_neo_attention(config), plain_mlp(mlp_width(config, "intermediate_size"), act)
    return decoder(config, "gpt_neo", *slots, frame=FRAME, tied=True, N_pos=config.size(*POSITIONS))


def _gpt_neo_attention(config: Config) -> Pattern:
    """Global and local attention per layer."""
    sizes, names = equal_heads(config), _gpt_neo_layer_types(config)
    parts = {"global": attention(Attention(rotary="", out_bias=True), sizes)}
    if "local" in names:
        w = config.size("window_size", absent=256)
        parts["local"] = attention(Attention("local", rotary="", out_bias=True), {**sizes, "w": w})
    return choose(config, names, parts, "attention_types")


def _gpt_neo_layer_types(config: Config) -> list[str]:
    """The attention of each layer: attention_layers, else attention_types, [[types, repetitions], ...]."""
    if config.has("attention_layers"):
        return config.words("attention_layers")
    runs = config.array("attention_types") or [[["global", "local"], 12]]
    if not all(isinstance(x, list) and len(x) == 2 and isinstance(x[0], list) and type(x[1]) is int for x in runs):
        raise config.wrong("attention_types", "a list of [names of layers, how often]")
    return [str(name) for names, times in runs for name in names * min(times, layers(config) + 1)]


def gptj(config: Config, family: str = "gptj") -> Architecture:
    """Attention and network in parallel after one norm; part of each head rotated."""
    sizes = equal_heads(config)
    if family == "codegen" and sizes["H_q"] % 4:
        raise config.wrong(sizes["H_q"].origin, "a multiple of 4, as the heads lie in four groups")
    whole = config.says("rotary_dim") and not config.has("rotary_dim")
    part = {} if whole else {"h_r": config.size("rotary_dim", absent=64, most=sizes["h"])}
    slot = attention(Attention(rotary="partial" if part else "full"), {**sizes, **part})
    mlp = _inner_mlp(config, "gelu_new", BESIDE)
    return decoder(config, family, slot, mlp, frame=Frame(norm="layer", head_bias=True))


def codegen(config: Config) -> Architecture:
    """gptj with queries, keys and values in one projection."""
    return gptj(config, "codegen")


def gpt_neox(config: Config) -> Architecture:
    """Two norms per layer, whether attention and network run in parallel or in sequence."""
    config.flag("use_parallel_residual", absent=True)  # changes what is added up, not the cost
    kind, sizes = _with_partial_rotary(config, with_bias(config, Attention(), absent=True), 0.25)
    mlp = plain_mlp(config.size("intermediate_size"), activation(config, absent="gelu"))
    return decoder(config, "gpt_neox", attention(kind, sizes), mlp, frame=Frame(norm="layer"))


def gpt_neox_japanese(config: Config) -> Architecture:
    """gpt_neox whose only bias is on the output of the last layer's attention."""
    kind, sizes = _with_partial_rotary(config, Attention(), 1.0)
    first, last = (attention(replace(kind, out_bias=bias), sizes) for bias in (False, True))
    pattern = Pattern([*[first] * (layers(config) - 1), last], "num_hidden_layers")
    d, times = config.size(*HIDDEN), config.number("intermediate_multiple_size", absent=4)
    f = Size(times * d, f"intermediate_multiple_size {d.origin}")
    mlp = plain_mlp(f, activation(config, absent="gelu"), bias=False)
    return decoder(config, "gpt_neox_japanese", pattern, mlp, frame=Frame(norm="layer"), tied=True)


def _with_partial_rotary(config: Config, kind: Attention, absent: float) -> tuple[Attention, dict[str, Size]]:
    """The attention and its heads, rotated by rotary_pct, which transformers 5 calls partial_rotary_factor."""
    sizes = equal_heads(config)
    where = config.nested("rope_parameters") if config.has("rope_parameters") else config
    key = where.spelling(PARTIAL_ROTARY, "rotary_pct")
    rotated = fraction(where if where.has(key) else config, key, absent)
    h_r = Size(int(sizes["h"] * rotated), f"{key} {sizes['h'].origin}")
    if h_r in (0, sizes["h"]):
        return replace(kind, rotary="full" if h_r else ""), sizes
    return replace(kind, rotary="partial"), {**sizes, "h_r": h_r}


FAMILIES = {
    "gpt2": gpt2,
    "gpt-sw3": partial(gpt2, family="gpt-sw3"),
    "gpt_bigcode": gpt_bigcode,
    "gpt_neo": gpt_neo,
    "gptj": gptj,
    "codegen": codegen,
    "gpt_neox": gpt_neox,
    "gpt_neox_japanese": gpt_neox_japanese,
    "openai-gpt": openai_gpt,
}
