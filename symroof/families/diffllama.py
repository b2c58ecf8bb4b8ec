"""diffllama: llama with differential attention.

Source: transformers 5.23.0, models/diffllama.
"""

from symroof.architecture.kinds.attention_variants import DifferentialAttention
from symroof.architecture.structure import Architecture, Part
from symroof.config.config import Config
from symroof.families.reading.parts import decoder, gated_mlp, heads


def diffllama(config: Config) -> Architecture:
    """KV heads come in pairs."""
    sizes = heads(config, single=True)
    if sizes["H_kv"] % 2:
        raise config.fail(f"{sizes['H_kv'].origin}={sizes['H_kv']} must be even: its two halves are subtracted")
    kind = DifferentialAttention(bias=config.flag("attention_bias", absent=False))
    return decoder(config, "diffllama", Part(kind, "attention", tuple(sizes.items())), gated_mlp(config))


FAMILIES = {"diffllama": diffllama}
