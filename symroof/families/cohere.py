"""cohere, cohere2, cohere_compass: attention and feed-forward network in parallel, after one layer norm without bias.

Source: transformers 5.23.0, models of these names.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture, Frame, Part, Pattern
from symroof.config.config import Config
from symroof.families.reading.keys import multiplier
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding, full_every
from symroof.families.reading.parts import BESIDE, attention, decoder, gated_mlp, heads, layers, with_bias
from symroof.families.reading.rotary import with_rotary

NORM = "layer_unbiased"


def cohere(config: Config) -> Architecture:
    """Full attention; with use_qk_norm, a norm of each head of queries and keys."""
    norm = NORM if config.flag("use_qk_norm", absent=False) else ""
    kind = with_bias(config, Attention(qk_norm=norm, qk_over="heads"))
    return _parallel_decoder(config, "cohere", attention(kind, heads(config, single=True)), 0.0625)


def cohere2(config: Config) -> Architecture:
    """Sliding-window attention; full attention, without rotary embedding, in every fourth layer."""
    kind, key = with_bias(config, Attention()), "sliding_window_pattern"
    names = full_every(layers(config), config.number(key, absent=4))
    sizes = heads(config, single=True)
    attentions = full_and_sliding(config, replace(kind, rotary=""), sizes, names, key, 4096, kind)
    return _parallel_decoder(config, "cohere2", attentions, 0.0625)


def cohere_compass(config: Config) -> Architecture:
    """Full attention unless layer_types says otherwise; rotary embedding by layer type in rope_parameters."""
    kind, names = with_bias(config, Attention()), [FULL] * layers(config)
    sizes = heads(config, single=True)
    (full, full_sizes), sliding = (with_rotary(config, kind, sizes, x) for x in (FULL, SLIDING))
    attentions = full_and_sliding(config, full, full_sizes, names, "num_hidden_layers", 4096, *sliding)
    return _parallel_decoder(config, "cohere_compass_text", attentions, 1)


def _parallel_decoder(config: Config, family: str, attentions: Part | Pattern, scale: float) -> Architecture:
    """A dense network beside the attention; logits are multiplied by logit_scale, `scale` by default."""
    frame = Frame(NORM, head_scaled=multiplier(config, "logit_scale", scale) != 1)
    return decoder(config, family, attentions, gated_mlp(config, wiring=BESIDE), frame=frame, tied=True)


FAMILIES = {"cohere": cohere, "cohere2": cohere2, "cohere_compass_text": cohere_compass}
