"""llama: Llama 1 to 3.x and all other models published under this model_type; exaone.

Sources: transformers 5.23.0, models/llama; 5.24.0, models/exaone.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.families.reading.keys import mlp_bias
from symroof.families.reading.parts import activation, attention, decoder, feed_forward, gated_mlp, heads, with_bias


def llama(config: Config, family: str = "llama", h: int | None = None, H_kv: int | None = None) -> Architecture:
    """Grouped-query attention and gated networks in all layers; `h` and `H_kv`: default head_dim and KV heads."""
    sizes = heads(config, single=True, absent=h, kv=H_kv)
    slot = attention(with_bias(config, Attention()), sizes)
    return decoder(config, family, slot, gated_mlp(config, mlp_bias(config)))


def exaone(config: Config) -> Architecture:
    """llama under the keys of its first release."""
    act = activation(config, "hidden_act", "activation_function")
    slot = attention(with_bias(config, Attention()), heads(config, single=True, kv=8))
    mlp = feed_forward(config, FeedForward(act, bias=mlp_bias(config)))
    return decoder(config, "exaone", slot, mlp)


FAMILIES = {"llama": llama, "exaone": exaone}
