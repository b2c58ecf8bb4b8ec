"""What the readers of families share: parts of layers and whole decoders, read from the usual config keys.

A reader names what is peculiar to its family; everything else is here. Where a key may be absent the config
class of the family in transformers 5.23.0 gives the value, and the reader states it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symroof.architecture.assembly import assemble
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import MAX_LAYERS, Config

if TYPE_CHECKING:
    from symroof.architecture.kinds.attention import Attention
    from symroof.architecture.kinds.experts import Experts
    from symroof.architecture.kinds.feed_forward import FeedForward

Reader = Callable[[Config], Architecture]

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

LAYERS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "layers")
HIDDEN = ("hidden_size", "n_embd", "n_embed", "d_model", "embed_dim")
HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads")
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
CHOSEN = ("num_experts_per_tok", "moe_k", "moe_topk", "num_experts_per_token")

ROPE_KEYS = ("rope_parameters", "rope_scaling")

SANDWICH = Wiring(norm="rms", post="rms")
POST = Wiring(norm="", post="rms")


def activation(config: Config, *keys: str, absent: str = "silu") -> str:
    """The activation under the name that ops.dense knows."""
    keys = keys or ("hidden_act",)
    name = config.text(*keys, absent=absent)
    if name not in ACTIVATIONS:
        raise config.wrong(config.spelling(*keys), f"one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def layers(config: Config) -> Size:
    """The number of layers."""
    return config.size(*LAYERS, most=MAX_LAYERS)


def heads(
    config: Config, head_dim: Size | None = None, single: bool = False, absent: int | None = None
) -> dict[str, Size]:
    """H_q, H_kv (of num_key_value_heads) and h (of head_dim); null or absent, as many KV heads as query heads where
    `single` says that the family does so, and h = hidden size / H_q unless `head_dim` says otherwise, or `absent`,
    the family's own where there is no such key.
    """
    if head_dim is None and absent is not None and not config.says("head_dim"):
        head_dim = config.size("head_dim", absent=absent)
    H_q = config.size(*HEADS)
    H_kv = Size(H_q, "H_q") if single and not config.has("num_key_value_heads") else config.size("num_key_value_heads")
    if head_dim is None and not config.has("head_dim"):
        d = config.size(*HIDDEN)
        if d % H_q:
            raise config.fail(f"{d.origin}={d} is no multiple of {H_q.origin}={H_q}: give head_dim")
        head_dim = Size(d // H_q, f"{d.origin} / {H_q.origin}")
    return {"H_q": H_q, "H_kv": H_kv, "h": config.size("head_dim") if head_dim is None else head_dim}


def rotated(config: Config, h: Size, layer_type: str = "", absent: float = 1.0) -> tuple[str, dict[str, Size]]:
    """How much of a head of size h is rotated: Attention.rotary, and h_r where it is a part.

    By partial_rotary_factor, which stands in rope_parameters (there perhaps one for each type of layer, null where
    such a layer rotates nothing) or beside it; `absent` is the family's own.
    """
    key, where = "partial_rotary_factor", config
    if config.has("rope_parameters"):
        rope = config.nested("rope_parameters")
        if layer_type and layer_type in rope.data:
            if rope.data[layer_type] is None:
                return "", {}
            rope = rope.nested(layer_type)
        where = rope if rope.has(key) else config
    factor = where.data[key] if where.has(key) else absent
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 < factor <= 1:
        raise where.wrong(key, "a number above 0, at most 1")
    h_r = int(h * factor)
    return ("full", {}) if h_r == h else ("partial", {"h_r": Size(h_r, key)})


def constant(config: Config, key: str, absent: float = 1) -> float:
    """A number that something is multiplied or divided by."""
    value = config.data[key] if config.has(key) else absent
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise config.wrong(key, "a number")
    return value


def capped(config: Config, key: str, absent: bool) -> bool:
    """Whether scores or logits are capped: by a number under `key`, not by null; `absent` without such a key."""
    return absent if not config.says(key) else config.has(key) and constant(config, key) > 0


def untied(config: Config) -> Config:
    """The config of a family whose head and embedding are apart, whatever tie_word_embeddings says."""
    return replace(config, data={**config.data, "tie_word_embeddings": False})


def attention(kind: "Attention", sizes: Mapping[str, Size], name: str = "", wiring: Wiring | None = None) -> Part:
    """Attention under the name of its mask."""
    names = {
        "causal": "attention",
        "sliding": "sliding_attention",
        "local": "local_attention",
        "chunked": "chunked_attention",
    }
    return Part.of(kind, name or names[kind.mask], wiring, **sizes)


def feed_forward(
    config: Config, kind: "FeedForward", *keys: str, name: str = "mlp", wiring: Wiring | None = None
) -> Part:
    """A dense network whose width is under one of `keys`."""
    return Part.of(kind, name, wiring, f=config.size(*(keys or ("intermediate_size",))))


def experts(
    config: Config,
    kind: "Experts",
    width: str = "moe_intermediate_size",
    shared: Size | None = None,
    wiring: Wiring | None = None,
    count: Sequence[str] = EXPERTS,
    chosen: Sequence[str] = CHOSEN,
) -> Part:
    """Routed experts; `shared` is the width of the shared one."""
    k = config.size(*chosen)
    sizes = {"f_e": config.size(width), "N_e": config.size(*count), "k": k, "k_hf": Size(k, "k")}
    return Part.of(kind, "moe", wiring, **sizes, **({"f_s": shared} if shared else {}))


def choose(config: Config, names: Sequence[Any], parts: Mapping[Any, Part], origin: str) -> Pattern:
    """The part of each layer by its name in a list such as layer_types."""
    for name in names:
        if name not in parts:
            raise config.fail(f"key {origin!r} holds {name!r}: known here are {', '.join(map(str, parts))}")
    count = layers(config)
    if len(names) != count:
        raise config.fail(f"key {origin!r} has {len(names)} entries for {count} layers")
    return Pattern([parts[name] for name in names], origin)


def layer_types(config: Config, absent: Sequence[str], origin: str, key: str = "layer_types") -> tuple[list[str], str]:
    """The kind of each layer as the config lists it, else `absent`, which follows from `origin`."""
    if config.has(key):
        return [str(x) for x in config.listed(key)], key
    return list(absent), origin


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
    """A decoder of `slots`; `tied` is what the family does where tie_word_embeddings is absent."""
    frame = replace(frame or Frame(), tied=config.flag("tie_word_embeddings", absent=tied))
    whole = {"d": config.size(*HIDDEN), "V": sizes["V"] if "V" in sizes else config.size("vocab_size"), **sizes}
    return assemble(family, layers(config), slots, frame, once, last, **whole)
