"""llama: Llama 1 to 3.x and all other models published under this model_type.

Source: transformers 5.23.0, models/llama.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.families.reading.keys import mlp_bias
from symroof.families.reading.parts import attention, decoder, gated_mlp, heads, with_bias


def llama(config: Config, family: str = "llama", h: int | None = None) -> Architecture:
    """Grouped-query attention and gated networks in all layers; `h` is the default head_dim."""
    sizes = heads(config, single=True, absent=h)
    slot = attention(with_bias(config, Attention()), sizes)
    return decoder(config, family, slot, gated_mlp(config, mlp_bias(config)))


FAMILIES = {"llama": llama}
