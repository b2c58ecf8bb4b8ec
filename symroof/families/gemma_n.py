"""gemma3n, gemma4: layers that borrow keys and values of earlier ones, and inputs of each layer's own.

Source: transformers 5.23.0, models/gemma3n, gemma4, gemma4_unified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.streams import AltUp, Laurel, LayerInput, LayerInputs, Pointwise
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, every, numbers, turned, window
from symroof.families.reading.parts import (
    SANDWICH,
    activation,
    attention,
    capped,
    choose,
    decoder,
    experts,
    feed_forward,
    heads,
    layer_types,
    layers,
)

BARE = Wiring(norm="", residual=False)
BRANCH = Wiring(norm="rms", post="rms", residual=False)
POST = Wiring(norm="", post="rms")
SHARED = "num_kv_shared_layers"
PER_LAYER = "per_layer_config"
Sizes = Mapping[str, Size]


def act(config: Config) -> str:
    """The activation."""
    return activation(config, "hidden_activation", absent="gelu_pytorch_tanh")


def types(config: Config, step: int) -> tuple[list[str], str]:
    """Full or sliding attention of each layer; where nothing is said, full in each `step`-th."""
    names, origin = layer_types(config, every(layers(config), step), "num_hidden_layers")
    for name in set(names) - {FULL, SLIDING}:
        raise config.fail(f"key {origin!r} holds {name!r}: known here are {FULL}, {SLIDING}")
    return names, origin


def borrowing(config: Config, names: Sequence[str], absent: int) -> range:
    """The layers that borrow keys and values of the last one of their type that has its own."""
    count = len(names)
    own = count - config.number(SHARED, absent=absent, least=0, most=count - 1)
    if set(names[own:]) - set(names[:own]):
        raise config.fail(f"key {SHARED!r}: none of the first {own} layers has keys for a type that borrows them")
    return range(own, count)


def attentions(
    config: Config,
    full: Attention,
    types: tuple[Sequence[str], str],
    sizes: Sequence[Sizes],
    borrow: range,
    own: int,
    turn: float = 1.0,
    kept: bool = False,
) -> Pattern:
    """The attention of each layer; `own` is the family's window, `turn` the part of a head rotated where all is seen.

    `kept`: layers that borrow keys run where later ones need them.
    """
    names, origin = types
    bias = config.flag("attention_bias", absent=False)
    full = replace(full, bias=bias, out_bias=bias, qk_norm="rms", value_norm="rms_plain")
    keys = [(name, i in borrow, tuple(sizes[i].values())) for i, name in enumerate(names)]
    parts = {}
    for key, its in dict(zip(keys, sizes, strict=True)).items():
        name, borrowed, _ = key
        kind, its = turned(config, full, its, name, turn if name == FULL else 1.0)
        if name == SLIDING:
            kind, its = replace(kind, mask="sliding", keys="own"), {**its, "w": window(config, own)}
        if borrowed:
            kind, name = replace(kind, keys="borrowed"), f"{name.removesuffix('_attention')}_borrowed"
        parts[key] = replace(attention(kind, its, name, SANDWICH), kept=borrowed and kept)
    return choose(config, keys, parts, origin)


def wide_heads(config: Config, names: Sequence[str]) -> list[Sizes]:
    """The heads of each layer: where all is seen they have a size, and may have a number, of their own."""
    usual = heads(config, absent=256)
    if config.has(PER_LAYER):
        return [{**usual, **own_heads(config, i)} for i in range(len(names))]
    wide = {"h": config.size("global_head_dim", absent=512)}
    key = "num_global_key_value_heads"
    if config.flag("attention_k_eq_v", absent=False) and config.has(key):
        wide["H_kv"] = config.size(key)
    return [{**usual, **wide} if name == FULL else usual for name in names]


def own_heads(config: Config, layer: int) -> Sizes:
    """What per_layer_config says of a layer's heads."""
    found = [key for key in config.nested(PER_LAYER).data if key.isdecimal() and int(key) == layer]
    if not found:
        return {}
    told, known = config.nested(PER_LAYER).nested(found[0]), {"head_dim": "h", "num_key_value_heads": "H_kv"}
    for key in told.data.keys() - known.keys():
        raise told.fail(f"key {key!r}: known here are {', '.join(known)}")
    return {known[key]: told.size(key) for key in told.data}


def marked(part: Part, borrow: range, count: Size, other: Part | None = None) -> Part | Pattern:
    """The part, or the `other`, as it is in layers that borrow keys."""
    if not borrow:
        return part
    kept = replace(other or part, kept=True)
    return Pattern([kept if i in borrow else part for i in range(count)], SHARED)


