"""zaya: attention with convolved queries and keys, experts that a network chooses, residuals weighed and shifted.

Source: transformers 5.23.0, models/zaya.
"""

from symroof.architecture.kinds.attention_variants import ConvolvedAttention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.streams import Pointwise
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import window
from symroof.families.reading.parts import activation, choose, decoder, experts, heads, layer_types, layers, rotated

FULL, SLIDING = "hybrid", "hybrid_sliding"
SHIFTED, BARE = Wiring(blended="shifted"), Wiring(norm="", residual=False)


def zaya(config: Config) -> Architecture:
    """A token may be sent to no expert; it is counted as if it were, and transformers runs one for it."""
    if config.number("num_experts_per_tok", absent=1) != 1:
        raise config.wrong("num_experts_per_tok", "1")
    frame = Frame(head_bias=config.flag("lm_head_bias", absent=False))
    start = Part.of(Pointwise("shift"), "start", BARE)
    return decoder(
        config,
        "zaya",
        attentions(config),
        routed(config),
        frame=frame,
        tied=True,
        once=(start,),
        r_r=config.size("router_hidden_size", absent=256),
        k_g=config.size("cca_time1", absent=2),
        k_c=config.size("cca_time0", absent=2),
    )


def routed(config: Config) -> Pattern:
    """Experts; the routers of all layers but the first have what the one before had."""
    act, count = activation(config), layers(config)
    parts = [
        experts(config, Experts(act, router_deep=True, router_handed=handed), wiring=SHIFTED)
        for handed in (False, True)
    ]
    return Pattern([parts[i > 0] for i in range(count)], "num_hidden_layers")


def attentions(config: Config) -> Pattern:
    """With a window or without one, by layer_types."""
    names, origin = layer_types(config, [FULL] * layers(config), "num_hidden_layers")
    bias, sizes, parts = config.flag("attention_bias", absent=False), heads(config, absent=128), {}
    for name, mask, called in ((FULL, "causal", "full_attention"), (SLIDING, "sliding", "sliding_attention")):
        if name in names:
            part = rotated(config, sizes["h"], name, absent=0.5)[1] or {"h_r": sizes["h"]}
            own = {"w": window(config)} if name == SLIDING else {}
            parts[name] = Part.of(ConvolvedAttention(mask, bias), called, SHIFTED, **sizes, **part, **own)
    return choose(config, names, parts, origin)


FAMILIES = {"zaya": zaya}
