"""gemma, gemma2, gemma3, vaultgemma: scaled embeddings, from gemma2 on windows, more norms and soft caps.

Source: transformers 5.23.0, models/gemma, gemma2, gemma3, vaultgemma.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import alternating, every
from symroof.families.reading.parts import SANDWICH, activation, attention, capped, decoder, feed_forward, heads, layers

TANH = "gelu_pytorch_tanh"


def gemma(config: Config) -> Architecture:
    """Heads of a size of their own; `gelu` is old configs' name of its tanh form."""
    bias = config.flag("attention_bias", absent=False)
    act = activation(config, absent=TANH)
    mlp = FeedForward("gelu_tanh" if act == "gelu" else act)
    return decoder(
        causal(config),
        "gemma",
        attention(Attention(bias=bias, out_bias=bias), heads(config, absent=256)),
        feed_forward(config, mlp),
        frame=Frame(scaled=True),
        tied=True,
    )


def causal(config: Config) -> Config:
    """The config, unless it says that attention sees what follows."""
    if config.flag("use_bidirectional_attention", absent=False):
        raise config.wrong("use_bidirectional_attention", "false: a decoder sees only what is before")
    return config


def windowed(
    config: Config, family: str, kind: Attention, step: int, wiring: Wiring | None, caps: bool
) -> Architecture:
    """Full attention in each `step`-th layer, windows in the others; `caps`: soft caps where nothing is said."""
    bias = config.flag("attention_bias", absent=False)
    cap = capped(config, "attn_logit_softcapping", absent=caps)
    kind = Attention(bias=bias, out_bias=bias, softcap=cap, qk_norm=kind.qk_norm)
    frame = Frame(scaled=True, softcap=capped(config, "final_logit_softcapping", absent=caps))
    names = every(layers(config), step)
    attentions = alternating(
        causal(config), kind, heads(config, absent=256), names, "num_hidden_layers", 4096, wiring=wiring
    )
    mlp = FeedForward(activation(config, "hidden_activation", absent=TANH))
    return decoder(config, family, attentions, feed_forward(config, mlp, wiring=wiring), frame=frame, tied=True)


def gemma2(config: Config) -> Architecture:
    """Norms on both sides of each sublayer; every other layer has a window."""
    return windowed(config, "gemma2", Attention(), 2, SANDWICH, caps=True)


def gemma3(config: Config) -> Architecture:
    """gemma2 with normalised queries and keys, full attention in every sixth layer, and no caps."""
    step = config.number("sliding_window_pattern", "_sliding_window_pattern", absent=6)
    return windowed(config, "gemma3_text", Attention(qk_norm="rms"), step, SANDWICH, caps=False)


def vaultgemma(config: Config) -> Architecture:
    """gemma2 with norms before its sublayers only."""
    return windowed(config, "vaultgemma", Attention(), 2, None, caps=True)


FAMILIES = {"gemma": gemma, "gemma2": gemma2, "gemma3_text": gemma3, "vaultgemma": vaultgemma}
