"""doge: attention to the keys with the largest masks, computed from values.

Source: transformers 5.23.0, models/doge.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import mlp_bias
from symroof.families.reading.parts import attention, decoder, gated_mlp, heads, with_bias


def doge(config: Config) -> Architecture:
    """Attention to the keep_window_size keys with the largest masks, or to a window; residuals with learned weights."""
    if config.flag("is_moe", absent=False):
        raise config.wrong("is_moe", "false: experts of one vector each are not covered")
    wiring = Wiring(weighed=True)
    sizes, k_i = heads(config, single=True), config.size("keep_window_size", absent=2048)
    slides = config.has("sliding_window")
    kind = with_bias(config, Attention("sliding" if slides else "top", qk_norm="rms", dynamic=True))
    reach = {"w": _doge_window(config, k_i)} if slides else {"k_i": k_i}
    slot = attention(kind, {**sizes, **reach}, "attention", wiring)
    return decoder(config, "doge", slot, gated_mlp(config, mlp_bias(config), wiring))


def _doge_window(config: Config, k_i: Size) -> Size:
    """A window small enough that all its keys are attended to."""
    w = config.size("sliding_window")
    if w > k_i:
        raise config.wrong("sliding_window", f"at most keep_window_size={k_i}: a choice within it is not covered")
    return w


FAMILIES = {"doge": doge}
