"""jamba, bamba, falcon_h1 and granitemoehybrid: attention in some layers, or beside them, state spaces in the rest.

Factors within sublayers are part of the weights beside them. Source: transformers 5.23.0, models of these names.
"""

from collections.abc import Callable, Sequence

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.recurrent import Mamba2
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.granite import frame, scaled
from symroof.families.mamba import CONV_BIAS, expanded, selective, state_heads, state_space
from symroof.families.reading.layer_patterns import FULL, routed
from symroof.families.reading.parts import (
    activation,
    attention,
    choose,
    constant,
    decoder,
    experts,
    feed_forward,
    heads,
    layers,
)

LINEAR = "linear_attention"
NAMES = {"mamba": LINEAR, "attention": FULL}  # older names of types of layers


def jamba(config: Config) -> Architecture:
    """One layer of attention and one of experts in each period, at an offset; nothing is rotated."""
    count, act = layers(config), activation(config)
    full = periodic(config, "attn_layer", 8, 4)
    names = [FULL if i in full else LINEAR for i in range(count)]
    slot = mixers(
        config,
        names,
        "attn_layer_period",
        lambda: attention(Attention(rotary=""), heads(config, single=True)),
        lambda: selective(config, expanded(config), "rms"),
    )
    many = config.number("num_experts", "num_local_experts", absent=16) > 1
    which = periodic(config, "expert_layer", 2, 1) if many else set()
    return decoder(
        config,
        "jamba",
        slot,
        routed(
            config,
            (which, "expert_layer_period"),
            lambda: experts(config, Experts(act), "intermediate_size"),
            lambda: feed_forward(config, FeedForward(act)),
        ),
    )


def bamba(config: Config) -> Architecture:
    """Attention in the layers of attn_layer_indices, half of each head rotated."""
    key, count = "attn_layer_indices", layers(config)
    full = config.listed(key)
    if any(isinstance(i, bool) or not isinstance(i, int) or not 0 <= i < count for i in full):
        raise config.wrong(key, f"a list of layers from 0 to {count - 1}")
    names = [FULL if i in full else LINEAR for i in range(count)]
    slot = mixers(config, names, key, lambda: half_rotated(config), lambda: dual(config, expanded(config)))
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    return decoder(config, "bamba", slot, feed_forward(config, mlp))


def half_rotated(config: Config) -> Part:
    """Attention that rotates the first half of each head."""
    sizes, bias = heads(config, single=True), config.flag("attention_bias", absent=False)
    return attention(
        Attention(rotary="partial", bias=bias, out_bias=bias), {**sizes, "h_r": Size(sizes["h"] // 2, "half of a head")}
    )


def falcon_h1(config: Config) -> Architecture:
    """Attention and a state space side by side in every layer."""
    bias = config.flag("attention_bias", absent=False)
    width = config.size("mamba_d_ssm") if config.has("mamba_d_ssm") else expanded(config)
    norm = "rms" if config.flag("mamba_rms_norm", absent=False) else ""
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    ends = Frame(scaled=multiplied(config, "embedding"), head_scaled=multiplied(config, "lm_head"))
    return decoder(
        config,
        "falcon_h1",
        dual(
            config,
            width,
            norm,
            config.flag("projectors_bias", absent=False),
            Wiring(scaled=multiplied(config, "ssm_out")),
        ),
        attention(
            Attention(bias=bias, out_bias=bias),
            heads(config, single=True),
            wiring=Wiring(norm="", scaled=multiplied(config, "attention_out")),
        ),
        feed_forward(config, mlp),
        frame=ends,
    )


def multiplied(config: Config, what: str) -> bool:
    """Whether something is multiplied by a constant."""
    return constant(config, f"{what}_multiplier") != 1


def granitemoehybrid(config: Config) -> Architecture:
    """A network for every token in each layer, beside experts where there are any."""
    names = config.listed("layer_types") or config.listed("layers_block_type") or [LINEAR] * layers(config)
    turns, key = config.text("position_embedding_type"), "position_embedding_type"
    if turns not in ("", "rope", "nope"):
        raise config.wrong(key, "rope, nope or null")
    bias = config.flag("attention_bias", absent=False)
    full, wiring = Attention(rotary="full" if turns == "rope" else "", bias=bias, out_bias=bias), scaled(config)
    slot = mixers(
        config,
        names,
        "layer_types",
        lambda: attention(full, heads(config, single=True), wiring=wiring),
        lambda: dual(config, expanded(config), wiring=wiring),
    )
    return decoder(config, "granitemoehybrid", slot, granite_network(config, wiring), frame=frame(config))


def granite_network(config: Config, wiring: Wiring) -> Part:
    """Experts beside a shared network, or that network alone where there are none."""
    act, shared = activation(config), "shared_intermediate_size"
    if config.number("num_local_experts", least=0):
        return experts(config, Experts(act, shared=True), "intermediate_size", config.size(shared), wiring)
    return feed_forward(config, FeedForward(act), shared, wiring=wiring)


def dual(
    config: Config, width: Size, norm: str = "rms", out_bias: bool | None = None, wiring: Wiring | None = None
) -> Part:
    """A state space of mamba_n_heads heads that make up `width`."""
    bias = config.flag("mamba_proj_bias", absent=False)
    kind = Mamba2(
        bias, bias if out_bias is None else out_bias, config.flag(*CONV_BIAS, absent=True), activation(config), norm
    )
    return state_space(config, kind, state_heads(config, "mamba_n_heads", "mamba_d_head", width), wiring=wiring)


def mixers(
    config: Config, names: Sequence[str], origin: str, full: Callable[[], Part], linear: Callable[[], Part]
) -> Pattern:
    """Attention and state spaces by layer; only what there is gets read."""
    names = [NAMES.get(str(name), str(name)) for name in names]
    parts = {name: part() for name, part in ((FULL, full), (LINEAR, linear)) if name in names}
    return choose(config, names, parts, origin)


def periodic(config: Config, what: str, period: int, offset: int) -> set[int]:
    """The layers at an offset in each period; those given are the family's own."""
    every = config.number(f"{what}_period", absent=period)
    first = config.number(f"{what}_offset", absent=offset, least=0)
    if first >= every:
        raise config.fail(f"{what}_offset={first} must be less than {what}_period={every}")
    return set(range(first, layers(config), every))


FAMILIES = {"jamba": jamba, "bamba": bamba, "falcon_h1": falcon_h1, "granitemoehybrid": granitemoehybrid}
