"""granitemoe, granitemoeshared, granitemoe_swa: experts in every layer, in some models beside a shared network.

Source: transformers 5.23.0, models of these names.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.granite import granite_frame, granite_wiring
from symroof.families.reading.layer_patterns import FULL, SLIDING, numbers_by_layer, with_window
from symroof.families.reading.parts import (
    activation,
    attention,
    choose,
    decoder,
    experts,
    heads,
    layer_types,
    layers,
    with_bias,
)


def _granite_moe_decoder(
    config: Config, family: str, attentions: Part | Pattern, shared: Size | None = None
) -> Architecture:
    """Experts in all layers; `shared` is the width of the shared network."""
    kind = Experts(activation(config), shared=shared is not None)
    moe = experts(config, kind, "intermediate_size", shared, granite_wiring(config))
    return decoder(config, family, attentions, moe, frame=granite_frame(config))


def _uniform_attention(config: Config) -> Part:
    """The same attention in all layers."""
    return attention(with_bias(config, Attention()), heads(config, single=True), wiring=granite_wiring(config))


def _shared_width(config: Config) -> Size | None:
    """The width of the shared network; None if there is none."""
    key = "shared_intermediate_size"
    return config.size(key) if config.number(key, absent=0, least=0) else None


def granitemoe(config: Config) -> Architecture:
    """Routed experts only."""
    return _granite_moe_decoder(config, "granitemoe", _uniform_attention(config))


def granitemoeshared(config: Config) -> Architecture:
    """Routed experts beside a shared network."""
    return _granite_moe_decoder(config, "granitemoeshared", _uniform_attention(config), _shared_width(config))


def granitemoe_swa(config: Config) -> Architecture:
    """Attention with sinks, a window in three of four layers; no rotary embedding where layer_rope_theta is 0."""
    count = layers(config)
    names, origin = layer_types(config, [SLIDING if i % 4 else FULL for i in range(count)], "num_hidden_layers")
    rotates = [bool(x) for x in numbers_by_layer(config, "layer_rope_theta", [1] * count)]
    cells = list(zip(names, rotates, strict=False))
    full_name = FULL if SLIDING in names else ""
    parts = {x: _granitemoe_swa_attention(config, *x, full_name) for x in set(cells) if x[0] in (FULL, SLIDING)}
    attentions = choose(config, cells, parts, origin)
    return _granite_moe_decoder(config, "granitemoe_swa", attentions, _shared_width(config))


def _granitemoe_swa_attention(config: Config, layer_type: str, rotates: bool, full_name: str) -> Part:
    """The attention of one type of layer; `full_name`: the block name of full attention."""
    kind = with_bias(config, Attention(sinks=True, rotary="full" if rotates else ""))
    sizes, wiring = heads(config, single=True), granite_wiring(config)
    if layer_type == SLIDING:
        return attention(*with_window(config, kind, sizes, 128), wiring=wiring)
    return attention(kind, sizes, full_name, wiring)


FAMILIES = {"granitemoe": granitemoe, "granitemoeshared": granitemoeshared, "granitemoe_swa": granitemoe_swa}
