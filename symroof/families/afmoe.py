"""afmoe, beam, cohere2_moe: mixture of experts, under attention with a window in most layers and full in the rest.

Source: transformers 5.23.0, models of these names.
"""

from collections.abc import Collection
from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import has_number, has_softcap, multiplier
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding, full_every, with_window
from symroof.families.reading.moe_layers import (
    LayerSet,
    all_but_first,
    experts_with_shared,
    moe_or_dense,
    moe_with_shared,
    sparse_layers,
)
from symroof.families.reading.parts import (
    BESIDE,
    SANDWICH,
    activation,
    attention,
    choose,
    decoder,
    experts,
    feed_forward,
    gated_mlp,
    heads,
    layer_types,
    layers,
    with_bias,
)
from symroof.families.reading.rotary import rotary_part

CAP = "final_logit_softcapping"


def afmoe(config: Config) -> Architecture:
    """Gated attention, sandwich norms, experts with a score correction; full attention has no rotary embedding."""
    key, kind = "global_attn_every_n_layers", with_bias(config, Attention(qk_norm="rms", gate="separate"))
    absent = full_every(layers(config), config.number(key, absent=4))
    sizes = heads(config, single=True, absent=128)
    attentions = full_and_sliding(config, replace(kind, rotary=""), sizes, absent, key, 1024, kind, wiring=SANDWICH)
    moe, moe_layers = Experts(activation(config), correction=True), all_but_first(config, "num_dense_layers", 1)
    ffn = moe_with_shared(config, moe_layers, moe, "num_shared_experts", 2, wiring=SANDWICH)
    return decoder(config, "afmoe", attentions, ffn, frame=Frame(scaled=config.flag("mup_enabled", absent=False)))


def beam(config: Config) -> Architecture:
    """Sandwich norms; experts after three dense layers; residual additions with constant weights."""
    wiring, count = replace(SANDWICH, blended="constants"), layers(config)
    ffn = moe_or_dense(
        config,
        sparse_layers(config, range(min(3, count), count), "num_hidden_layers"),
        lambda: experts(config, Experts(activation(config), correction=True), wiring=wiring),
        lambda: gated_mlp(config, wiring=wiring),
    )
    frame = Frame(softcap=has_softcap(config, CAP, absent=True))
    return decoder(config, "beam", _beam_attention(config, wiring), ffn, frame=frame)


def _beam_attention(config: Config, wiring: Wiring) -> Pattern:
    """Full attention in every sixth layer and the last; without rotary embedding it scales queries by position."""
    kind = with_bias(config, Attention(qk_norm="rms", gate="separate", gate_bias=True))
    sizes = heads(config, absent=128)
    rotates = config.has("rope_parameters") and bool(rotary_part(config, sizes["h"], FULL)[0])
    full = kind if rotates else replace(kind, rotary="", temperature=True)
    absent = [*full_every(layers(config), 6)[:-1], FULL]
    return full_and_sliding(config, full, sizes, absent, "num_hidden_layers", 512, kind, wiring=wiring)


def cohere2_moe(config: Config) -> Architecture:
    """Attention and experts in parallel on one norm; shared experts are as wide as the routed ones."""
    first, count = config.number("first_k_dense_replace", absent=0, least=0), layers(config)
    moe_layers = sparse_layers(config, range(min(first, count), count), "first_k_dense_replace")
    norm = "rms" if has_number(config, "rms_norm_eps") else "layer_unbiased"
    frame = Frame(norm, head_scaled=multiplier(config, "logit_scale", 0.0625) != 1)
    slots = _cohere2_moe_attention(config, first, moe_layers[0]), _cohere2_moe_network(config, moe_layers)
    return decoder(config, "cohere2_moe", *slots, frame=frame, tied=True)


def _cohere2_moe_network(config: Config, moe_layers: LayerSet) -> Part | Pattern:
    """Experts beside shared ones, or a dense network of prefix_dense_intermediate_size."""
    act = activation(config)
    return moe_or_dense(
        config,
        moe_layers,
        lambda: experts_with_shared(config, Experts(act), "num_shared_experts", 0, "intermediate_size", BESIDE),
        lambda: feed_forward(config, FeedForward(act), "prefix_dense_intermediate_size", wiring=BESIDE),
    )


def _cohere2_moe_attention(config: Config, first: int, moe_layers: Collection[int]) -> Pattern:
    """Rotary embedding in layers with a window, and in the dense first layers if all of them have full attention."""
    key, step = "sliding_window_pattern", config.number("prefix_dense_sliding_window_pattern", absent=1)
    absent = full_every(first, step) + full_every(layers(config) - first, config.number(key, absent=4))
    names, origin = layer_types(config, absent, key)
    cells = [(x, x == SLIDING or (step == 1 and i not in moe_layers)) for i, x in enumerate(names)]
    return choose(config, cells, _cohere2_moe_attentions(config, SLIDING in names), origin)


def _cohere2_moe_attentions(config: Config, windows: bool) -> dict[tuple[str, bool], Part]:
    """The attention by layer type and whether it has rotary embedding."""
    kind, sizes = with_bias(config, Attention()), heads(config, single=True, absent=128)
    name = FULL if windows else ""
    parts = {
        (FULL, True): attention(kind, sizes, name),
        (FULL, False): attention(replace(kind, rotary=""), sizes, name),
    }
    if windows:
        parts[SLIDING, True] = attention(*with_window(config, kind, sizes, 4096))
    return parts


FAMILIES = {"afmoe": afmoe, "beam": beam, "cohere2_moe": cohere2_moe}
