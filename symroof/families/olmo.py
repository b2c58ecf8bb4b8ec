"""olmo, olmo2, olmo3, exaone4: norms without weights in the first, norms after the sublayers in the others.

Source: transformers 5.23.0, models of these names.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture, Frame
from symroof.config.config import Config
from symroof.families.reading.keys import has_number, not_null
from symroof.families.reading.layer_patterns import FULL, full_and_sliding, full_every
from symroof.families.reading.parts import POST, attention, decoder, gated_mlp, heads, layers, nullable_heads, with_bias


def olmo(config: Config) -> Architecture:
    """llama with layer norms without weights."""
    kind = with_bias(config, Attention(clip=has_number(config, "clip_qkv")))
    slot = attention(kind, heads(config, single=True))
    return decoder(config, "olmo", slot, gated_mlp(config), frame=Frame("layer_plain"))


def _olmo2_attention(config: Config) -> Attention:
    """Attention with norms of queries and keys over their whole width."""
    return with_bias(config, Attention(qk_norm="rms", qk_over="width"))


def olmo2(config: Config) -> Architecture:
    """Norms after the sublayers, and of queries and keys."""
    slot = attention(_olmo2_attention(config), heads(config, single=True), wiring=POST)
    return decoder(config, "olmo2", slot, gated_mlp(config, wiring=POST))


def olmo3(config: Config) -> Architecture:
    """olmo2 with sliding-window attention in all layers but every fourth."""
    kind, sizes, names = _olmo2_attention(config), heads(config, single=True), full_every(layers(config), 4)
    slot = full_and_sliding(config, kind, sizes, names, "num_hidden_layers", 4096, wiring=POST)
    return decoder(config, "olmo3", slot, gated_mlp(config, wiring=POST))


def exaone4(config: Config) -> Architecture:
    """Norms after sublayers; full attention in every fourth layer, without rotary embedding if others have windows."""
    slides, key, sliding = not_null(config, "sliding_window"), "sliding_window_pattern", Attention(qk_norm="rms")
    step = config.number(key, absent=4) if slides and not config.has("layer_types") else 1
    names = full_every(layers(config), step) if slides else [FULL] * layers(config)
    full = replace(sliding, rotary="") if slides else sliding
    slot = full_and_sliding(config, full, nullable_heads(config), names, key, 4096, sliding, wiring=POST)
    return decoder(config, "exaone4", slot, gated_mlp(config, wiring=POST))


FAMILIES = {"olmo": olmo, "olmo2": olmo2, "olmo3": olmo3, "exaone4": exaone4}
