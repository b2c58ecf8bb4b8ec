"""Parts of layers and whole decoders, read from the usual config keys: what the readers of all families share.

A reader states what is special about its family; everything else is here. Where a key may be absent, the reader gives
the default of the family's config class in transformers 5.24.0 as `absent`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symroof.architecture.assembly import assemble
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import MAX_LAYERS, Config
from symroof.errors import shorten
from symroof.families.reading.keys import (
    CHOSEN,
    EXPERTS,
    HEADS,
    HIDDEN,
    LAYERS,
    size_quotient,
    size_unless_null,
)

if TYPE_CHECKING:
    from symroof.architecture.kinds.attention import Attention
    from symroof.architecture.kinds.experts import Experts
    from symroof.architecture.kinds.feed_forward import FeedForward

Reader = Callable[[Config], Architecture]
Sizes = Mapping[str, Size]  # by base symbol
LayerTypes = tuple[Sequence[str], str]  # the type of each layer, and the config key that says so

# Names in configs -> names in ops.dense.ACTIVATIONS.
ACTIVATIONS = {
    "silu": "silu",
    "swish": "silu",
    "situ": "situ",
    "relu": "relu",
    "relu2": "relu2",
    "xielu": "xielu",
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
}

# Block names of attention by its mask.
ATTENTION_NAMES = {
    "causal": "attention",
    "sliding": "sliding_attention",
    "local": "local_attention",
    "chunked": "chunked_attention",
}

SANDWICH = Wiring(norm="rms", post="rms")  # a norm before and after the sublayer
POST = Wiring(norm="", post="rms")  # a norm after it only
BESIDE = Wiring(norm="")  # reads the same normalised stream as the sublayer before it
BARE = Wiring(norm="", residual=False)  # no norm, and not added to the residual stream


def activation(config: Config, *keys: str, absent: str = "silu") -> str:
    """The activation function, as ops.dense names it; read from hidden_act unless `keys` are given."""
    keys = keys or ("hidden_act",)
    name = config.text(*keys, absent=absent)
    if name not in ACTIVATIONS:
        raise config.wrong(config.spelling(*keys), f"one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def layers(config: Config) -> Size:
    """The number of layers."""
    return config.size(*LAYERS, most=MAX_LAYERS)


def heads(
    config: Config,
    head_dim: Size | None = None,
    single: bool = False,
    absent: int | None = None,
    kv: int | None = None,
) -> dict[str, Size]:
    """H_q, H_kv and h of grouped-query attention.

    single: where num_key_value_heads is null there are as many KV heads as query heads, and also where it is absent,
    unless the family has a default number `kv`; otherwise the key is required.
    h is `head_dim` if given, else the key head_dim, else `absent` if given, else hidden size / H_q.
    """
    H_q = config.size(*HEADS)
    h = _head_dim(config, H_q, absent) if head_dim is None else head_dim
    return {"H_q": H_q, "H_kv": _kv_heads(config, H_q, single, kv), "h": h}


def _kv_heads(config: Config, H_q: Size, single: bool, absent: int | None) -> Size:
    """num_key_value_heads; see `heads`."""
    key = "num_key_value_heads"
    if single and not config.has(key) and (absent is None or config.says(key)):
        return Size(H_q, "H_q")
    return size_unless_null(config, key, absent)


def _head_dim(config: Config, H_q: Size, absent: int | None) -> Size:
    """The key head_dim; `absent` without it; else hidden size / H_q."""
    if config.has("head_dim") or (absent is not None and not config.says("head_dim")):
        return config.size("head_dim", absent=absent)
    return size_quotient(config, config.size(*HIDDEN), H_q, ": give head_dim")


def nullable_heads(config: Config, absent: int | None = None) -> dict[str, Size]:
    """`heads` of a family whose num_key_value_heads may be null (as many as query heads) but not absent."""
    return heads(config, single=config.says("num_key_value_heads"), absent=absent)


def sizes_by_key(config: Config, **keys: str) -> dict[str, Size]:
    """Sizes by symbol, each under its key: `sizes_by_key(config, H_i="index_n_heads")`."""
    return {symbol: config.size(key) for symbol, key in keys.items()}


def with_bias(config: Config, kind: "Attention", absent: bool = False) -> "Attention":
    """The attention, with biases on all its projections if attention_bias says so."""
    bias = config.flag("attention_bias", absent=absent)
    return replace(kind, bias=bias, out_bias=bias)


def with_sizes(part: Part, **sizes: Size) -> Part:
    """The part with these sizes added or replaced."""
    return replace(part, sizes=tuple((dict(part.sizes) | sizes).items()))


def attention(kind: "Attention", sizes: Sizes, name: str = "", wiring: Wiring | None = None) -> Part:
    """Attention; its block is named after its mask unless `name` is given."""
    return Part.of(kind, name or ATTENTION_NAMES[kind.mask], wiring, **sizes)


def feed_forward(
    config: Config, kind: "FeedForward", *keys: str, name: str = "mlp", wiring: Wiring | None = None
) -> Part:
    """A dense feed-forward network; its width is intermediate_size unless `keys` are given."""
    return Part.of(kind, name, wiring, f=config.size(*(keys or ("intermediate_size",))))


def gated_mlp(config: Config, bias: bool = False, wiring: Wiring | None = None) -> Part:
    """The usual dense network: gate, up and down projections of intermediate_size, activated by hidden_act."""
    from symroof.architecture.kinds.feed_forward import FeedForward

    return feed_forward(config, FeedForward(activation(config), bias=bias), wiring=wiring)


def experts(
    config: Config,
    kind: "Experts",
    width: str = "moe_intermediate_size",
    shared: Size | None = None,
    wiring: Wiring | None = None,
    count: Sequence[str] = EXPERTS,
    chosen: Sequence[str] = CHOSEN,
) -> Part:
    """Routed experts of the width under the key `width`; `shared` is the width of the shared expert."""
    k = config.size(*chosen)
    sizes = {"f_e": config.size(width), "N_e": config.size(*count), "k": k, "k_hf": Size(k, "k")}
    return Part.of(kind, "moe", wiring, **sizes, **({"f_s": shared} if shared else {}))


def layer_types(config: Config, absent: Sequence[str], origin: str, key: str = "layer_types") -> tuple[list[str], str]:
    """The type of each layer as listed under `key`, else `absent`, which follows from the key `origin`."""
    if config.has(key):
        return config.words(key), key
    return list(absent), origin


def choose(config: Config, names: Sequence[Any], parts: Mapping[Any, Part], origin: str) -> Pattern:
    """The part of each layer, by the layer's name in a list such as layer_types."""
    for name in names:
        if name not in parts:
            raise config.fail(
                f"key {origin!r} holds {shorten(name, 40)!r}: known here are {', '.join(map(str, parts))}"
            )
    count = layers(config)
    if len(names) != count:
        raise config.fail(f"key {origin!r} has {len(names)} entries for {count} layers")
    return Pattern([parts[name] for name in names], origin)


def decoder(
    config: Config,
    family: str,
    *slots: Part | Pattern,
    frame: Frame | None = None,
    tied: bool = False,
    once: tuple[Part, ...] = (),
    last: tuple[Part, ...] = (),
    **sizes: Size,
) -> Architecture:
    """A decoder whose layers run `slots` in this order; `tied` holds where tie_word_embeddings is absent."""
    frame = replace(frame or Frame(), tied=config.flag("tie_word_embeddings", absent=tied))
    whole = {"d": config.size(*HIDDEN), "V": sizes["V"] if "V" in sizes else config.size("vocab_size"), **sizes}
    return assemble(family, layers(config), slots, frame, once, last, **whole)
