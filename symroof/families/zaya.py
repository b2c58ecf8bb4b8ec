"""zaya: attention with convolved queries and keys, experts chosen by a network, weighted and shifted residuals.

Source: transformers 5.23.0, models/zaya.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention_variants import ConvolvedAttention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.streams import Pointwise
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, window
from symroof.families.reading.parts import BARE, activation, choose, decoder, experts, heads, layer_types, layers
from symroof.families.reading.rotary import rotary_part

HYBRID, HYBRID_SLIDING = "hybrid", "hybrid_sliding"  # layer types
SHIFTED = Wiring(blended="shifted")


def zaya(config: Config) -> Architecture:
    """One expert per token; a token that is sent to none is counted as if it were, as transformers runs one for it."""
    if config.number("num_experts_per_tok", absent=1) != 1:
        raise config.wrong("num_experts_per_tok", "1")
    frame = Frame(head_bias=config.flag("lm_head_bias", absent=False))
    slots, start = (_zaya_attention(config), _zaya_experts(config)), Part.of(Pointwise("shift"), "start", BARE)
    sizes = {
        "r_r": config.size("router_hidden_size", absent=256),
        "k_g": config.size("cca_time1", absent=2),
        "k_c": config.size("cca_time0", absent=2),
    }
    return decoder(config, "zaya", *slots, frame=frame, tied=True, once=(start,), last=(), **sizes)


def _zaya_experts(config: Config) -> Pattern:
    """Experts; all routers but the first read the state of the previous layer's router."""
    kind = Experts(activation(config), router_deep=True, correction=True)
    first = experts(config, kind, wiring=SHIFTED)
    others = replace(first, kind=replace(kind, router_handed=True))
    return Pattern([others if i else first for i in range(layers(config))], "num_hidden_layers")


def _zaya_attention(config: Config) -> Pattern:
    """With a window or without one, by layer_types."""
    names, origin = layer_types(config, [HYBRID] * layers(config), "num_hidden_layers")
    parts = {name: _convolved_attention(config, name) for name in (HYBRID, HYBRID_SLIDING) if name in names}
    return choose(config, names, parts, origin)


def _convolved_attention(config: Config, layer_type: str) -> Part:
    """The attention of one type of layer; half of each head rotated by default."""
    bias, sizes = config.flag("attention_bias", absent=False), heads(config, absent=128)
    sizes |= rotary_part(config, sizes["h"], layer_type, absent=0.5)[1] or {"h_r": sizes["h"]}
    if layer_type == HYBRID:
        return Part.of(ConvolvedAttention("causal", bias), FULL, SHIFTED, **sizes)
    return Part.of(ConvolvedAttention("sliding", bias), SLIDING, SHIFTED, **sizes, w=window(config))


FAMILIES = {"zaya": zaya}