def gemma4(config: Config, family: str = "gemma4_text", own: int = 512, width: int = 256) -> Architecture:
    """Wide heads where all is seen, whose keys may be their values; experts beside a dense network."""
    if config.has("use_bidirectional_attention") and config.text("use_bidirectional_attention") != "vision":
        raise config.wrong("use_bidirectional_attention", '"vision" or null: a decoder sees only what is before')
    count, (names, origin) = layers(config), types(config, 6)
    names, borrow = [*names[:-1], FULL], borrowing(config, [*names[:-1], FULL], 0)
    kind = Attention(keys="values" if config.flag("attention_k_eq_v", absent=False) else "own")
    wide = wide_heads(config, names)
    slots: list[Part | Pattern] = [attentions(config, kind, (names, origin), wide, borrow, own, 0.25, kept=True)]
    slots += [marked(part, borrow, count, other) for part, other in feed_forwards(config)]
    inputs = width and config.number("hidden_size_per_layer_input", absent=width, least=0)
    if inputs:
        slots.append(marked(layer_input(config, POST), borrow, count))
    scale = marked(Part.of(Pointwise("scale"), "scale", BARE), borrow, count)
    frame = Frame(scaled=True, softcap=capped(config, "final_logit_softcapping", absent=False))
    once = (layer_inputs(config),) if inputs else ()
    return decoder(config, family, *slots, scale, frame=frame, tied=True, once=once)


def feed_forwards(config: Config) -> list[tuple[Part, Part | None]]:
    """The parts of a layer after attention, each with its other form in layers that borrow keys."""
    mlp, moe = FeedForward(act(config)), config.flag("enable_moe_block", absent=False)
    dense = feed_forward(config, mlp, wiring=BRANCH if moe else SANDWICH)
    wide = None
    if config.flag("use_double_wide_mlp", absent=False):
        wide = replace(dense, sizes=(("f", Size(2 * dense.size("f"), "2 x intermediate_size")),))
    if not moe:
        return [(dense, wide)]
    kind = Experts(act(config), router_norm="rms", expert_scale=True)
    routed = experts(config, kind, wiring=BRANCH, chosen=("top_k_experts",))
    return [(dense, wide), (routed, None), (Part.of(Pointwise("add"), "sum", POST), None)]


def layer_inputs(config: Config) -> Part:
    """The inputs of all layers, ahead of them."""
    rows = config.size("vocab_size_per_layer_input", absent=262144)
    return Part.of(LayerInputs(), "layer_inputs", BARE, d_p=layer_width(config), V_p=rows)


def layer_input(config: Config, wiring: Wiring) -> Part:
    """The input of one layer."""
    return Part.of(LayerInput(act(config)), "layer_input", wiring, d_p=layer_width(config))


def layer_width(config: Config) -> Size:
    """The width of a layer's own input."""
    return config.size("hidden_size_per_layer_input", absent=256)


def gemma4_unified(config: Config) -> Architecture:
    """gemma4 without inputs of each layer's own."""
    return gemma4(config, "gemma4_unified_text", own=1024, width=0)


def gemma3n(config: Config) -> Architecture:
    """Several residual streams, of which a layer works on one; low-rank residuals beside the plain ones."""
    names, origin = types(config, 5)
    sizes, borrow = [heads(config, absent=256)] * len(names), borrowing(config, names, 15)
    streams = config.size("altup_num_inputs", absent=4)
    scaled = config.flag("altup_correct_scale", absent=True)

    def altup(stage: str) -> Part:
        return Part.of(AltUp(stage, scaled), f"altup_{stage}", BARE, A=streams)

    laurel = Part.of(Laurel(), "laurel", BARE, r_l=config.size("laurel_rank", absent=64))
    own_input = layer_input(config, Wiring(norm="", post="rms", residual=False))
    return decoder(
        config,
        "gemma3n_text",
        altup("predict"),
        attentions(config, Attention(), (names, origin), sizes, borrow, 512),
        laurel,
        mlps(config),
        altup("correct"),
        own_input,
        altup("spread"),
        frame=Frame(scaled=True, softcap=capped(config, "final_logit_softcapping", absent=True)),
        tied=True,
        once=(layer_inputs(config), altup("expand")),
        last=(altup("merge"),),
    )


def mlps(config: Config) -> Pattern:
    """The dense network of each layer, of its own width; the first ten of more cut off all but a few of their gates."""
    count, key = layers(config), "activation_sparsity_pattern"
    widths = numbers(config, "intermediate_size", [16384] * count, least=1)
    cut = config.listed(key) if isinstance(config.data.get(key), list) else [config.data.get(key)] * count
    if not config.has(key):
        cut = [0.95] * 10 + [0.0] * (count - 10) if count > 10 else [0.0] * count
    if len(cut) != count or any(isinstance(x, bool) or not isinstance(x, int | float) or not 0 <= x < 1 for x in cut):
        raise config.fail(f"key {key!r} must hold a number from 0 to below 1 for each of the {count} layers")
    parts = [
        Part.of(FeedForward(act(config), sparse=x > 0), "mlp", SANDWICH, f=f) for x, f in zip(cut, widths, strict=True)
    ]
    return Pattern(parts, key)


FAMILIES = {"gemma3n_text": gemma3n, "gemma4_text": gemma4, "gemma4_unified_text": gemma4_unified}
