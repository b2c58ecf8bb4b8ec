"""rwkv (RWKV 4) and rwkv5 (RWKV 5.2, Eagle): no attention; states of constant size.

Sources: transformers 5.23.0, models/rwkv; Peng et al. 2024, Eagle and Finch, arXiv 2404.05892, and the code beside
the checkpoint RWKV/rwkv-5-world-3b.
"""

from symroof.architecture.kinds.recurrent import ChannelMix, TimeMix
from symroof.architecture.structure import Architecture, Frame, Part, Size
from symroof.config.config import Config
from symroof.families.gpt import width
from symroof.families.reading.parts import HIDDEN, decoder, untied

FRAME = Frame(norm="layer", embedding_norm="layer")


def rwkv(config: Config) -> Architecture:
    """A state of three numbers a channel."""
    d_r = config.size("attention_hidden_size", absent=config.size(*HIDDEN))
    return decoder(
        config,
        "rwkv",
        Part.of(TimeMix(), "time_mix", d_r=d_r),
        Part.of(ChannelMix(), "channel_mix", f=width(config, "intermediate_size")),
        frame=FRAME,
    )


def rwkv5(config: Config) -> Architecture:
    """A state [h, h] a head. Its checkpoints keep embedding and head apart, whatever tie_word_embeddings says."""
    d = config.size(*HIDDEN)
    d_r, h = config.size("attention_hidden_size", absent=d), config.size("head_size", absent=64)
    if d_r % h:
        raise config.fail(f"attention_hidden_size={d_r} is no multiple of head_size={h}")
    f = Size(7 * d // 64 * 32, f"3.5 {d.origin}, in 32s")
    f = config.size("intermediate_size", absent=f) if config.has("intermediate_size") else f
    sizes = {"H_q": Size(d_r // h, f"{d_r.origin} / {h.origin}"), "h": h}
    return decoder(
        untied(config),
        "rwkv5",
        Part.of(TimeMix(heads=True), "time_mix", None, None, **sizes),
        Part.of(ChannelMix(), "channel_mix", f=f),
        frame=FRAME,
    )


FAMILIES = {"rwkv": rwkv, "rwkv5": rwkv5}
