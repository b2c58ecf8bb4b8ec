"""gemma3n, gemma4: layers that reuse keys and values of earlier ones, and an extra input for each layer.

Source: transformers 5.23.0, models/gemma3n, gemma4, gemma4_unified.
"""

from collections.abc import Sequence
from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.streams import AltUp, Laurel, LayerInput, LayerInputs, Pointwise
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import has_softcap
from symroof.families.reading.layer_patterns import (
    FULL,
    SLIDING,
    full_every,
    full_or_sliding_types,
    numbers_by_layer,
    with_window,
)
from symroof.families.reading.parts import (
    BARE,
    POST,
    SANDWICH,
    LayerTypes,
    Sizes,
    activation,
    attention,
    choose,
    decoder,
    experts,
    feed_forward,
    heads,
    layers,
    with_bias,
    with_sizes,
)
from symroof.families.reading.rotary import with_rotary

BRANCH = Wiring(norm="rms", post="rms", residual=False)
SHARED = "num_kv_shared_layers"
PER_LAYER = "per_layer_config"
PER_LAYER_KEYS = {"head_dim": "h", "num_key_value_heads": "H_kv"}
SPARSITY = "activation_sparsity_pattern"


def _gemma_activation(config: Config) -> str:
    """The activation function of networks and layer inputs."""
    return activation(config, "hidden_activation", absent="gelu_pytorch_tanh")


def _attention_types(config: Config, step: int) -> tuple[list[str], str]:
    """Full or sliding attention per layer; by default full in every `step`-th."""
    return full_or_sliding_types(config, full_every(layers(config), step), "num_hidden_layers")


def _borrowing_layers(config: Config, names: Sequence[str], absent: int) -> range:
    """The last layers, which reuse keys and values of the last earlier layer of their type that computes them."""
    count = len(names)
    first = count - config.number(SHARED, absent=absent, least=0, most=count - 1)
    if set(names[first:]) - set(names[:first]):
        raise config.fail(f"key {SHARED!r}: none of the first {first} layers has keys for a type that borrows them")
    return range(first, count)


def _borrowing_attention(
    config: Config,
    full: Attention,
    types: LayerTypes,
    sizes: Sequence[Sizes],
    borrowing: range,
    default_window: int,
    full_rotation: float = 1.0,
) -> Pattern:
    """The attention of each layer, by its type and heads; layers in `borrowing` reuse keys and values.

    full_rotation: the fraction of a head that is rotated in full attention by default.
    """
    names, origin = types
    full = replace(with_bias(config, full), qk_norm="rms", value_norm="rms_plain")
    keys = [(name, i in borrowing, tuple(sizes[i].values())) for i, name in enumerate(names)]
    parts = {}
    for key, head_sizes in dict(zip(keys, sizes, strict=True)).items():
        name, borrows, _ = key
        kind, rotated = with_rotary(config, full, head_sizes, name, full_rotation if name == FULL else 1.0)
        if name == SLIDING:
            kind, rotated = with_window(config, replace(kind, keys="projected"), rotated, default_window)
        parts[key] = _borrower(kind, rotated, name) if borrows else attention(kind, rotated, name, SANDWICH)
    return choose(config, keys, parts, origin)


def _borrower(kind: Attention, sizes: Sizes, name: str) -> Part:
    """Attention to keys and values of an earlier layer."""
    return attention(replace(kind, keys="borrowed"), sizes, f"{name.removesuffix('_attention')}_borrowed", SANDWICH)


def gemma4(config: Config, family: str = "gemma4_text", default_window: int = 512, d_p: int = 256) -> Architecture:
    """Wider heads in full attention, whose keys may serve as values; experts beside a dense network.

    d_p: the default width of layer inputs, 0 for none.
    """
    if config.has("use_bidirectional_attention") and config.text("use_bidirectional_attention") != "vision":
        raise config.wrong("use_bidirectional_attention", '"vision" or null: a decoder sees only what is before')
    names, origin = _attention_types(config, 6)
    types = [*names[:-1], FULL], origin
    inputs = bool(d_p and config.number("hidden_size_per_layer_input", absent=d_p, least=0))
    frame = Frame(scaled=True, softcap=has_softcap(config, "final_logit_softcapping", absent=False))
    once = (_layer_inputs(config),) if inputs else ()
    slots = _gemma4_slots(config, types, default_window, inputs)
    return decoder(config, family, *slots, frame=frame, tied=True, once=once)


