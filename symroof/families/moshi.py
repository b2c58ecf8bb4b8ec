"""moshi: the language model in the middle of a speech model; its text embedding has a row that it never writes.

The decoder of audio codes and their codec are not part of it. Source: transformers 5.23.0, models/moshi.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Size
from symroof.config.config import Config
from symroof.families.reading.parts import activation, attention, decoder, heads, untied


def moshi(config: Config) -> Architecture:
    """Attention of a window, gated networks of half of ffn_dim, no table shared."""
    both = config.number("ffn_dim")
    if both % 2:
        raise config.wrong("ffn_dim", "even: gate and up projection are its halves")
    mlp = Part.of(FeedForward(activation(config)), "mlp", f=Size(both // 2, "ffn_dim / 2"))
    sizes = {**heads(config, single=True), "w": config.size("sliding_window", absent=3000)}
    return decoder(untied(config), "moshi", attention(Attention("sliding"), sizes), mlp, frame=Frame(spare_row=True))


FAMILIES = {"moshi": moshi}
