"""xlstm: a memory of one matrix a head, no attention. Source: transformers 5.23.0, models/xlstm."""

from dataclasses import replace

from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.recurrent import MatrixMemory
from symroof.architecture.structure import Architecture, Frame, Part, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.parts import HEADS, HIDDEN, LAYERS, decoder, untied


def share(config: Config, key: str, absent: float) -> float:
    """A positive number that sizes are multiplied by."""
    value = config.data[key] if config.has(key) else absent
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1000:
        raise config.wrong(key, "a number above 0 and up to 1000")
    return value


def xlstm(config: Config) -> Architecture:
    """Matrix memories and gated networks; head and embedding are apart, whatever tie_word_embeddings says."""
    d, count = config.size(*HIDDEN, "embedding_dim"), config.size(*LAYERS, "num_blocks")
    named = {"hidden_size": int(d), "num_hidden_layers": int(count)}
    config = untied(replace(config, data={**config.data, **named}))
    bias = config.flag("use_bias", absent=False)
    wiring = Wiring(norm="rms_shifted" if bias else "rms")
    times, step = share(config, "ffn_proj_factor", 2.667), config.number("ffn_round_up_to_multiple_of", absent=64)
    f = Size(int((d * times + step - 1) // step) * step, f"ffn_proj_factor {d.origin}, in {step}s")
    mlp = Part.of(FeedForward(bias=bias), "mlp", wiring, f=f)
    memory = Part.of(MatrixMemory(bias), "memory", wiring, None, **head_sizes(config, d))
    return decoder(config, "xlstm", memory, mlp, frame=Frame(softcap=True))


def head_sizes(config: Config, d: Size) -> dict[str, Size]:
    """Heads, and the size of their keys and values."""
    H_v, sizes = config.size(*HEADS), {}
    for symbol, key, absent in (("d_k", "qk_dim_factor", 0.5), ("d_v", "v_dim_factor", 1.0)):
        width = int(d * share(config, key, absent))
        if width % H_v or not width:
            raise config.fail(f"{key} of {d.origin}={d} is {width}: it must be a multiple of {H_v.origin}={H_v}")
        sizes[symbol] = Size(width // H_v, f"{key} {d.origin} / {H_v.origin}")
    return {"H_v": H_v, **sizes}


FAMILIES = {"xlstm": xlstm}
