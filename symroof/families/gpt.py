"""GPT-2 and its kin: decoders of LayerNorms and plain feed-forward networks over positions learned or rotary.

gpt2, gpt-sw3, openai-gpt, gpt_bigcode, gpt_neo, gptj, codegen, gpt_neox, gpt_neox_japanese. Source: transformers
5.23.0, models of these names.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.parts import HEADS, HIDDEN, activation, attention, choose, decoder, layers

BESIDE = Wiring(norm="")  # on what the norm ahead of the attention gave, beside it
POSITIONS = ("n_positions", "max_position_embeddings")


def equal_heads(config: Config, H_kv: Size | None = None) -> dict[str, Size]:
    """Heads that share the hidden size, each with its keys and values unless there are `H_kv` of those."""
    d, H_q = config.size(*HIDDEN), config.size(*HEADS)
    if d % H_q:
        raise config.fail(f"{d.origin}={d} is no multiple of {H_q.origin}={H_q}: each head is an equal part of it")
    return {"H_q": H_q, "H_kv": H_kv or Size(H_q, "H_q"), "h": Size(d // H_q, f"{d.origin} / {H_q.origin}")}


def width(config: Config, *keys: str) -> Size:
    """The width of the feed-forward network: four times the hidden size where the key says nothing."""
    d = config.size(*HIDDEN)
    return config.size(*keys) if config.has(config.spelling(*keys)) else Size(4 * d, f"4 {d.origin}")


def plain(f: Size, act: str, bias: bool = True, wiring: Wiring | None = None) -> Part:
    """Two matrices and an activation."""
    return Part.of(FeedForward(act, gated=False, bias=bias), "mlp", wiring, f=f)


def decoder_only(config: Config) -> None:
    """Raises ConfigError where there is attention to an encoder."""
    if config.flag("add_cross_attention", absent=False):
        raise config.wrong("add_cross_attention", "false: attention to an encoder is not covered")


def rotary_part(config: Config, h: Size, absent: float) -> tuple[str, dict[str, Size]]:
    """Attention.rotary and its sizes, by rotary_pct, in transformers 5 partial_rotary_factor of rope_parameters."""
    where = config.nested("rope_parameters") if config.has("rope_parameters") else config
    key = where.spelling("partial_rotary_factor", "rotary_pct")
    where = where if where.has(key) else config
    share = where.data[key] if where.has(key) else absent
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise where.wrong(key, "a number from 0 to 1")
    h_r = Size(int(h * share), f"{key} {h.origin}")
    return ("full", {}) if h_r == h else ("partial", {"h_r": h_r}) if h_r else ("", {})


def gpt2(config: Config, family: str = "gpt2") -> Architecture:
    """Learned positions and biases everywhere."""
    decoder_only(config)
    mlp = plain(width(config, "n_inner"), activation(config, "activation_function", absent="gelu_new"))
    return decoder(
        config,
        family,
        attention(Attention(rotary="", bias=True, out_bias=True), equal_heads(config)),
        mlp,
        frame=Frame(norm="layer", positions=True),
        tied=True,
        N_pos=config.size(*POSITIONS, absent=1024),
    )


def gpt_bigcode(config: Config) -> Architecture:
    """gpt2 whose query heads share one head of keys and values."""
    decoder_only(config)
    H_kv = Size(1, "multi_query") if config.flag("multi_query", absent=True) else None
    mlp = plain(width(config, "n_inner"), activation(config, "activation_function", absent="gelu_pytorch_tanh"))
    kind = Attention(rotary="", bias=True, out_bias=True)
    return decoder(
        config,
        "gpt_bigcode",
        attention(kind, equal_heads(config, H_kv)),
        mlp,
        frame=Frame(norm="layer", positions=True),
        tied=True,
        N_pos=config.size(*POSITIONS),
    )


def openai_gpt(config: Config) -> Architecture:
    """The first GPT: norms behind the residual; what it calls gelu is the approximation by tanh."""
    post = Wiring(norm="", post="layer")
    act = activation(config, "afn", absent="gelu")
    mlp = plain(width(config, "n_inner"), "gelu_tanh" if act == "gelu" else act, wiring=post)
    kind = Attention(rotary="", bias=True, out_bias=True)
    return decoder(
        config,
        "openai-gpt",
        attention(kind, equal_heads(config), wiring=post),
        mlp,
        frame=Frame(norm="", positions=True),
        tied=True,
        N_pos=config.size(*POSITIONS),
    )


def gpt_neo(config: Config) -> Architecture:
    """Global attention and attention of a window take turns."""
    mlp = plain(width(config, "intermediate_size"), activation(config, "activation_function", absent="gelu_new"))
    sizes, names = equal_heads(config), attention_layers(config)
    parts = {"global": attention(Attention(rotary="", out_bias=True), sizes)}
    if "local" in names:
        w = config.size("window_size", absent=256)
        parts["local"] = attention(Attention("local", rotary="", out_bias=True), {**sizes, "w": w})
    return decoder(
        config,
        "gpt_neo",
        choose(config, names, parts, "attention_types"),
        mlp,
        frame=Frame(norm="layer", positions=True),
        tied=True,
        N_pos=config.size(*POSITIONS),
    )


def attention_layers(config: Config) -> list[str]:
    """The attention of each layer: attention_layers, else attention_types, [[names, how often], ...]."""
    if config.has("attention_layers"):
        return [str(x) for x in config.listed("attention_layers")]
    runs = config.listed("attention_types") or [[["global", "local"], 12]]
    if not all(isinstance(x, list) and len(x) == 2 and isinstance(x[0], list) and type(x[1]) is int for x in runs):
        raise config.wrong("attention_types", "a list of [names of layers, how often]")
    return [str(name) for names, times in runs for name in names * min(times, layers(config) + 1)]


def gptj(config: Config, family: str = "gptj") -> Architecture:
    """Attention and feed-forward network side by side behind one norm; part of each head is rotated."""
    sizes = equal_heads(config)
    if family == "codegen" and sizes["H_q"] % 4:
        raise config.wrong(sizes["H_q"].origin, "a multiple of 4, as the heads lie in four groups")
    whole = config.says("rotary_dim") and not config.has("rotary_dim")
    part = {} if whole else {"h_r": config.size("rotary_dim", absent=64, most=sizes["h"])}
    mlp = plain(width(config, "n_inner"), activation(config, "activation_function", absent="gelu_new"), wiring=BESIDE)
    return decoder(
        config,
        family,
        attention(Attention(rotary="partial" if part else "full"), {**sizes, **part}),
        mlp,
        frame=Frame(norm="layer", head_bias=True),
    )


def codegen(config: Config) -> Architecture:
    """gptj with the projections of queries, keys and values in one."""
    return gptj(config, "codegen")


def gpt_neox(config: Config) -> Architecture:
    """Two norms a layer, side by side or one after the other."""
    config.flag("use_parallel_residual", absent=True)  # changes what is added up, not how much
    sizes = equal_heads(config)
    rotary, part = rotary_part(config, sizes["h"], 0.25)
    bias = config.flag("attention_bias", absent=True)
    kind = Attention(rotary=rotary, bias=bias, out_bias=bias)
    mlp = plain(config.size("intermediate_size"), activation(config, absent="gelu"))
    return decoder(config, "gpt_neox", attention(kind, {**sizes, **part}), mlp, frame=Frame(norm="layer"))


def gpt_neox_japanese(config: Config) -> Architecture:
    """gpt_neox without biases but one, on the output of the last layer's attention."""
    sizes, d = equal_heads(config), config.size(*HIDDEN)
    rotary, part = rotary_part(config, sizes["h"], 1.0)
    first, last = (attention(Attention(rotary=rotary, out_bias=x), {**sizes, **part}) for x in (False, True))
    times = config.number("intermediate_multiple_size", absent=4)
    mlp = plain(Size(times * d, f"intermediate_multiple_size {d.origin}"), activation(config, absent="gelu"), False)
    pattern = Pattern([*[first] * (layers(config) - 1), last], "num_hidden_layers")
    return decoder(config, "gpt_neox_japanese", pattern, mlp, frame=Frame(norm="layer"), tied=True)


FAMILIES = {
    "gpt2": gpt2,
    "gpt-sw3": lambda config: gpt2(config, "gpt-sw3"),
    "gpt_bigcode": gpt_bigcode,
    "gpt_neo": gpt_neo,
    "gptj": gptj,
    "codegen": codegen,
    "gpt_neox": gpt_neox,
    "gpt_neox_japanese": gpt_neox_japanese,
    "openai-gpt": openai_gpt,
}
