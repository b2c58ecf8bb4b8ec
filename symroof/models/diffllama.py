"""diffllama: llama with differential attention.

Source: transformers 5.23.0, models/diffllama.
"""

from symroof.architecture import Architecture, Part
from symroof.config import Config
from symroof.kinds import DifferentialAttention, FeedForward
from symroof.models.reading import activation, decoder, feed_forward, heads


def diffllama(config: Config) -> Architecture:
    """Key/value heads come in pairs."""
    sizes = heads(config, single=True)
    if sizes["H_kv"] % 2:
        raise config.fail(f"{sizes['H_kv'].origin}={sizes['H_kv']} must be even: its two halves are subtracted")
    kind = DifferentialAttention(bias=config.flag("attention_bias", absent=False))
    return decoder(config, "diffllama", Part(kind, "attention", tuple(sizes.items())),
                   feed_forward(config, FeedForward(activation(config))))  # fmt: skip


FAMILIES = {"diffllama": diffllama}
