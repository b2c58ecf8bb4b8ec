"""doge: attention to the keys whose values say that they matter. Source: transformers 5.23.0, models/doge."""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.parts import activation, attention, decoder, feed_forward, heads


def doge(config: Config) -> Architecture:
    """The keep_window_size keys of the largest masks, or a window; residuals are weighed, an element each."""
    if config.flag("is_moe", absent=False):
        raise config.wrong("is_moe", "false: experts of one vector each are not covered")
    wiring, bias = Wiring(weighed=True), config.flag("attention_bias", absent=False)
    sizes, keep = heads(config, single=True), config.size("keep_window_size", absent=2048)
    mask, own = ("sliding", window(config, keep)) if config.has("sliding_window") else ("top", {"k_i": keep})
    kind = Attention(mask, bias=bias, out_bias=bias, qk_norm="rms", dynamic=True)
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    return decoder(
        config, "doge", attention(kind, {**sizes, **own}, "attention", wiring), feed_forward(config, mlp, wiring=wiring)
    )


def window(config: Config, keep: Size) -> dict[str, Size]:
    """The window, in which all keys are kept."""
    w = config.size("sliding_window")
    if w > keep:
        raise config.wrong("sliding_window", f"at most keep_window_size={keep}: a choice within it is not covered")
    return {"w": w}


FAMILIES = {"doge": doge}