def _gemma4_slots(config: Config, types: LayerTypes, default_window: int, inputs: bool) -> list[Pattern]:
    """Attention, networks, the layer's input if `inputs`, and a scale."""
    borrowing = _borrowing_layers(config, types[0], 0)
    kind = Attention(keys="values" if config.flag("attention_k_eq_v", absent=False) else "projected")
    sizes = _heads_by_layer(config, types[0])
    patterns = [_borrowing_attention(config, kind, types, sizes, borrowing, default_window, 0.25)]
    patterns += [_usual_or_wide(config, borrowing, *parts) for parts in _gemma4_networks(config)]
    others = [_layer_input(config, POST)] if inputs else []
    patterns += [_usual_or_wide(config, borrowing, x, x) for x in (*others, Part.of(Pointwise("scale"), "scale", BARE))]
    return [_only_for_logits(pattern, borrowing) for pattern in patterns]


def _usual_or_wide(config: Config, borrowing: range, usual: Part, wide: Part) -> Pattern:
    """The part of most layers, and that of layers that reuse keys."""
    return Pattern([wide if i in borrowing else usual for i in range(layers(config))], SHARED)


def _only_for_logits(pattern: Pattern, borrowing: range) -> Pattern:
    """The parts, of which those in `borrowing` run only at positions whose logits are needed."""
    parts = [part and replace(part, logits_only=i in borrowing) for i, part in enumerate(pattern.parts)]
    return replace(pattern, parts=parts)


def _heads_by_layer(config: Config, names: Sequence[str]) -> list[Sizes]:
    """The heads of each layer; those of full attention have a different size, and may have a different number."""
    usual = heads(config, absent=256)
    if config.has(PER_LAYER):
        return [{**usual, **_heads_of_layer(config, i)} for i in range(len(names))]
    wide = {"h": config.size("global_head_dim", absent=512)}
    key = "num_global_key_value_heads"
    if config.flag("attention_k_eq_v", absent=False) and config.has(key):
        wide["H_kv"] = config.size(key)
    return [{**usual, **wide} if name == FULL else usual for name in names]


def _heads_of_layer(config: Config, layer: int) -> Sizes:
    """The sizes of a layer's heads in per_layer_config."""
    per_layer = config.nested(PER_LAYER)
    keys = [key for key in per_layer.data if key.isdecimal() and int(key) == layer]
    if not keys:
        return {}
    sizes = per_layer.nested(keys[0])
    for key in sizes.data.keys() - PER_LAYER_KEYS.keys():
        raise sizes.fail(f"key {key!r}: known here are {', '.join(PER_LAYER_KEYS)}")
    return {PER_LAYER_KEYS[key]: sizes.size(key) for key in sizes.data}


def _gemma4_networks(config: Config) -> list[tuple[Part, Part]]:
    """The parts after attention: in most layers, and in layers that reuse keys."""
    moe = config.flag("enable_moe_block", absent=False)
    mlp = FeedForward(_gemma_activation(config))
    dense = wide = feed_forward(config, mlp, wiring=BRANCH if moe else SANDWICH)
    if config.flag("use_double_wide_mlp", absent=False):
        wide = with_sizes(dense, f=Size(2 * dense.size("f"), "2 x intermediate_size"))
    return [(dense, wide), *((x, x) for x in (_gemma4_experts(config) if moe else ()))]


