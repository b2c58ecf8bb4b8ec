"""gemma, gemma2, gemma3, vaultgemma: scaled embeddings; from gemma2 on windows, more norms and soft caps.

Source: transformers 5.23.0, models/gemma, gemma2, gemma3, vaultgemma.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import has_softcap
from symroof.families.reading.layer_patterns import full_and_sliding, full_every
from symroof.families.reading.parts import (
    SANDWICH,
    activation,
    attention,
    decoder,
    feed_forward,
    heads,
    layers,
    with_bias,
)

TANH = "gelu_pytorch_tanh"


def gemma(config: Config) -> Architecture:
    """Full attention; `gelu` in old configs means its tanh approximation."""
    act = activation(config, absent=TANH)
    mlp = feed_forward(config, FeedForward("gelu_tanh" if act == "gelu" else act))
    slot = attention(with_bias(_causal(config), Attention()), heads(config, absent=256))
    return decoder(config, "gemma", slot, mlp, frame=Frame(scaled=True), tied=True)


def gemma2(config: Config) -> Architecture:
    """Norms before and after each sublayer; a window in every other layer."""
    return _gemma_decoder(config, "gemma2", Attention(), 2, SANDWICH, caps=True)


def gemma3(config: Config) -> Architecture:
    """gemma2 with norms of queries and keys, full attention in every sixth layer, and no soft caps."""
    step = config.number("sliding_window_pattern", "_sliding_window_pattern", absent=6)
    return _gemma_decoder(config, "gemma3_text", Attention(qk_norm="rms"), step, SANDWICH, caps=False)


def vaultgemma(config: Config) -> Architecture:
    """gemma2 with norms only before its sublayers."""
    return _gemma_decoder(config, "vaultgemma", Attention(), 2, None, caps=True)


def _gemma_decoder(
    config: Config, family: str, kind: Attention, step: int, wiring: Wiring | None, caps: bool
) -> Architecture:
    """Sliding-window attention, but full attention in every `step`-th layer; `caps`: soft caps by default."""
    kind = replace(with_bias(config, kind), softcap=has_softcap(config, "attn_logit_softcapping", absent=caps))
    frame = Frame(scaled=True, softcap=has_softcap(config, "final_logit_softcapping", absent=caps))
    names, sizes = full_every(layers(config), step), heads(config, absent=256)
    slot = full_and_sliding(_causal(config), kind, sizes, names, "num_hidden_layers", 4096, wiring=wiring)
    mlp = feed_forward(config, FeedForward(activation(config, "hidden_activation", absent=TANH)), wiring=wiring)
    return decoder(config, family, slot, mlp, frame=frame, tied=True)


def _causal(config: Config) -> Config:
    """The config. Raises ConfigError if its attention is bidirectional."""
    if config.flag("use_bidirectional_attention", absent=False):
        raise config.wrong("use_bidirectional_attention", "false: a decoder sees only what is before")
    return config


FAMILIES = {"gemma": gemma, "gemma2": gemma2, "gemma3_text": gemma3, "vaultgemma": vaultgemma}
