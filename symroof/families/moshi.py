"""moshi: the language model of a speech model; its text embedding has one row more than its head.

The decoder of audio codes and their codec are not included. Source: transformers 5.23.0, models/moshi.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Size
from symroof.config.config import Config
from symroof.families.reading.keys import with_untied_head
from symroof.families.reading.parts import activation, attention, decoder, heads


def moshi(config: Config) -> Architecture:
    """Sliding-window attention and gated networks of half of ffn_dim in all layers; head and embedding separate."""
    ffn_dim = config.number("ffn_dim")
    if ffn_dim % 2:
        raise config.wrong("ffn_dim", "even: gate and up projection are its halves")
    mlp = Part.of(FeedForward(activation(config)), "mlp", f=Size(ffn_dim // 2, "ffn_dim / 2"))
    sizes = {**heads(config, single=True), "w": config.size("sliding_window", absent=3000)}
    slots = attention(Attention("sliding"), sizes), mlp
    return decoder(with_untied_head(config), "moshi", *slots, frame=Frame(spare_row=True))


FAMILIES = {"moshi": moshi}