def _gemma4_experts(config: Config) -> tuple[Part, Part]:
    """The experts beside the dense network, and the sum of both."""
    kind = Experts(_gemma_activation(config), router_norm="rms", expert_scale=True)
    moe = experts(config, kind, wiring=BRANCH, chosen=("top_k_experts",))
    return moe, Part.of(Pointwise("add"), "sum", POST)


def _layer_inputs(config: Config) -> Part:
    """The inputs of all layers, computed before the first one."""
    rows = config.size("vocab_size_per_layer_input", absent=262144)
    return Part.of(LayerInputs(), "layer_inputs", BARE, d_p=_layer_input_width(config), V_p=rows)


def _layer_input(config: Config, wiring: Wiring) -> Part:
    """The input of one layer."""
    return Part.of(LayerInput(_gemma_activation(config)), "layer_input", wiring, d_p=_layer_input_width(config))


def _layer_input_width(config: Config) -> Size:
    """The width of one layer's input."""
    return config.size("hidden_size_per_layer_input", absent=256)


def gemma4_unified(config: Config) -> Architecture:
    """gemma4 without layer inputs."""
    return gemma4(config, "gemma4_unified_text", default_window=1024, d_p=0)


def gemma3n(config: Config) -> Architecture:
    """Several residual streams, one of which a layer works on; low-rank residuals beside the usual ones."""
    slots = (
        _altup(config, "predict"),
        _gemma3n_attention(config),
        Part.of(Laurel(), "laurel", BARE, r_l=config.size("laurel_rank", absent=64)),
        _gemma3n_networks(config),
        _altup(config, "correct"),
        _layer_input(config, Wiring(norm="", post="rms", residual=False)),
        _altup(config, "spread"),
    )
    frame = Frame(scaled=True, softcap=has_softcap(config, "final_logit_softcapping", absent=True))
    once, last = (_layer_inputs(config), _altup(config, "expand")), (_altup(config, "merge"),)
    return decoder(config, "gemma3n_text", *slots, frame=frame, tied=True, once=once, last=last)


def _altup(config: Config, stage: str) -> Part:
    """A stage of AltUp (alternating updates) on the residual streams."""
    kind = AltUp(stage, config.flag("altup_correct_scale", absent=True))
    return Part.of(kind, f"altup_{stage}", BARE, A=config.size("altup_num_inputs", absent=4))


def _gemma3n_attention(config: Config) -> Pattern:
    """Sliding-window attention, but full attention in every fifth layer; the last 15 layers reuse keys by default."""
    names, origin = _attention_types(config, 5)
    sizes = [heads(config, absent=256)] * len(names)
    return _borrowing_attention(config, Attention(), (names, origin), sizes, _borrowing_layers(config, names, 15), 512)


def _gemma3n_networks(config: Config) -> Pattern:
    """Dense networks of per-layer widths; some keep only the largest of their gates."""
    widths = numbers_by_layer(config, "intermediate_size", [16384] * layers(config), least=1)
    kinds = [FeedForward(_gemma_activation(config), sparse=x > 0) for x in _gate_sparsity(config)]
    parts = [Part.of(kind, "mlp", SANDWICH, f=f) for kind, f in zip(kinds, widths, strict=True)]
    return Pattern(parts, SPARSITY)


def _gate_sparsity(config: Config) -> list[float]:
    """The fraction of gates that is cut off per layer: by default 0.95 in the first ten layers of a deeper model."""
    count = layers(config)
    if not config.has(SPARSITY):
        return [0.95] * 10 + [0.0] * (count - 10) if count > 10 else [0.0] * count
    value = config.data[SPARSITY]
    values = value if isinstance(value, list) else [value] * count
    if len(values) != count or any(
        isinstance(x, bool) or not isinstance(x, int | float) or not 0 <= x < 1 for x in values
    ):
        raise config.fail(f"key {SPARSITY!r} must hold a number from 0 to below 1 for each of the {count} layers")
    return values


FAMILIES = {"gemma3n_text": gemma3n, "gemma4_text": gemma4, "gemma4_unified_text": gemma4_unified}
