"""jamba, bamba, falcon_h1 and granitemoehybrid: state spaces (Mamba), and attention in some layers or beside them.

Multipliers within sublayers are part of the weights next to them. Source: transformers 5.23.0, models of these names.
"""

from collections.abc import Callable, Sequence
from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.recurrent import Mamba2
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.granite import granite_frame, granite_wiring
from symroof.families.mamba import CONV_BIAS, expanded_width, mamba2_block, mamba2_heads, mamba_block
from symroof.families.reading.keys import mlp_bias, multiplier
from symroof.families.reading.layer_patterns import FULL, LINEAR
from symroof.families.reading.moe_layers import moe_or_dense
from symroof.families.reading.parts import (
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
)

OLD_LAYER_TYPES = {"mamba": LINEAR, "attention": FULL}  # old name -> new name


def jamba(config: Config) -> Architecture:
    """Attention without rotary embedding in one of eight layers, experts in one of two, the rest Mamba and dense."""
    full = _periodic_layers(config, "attn_layer", 8, 4)
    names = [FULL if i in full else LINEAR for i in range(layers(config))]
    slot = _attention_and_mamba(
        config,
        names,
        "attn_layer_period",
        lambda: attention(Attention(rotary=""), heads(config, single=True, kv=8)),
        lambda: mamba_block(config, expanded_width(config), "rms"),
    )
    return decoder(config, "jamba", slot, _jamba_network(config))


def _jamba_network(config: Config) -> Part | Pattern:
    """Experts in one layer of each period, if there is more than one expert."""
    act, several = activation(config), config.number("num_experts", "num_local_experts", absent=16) > 1
    moe_layers = _periodic_layers(config, "expert_layer", 2, 1) if several else set()
    moe = partial(experts, config, Experts(act), "intermediate_size")
    return moe_or_dense(config, (moe_layers, "expert_layer_period"), moe)


def bamba(config: Config) -> Architecture:
    """Mamba-2; attention with half of each head rotated in the layers of attn_layer_indices."""
    key, count = "attn_layer_indices", layers(config)
    full = config.whole_numbers(key, most=count - 1)
    names = [FULL if i in full else LINEAR for i in range(count)]
    mamba = partial(_mamba2, config)
    slot = _attention_and_mamba(config, names, key, partial(_half_rotated_attention, config), mamba)
    return decoder(config, "bamba", slot, gated_mlp(config, mlp_bias(config)))


def _half_rotated_attention(config: Config) -> Part:
    """Attention that rotates the first half of each head."""
    sizes = heads(config, single=True, kv=8)
    h_r = Size(sizes["h"] // 2, "half of a head")
    return attention(with_bias(config, Attention(rotary="partial")), {**sizes, "h_r": h_r})


def falcon_h1(config: Config) -> Architecture:
    """Attention and Mamba-2 in parallel in every layer."""
    norm = "rms" if config.flag("mamba_rms_norm", absent=False) else ""
    width = config.size("mamba_d_ssm") if config.has("mamba_d_ssm") else None
    out_bias = config.flag("projectors_bias", absent=False)
    mamba = _mamba2(config, width, norm, out_bias, Wiring(scaled=_has_multiplier(config, "ssm_out")))
    wiring = Wiring(norm="", scaled=_has_multiplier(config, "attention_out"))
    slot = attention(with_bias(config, Attention()), heads(config, single=True, kv=8), wiring=wiring)
    frame = Frame(scaled=_has_multiplier(config, "embedding"), head_scaled=_has_multiplier(config, "lm_head"))
    return decoder(config, "falcon_h1", mamba, slot, gated_mlp(config, mlp_bias(config)), frame=frame)


def _has_multiplier(config: Config, what: str) -> bool:
    """Whether something is multiplied by a constant other than 1."""
    return multiplier(config, f"{what}_multiplier") != 1


def granitemoehybrid(config: Config) -> Architecture:
    """Mamba-2 or attention by layer_types; a shared network in each layer, beside experts if there are any."""
    names = config.words("layer_types") or config.words("layers_block_type") or [LINEAR] * layers(config)
    wiring, kind = granite_wiring(config), with_bias(config, Attention(rotary=_position_rotary(config)))
    full = partial(_granite_attention, config, kind, wiring)
    slot = _attention_and_mamba(config, names, "layer_types", full, lambda: _mamba2(config, wiring=wiring))
    ffn = _granitemoehybrid_network(config, wiring)
    return decoder(config, "granitemoehybrid", slot, ffn, frame=granite_frame(config))


def _granite_attention(config: Config, kind: Attention, wiring: Wiring) -> Part:
    """The attention of granitemoehybrid."""
    return attention(kind, heads(config, single=True), wiring=wiring)


def _position_rotary(config: Config) -> str:
    """Attention.rotary by position_embedding_type."""
    key = "position_embedding_type"
    if config.text(key) not in ("", "rope", "nope"):
        raise config.wrong(key, "rope, nope or null")
    return "full" if config.text(key) == "rope" else ""


def _granitemoehybrid_network(config: Config, wiring: Wiring) -> Part:
    """Experts beside a shared network, or only that network if the model has no experts."""
    act, shared = activation(config), "shared_intermediate_size"
    if config.number("num_local_experts", least=0):
        return experts(config, Experts(act, shared=True), "intermediate_size", config.size(shared), wiring)
    return feed_forward(config, FeedForward(act), shared, wiring=wiring)


def _mamba2(
    config: Config,
    width: Size | None = None,
    norm: str = "rms",
    out_bias: bool | None = None,
    wiring: Wiring | None = None,
) -> Part:
    """Mamba-2 with mamba_n_heads heads, of `width` or mamba_expand times the hidden size."""
    sizes = mamba2_heads(config, "mamba_n_heads", "mamba_d_head", width or expanded_width(config))
    bias, conv_bias = config.flag("mamba_proj_bias", absent=False), config.flag(*CONV_BIAS, absent=True)
    kind = Mamba2(bias, bias if out_bias is None else out_bias, conv_bias, activation(config), norm)
    return mamba2_block(config, kind, sizes, wiring=wiring)


def _attention_and_mamba(
    config: Config, names: Sequence[str], origin: str, full: Callable[[], Part], mamba: Callable[[], Part]
) -> Pattern:
    """Attention or a state space per layer; neither is read from the config where no layer has it."""
    names = [OLD_LAYER_TYPES.get(name, name) for name in names]
    parts = {name: part() for name, part in ((FULL, full), (LINEAR, mamba)) if name in names}
    return choose(config, names, parts, origin)


def _periodic_layers(config: Config, what: str, period: int, offset: int) -> set[int]:
    """The layers at an offset in each period; `period` and `offset` are defaults."""
    step = config.number(f"{what}_period", absent=period)
    first = config.number(f"{what}_offset", absent=offset, least=0)
    if first >= step:
        raise config.fail(f"{what}_offset={first} must be less than {what}_period={step}")
    return set(range(first, layers(config), step))


FAMILIES = {"jamba": jamba, "bamba": bamba, "falcon_h1": falcon_h1, "granitemoehybrid": granitemoehybrid}
