"""xlstm: a matrix memory per head in place of attention. Source: transformers 5.23.0, models/xlstm."""

from dataclasses import replace

from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.recurrent import MatrixMemory
from symroof.architecture.structure import Architecture, Frame, Part, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import HEADS, HIDDEN, LAYERS, positive_number, with_untied_head
from symroof.families.reading.parts import decoder


def xlstm(config: Config) -> Architecture:
    """Matrix memories and gated networks; head and embedding never share a table."""
    d, count = config.size(*HIDDEN, "embedding_dim"), config.size(*LAYERS, "num_blocks")
    usual = {"hidden_size": int(d), "num_hidden_layers": int(count)}
    config = with_untied_head(replace(config, data={**config.data, **usual}))
    bias = config.flag("use_bias", absent=False)
    wiring = Wiring(norm="rms_shifted" if bias else "rms")
    mlp = Part.of(FeedForward(bias=bias), "mlp", wiring, f=_xlstm_width(config, d))
    memory = Part.of(MatrixMemory(bias), "memory", wiring, None, **_memory_sizes(config, d))
    return decoder(config, "xlstm", memory, mlp, frame=Frame(softcap=True))


def _factor(config: Config, key: str, absent: float) -> float:
    """A positive number that sizes are multiplied by."""
    return positive_number(config, key, absent, 1000)


def _xlstm_width(config: Config, d: Size) -> Size:
    """ffn_proj_factor times the hidden size, rounded up to a multiple."""
    times, step = _factor(config, "ffn_proj_factor", 2.667), config.number("ffn_round_up_to_multiple_of", absent=64)
    return Size(int((d * times + step - 1) // step) * step, f"ffn_proj_factor {d.origin}, in {step}s")


def _memory_sizes(config: Config, d: Size) -> dict[str, Size]:
    """Heads, and the size of their keys and values."""
    H_v = config.size(*HEADS)
    d_k = _memory_head_size(config, "qk_dim_factor", 0.5, d, H_v)
    return {"H_v": H_v, "d_k": d_k, "d_v": _memory_head_size(config, "v_dim_factor", 1.0, d, H_v)}


def _memory_head_size(config: Config, key: str, absent: float, d: Size, H_v: Size) -> Size:
    """The hidden size times a factor, divided among the heads."""
    width = int(d * _factor(config, key, absent))
    if width % H_v or not width:
        raise config.fail(f"{key} of {d.origin}={d} is {width}: it must be a multiple of {H_v.origin}={H_v}")
    return Size(width // H_v, f"{key} {d.origin} / {H_v.origin}")


FAMILIES = {"xlstm": xlstm}
