"""llama: Llama 1 to 3.x and everything that ships under this model_type.

Source: transformers 5.23.0, models/llama.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.families.reading.parts import activation, attention, decoder, feed_forward, heads


def llama(config: Config, family: str = "llama", h: int | None = None) -> Architecture:
    """A dense decoder of grouped-query attention and gated feed-forward networks; `h`: head_dim where it is absent."""
    bias = config.flag("attention_bias", absent=False)
    mlp = FeedForward(act=activation(config), bias=config.flag("mlp_bias", absent=False))
    return decoder(
        config,
        family,
        attention(Attention(bias=bias, out_bias=bias), heads(config, single=True, absent=h)),
        feed_forward(config, mlp),
    )


FAMILIES = {"llama": llama}
