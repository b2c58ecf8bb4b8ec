"""rwkv (RWKV 4) and rwkv5 (RWKV 5.2, Eagle): no attention; states of constant size.

Sources: transformers 5.23.0, models/rwkv; Peng et al. 2024, Eagle and Finch, arXiv 2404.05892, and the code beside
the checkpoint RWKV/rwkv-5-world-3b.
"""

from symroof.architecture.kinds.recurrent import ChannelMix, TimeMix
from symroof.architecture.structure import Architecture, Frame, Part, Size
from symroof.config.config import Config
from symroof.families.gpt import mlp_width
from symroof.families.reading.keys import HIDDEN, size_quotient, with_untied_head
from symroof.families.reading.parts import decoder

FRAME = Frame(norm="layer", embedding_norm="layer")


def rwkv(config: Config) -> Architecture:
    """A state of three numbers per channel."""
    time_mix = Part.of(TimeMix(), "time_mix", d_r=config.size("attention_hidden_size", absent=config.size(*HIDDEN)))
    channel_mix = Part.of(ChannelMix(), "channel_mix", f=mlp_width(config, "intermediate_size"))
    return decoder(config, "rwkv", time_mix, channel_mix, frame=FRAME)


def rwkv5(config: Config) -> Architecture:
    """A state [h, h] per head; in its checkpoints head and embedding never share a table."""
    d, h = config.size(*HIDDEN), config.size("head_size", absent=64)
    H_q = size_quotient(config, config.size("attention_hidden_size", absent=d), h)
    time_mix = Part.of(TimeMix(heads=True), "time_mix", H_q=H_q, h=h)
    f = Size(7 * d // 64 * 32, f"3.5 {d.origin}, in 32s")
    f = config.size("intermediate_size") if config.has("intermediate_size") else f
    slots = time_mix, Part.of(ChannelMix(), "channel_mix", f=f)
    return decoder(with_untied_head(config), "rwkv5", *slots, frame=FRAME)


FAMILIES = {"rwkv": rwkv, "rwkv5": rwkv5}
