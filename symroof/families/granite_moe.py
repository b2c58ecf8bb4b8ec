"""granitemoe, granitemoeshared, granitemoe_swa: experts in every layer, perhaps beside a shared network.

Source: transformers 5.23.0, models of these names.
"""

from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.granite import biased, frame, scaled
from symroof.families.reading.layer_patterns import FULL, SLIDING, Sizes, numbers, window
from symroof.families.reading.parts import activation, attention, choose, decoder, experts, heads, layer_types, layers


def granite_moe(config: Config, family: str, attentions: Part | Pattern, shared: Size | None = None) -> Architecture:
    """Any of them, by its attention and the width of its shared network."""
    kind = Experts(activation(config), shared=shared is not None)
    moe = experts(config, kind, "intermediate_size", shared, scaled(config))
    return decoder(config, family, attentions, moe, frame=frame(config))


def everywhere(config: Config) -> Part:
    """The same attention in all layers."""
    return attention(biased(config)[0], heads(config, single=True), wiring=scaled(config))


def shared_width(config: Config) -> Size | None:
    """The width of the shared network; None where there is none."""
    key = "shared_intermediate_size"
    return config.size(key) if config.number(key, absent=0, least=0) else None


def granitemoe(config: Config) -> Architecture:
    """Experts alone."""
    return granite_moe(config, "granitemoe", everywhere(config))


def granitemoeshared(config: Config) -> Architecture:
    """Experts beside a shared network."""
    return granite_moe(config, "granitemoeshared", everywhere(config), shared_width(config))


def granitemoe_swa(config: Config) -> Architecture:
    """Sinks, windows by layer, and layers without rotation where layer_rope_theta is 0."""
    count = layers(config)
    names, origin = layer_types(config, [SLIDING if i % 4 else FULL for i in range(count)], "num_hidden_layers")
    turns = [bool(x) for x in numbers(config, "layer_rope_theta", [1] * count)]
    wanted = list(zip(names, turns, strict=False))
    sizes = heads(config, single=True)
    parts = {x: by_type(config, *x, sizes, SLIDING in names) for x in set(wanted) if x[0] in (FULL, SLIDING)}
    return granite_moe(config, "granitemoe_swa", choose(config, wanted, parts, origin), shared_width(config))


def by_type(config: Config, name: str, turns: bool, sizes: Sizes, mixed: bool) -> Part:
    """The attention of a type of layer; `mixed`: there are layers with a window."""
    kind, wiring = replace(biased(config)[0], sinks=True, rotary="full" if turns else ""), scaled(config)
    if name == SLIDING:
        return attention(replace(kind, mask="sliding"), {**sizes, "w": window(config, 128)}, wiring=wiring)
    return attention(kind, sizes, FULL if mixed else "", wiring)


FAMILIES = {"granitemoe": granitemoe, "granitemoeshared": granitemoeshared, "granitemoe_swa": granitemoe_swa}
