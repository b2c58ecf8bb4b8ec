"""recurrent_gemma: gated linear recurrences between layers of local attention (Griffin).

Source: transformers 5.23.0, models/recurrent_gemma.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.linear_attention import GatedRecurrence
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.keys import HEADS, HIDDEN, check_multiple, not_null
from symroof.families.reading.layer_patterns import window
from symroof.families.reading.parts import activation, attention, choose, decoder, heads, layers
from symroof.families.reading.rotary import with_rotary

BLOCKS = ("recurrent", "recurrent", "attention")  # block_types where absent


def recurrent_gemma(config: Config) -> Architecture:
    """Two recurrences, then attention, and so on; dense networks of half the intermediate_size, with biases."""
    f = config.size("intermediate_size")
    if f % 2:
        raise config.wrong("intermediate_size", "even: each network has half of it")
    act = activation(config, "hidden_activation", "hidden_act", absent="gelu_pytorch_tanh")
    mlp = Part.of(FeedForward(act, bias=True), "mlp", f=Size(f // 2, f"{f.origin} / 2"))
    frame = Frame(scaled=True, softcap=not_null(config, "logits_soft_cap"))
    return decoder(config, "recurrent_gemma", _griffin_mixers(config, act), mlp, frame=frame, tied=True)


def _griffin_mixers(config: Config, act: str) -> Pattern:
    """The parts that block_types names, repeated over all layers."""
    names, count = config.words("block_types") or list(BLOCKS), layers(config)
    parts = {"recurrent": _recurrence(config, act), "attention": _local_attention(config)}
    return choose(config, (names * count)[:count], parts, "block_types")


def _recurrence(config: Config, act: str) -> Part:
    """A gated recurrence of width lru_width, by default the hidden size."""
    d, blocks = config.size(*HIDDEN), config.size(*HEADS)
    d_r = config.size("lru_width") if config.has("lru_width") else d
    check_multiple(config, d_r, blocks)
    return Part.of(GatedRecurrence(act), "recurrent", d_r=d_r, H_q=blocks, k_c=config.size("conv1d_width", absent=4))


def _local_attention(config: Config) -> Part:
    """Attention with a window; half of each head rotated by default."""
    kind = Attention("sliding", bias=config.flag("attention_bias", absent=False), out_bias=True)
    kind, sizes = with_rotary(config, kind, heads(config, single=True), absent=0.5)
    w = window(config, 2048, config.spelling("attention_window_size", "sliding_window"))
    return attention(kind, {**sizes, "w": w})


FAMILIES = {"recurrent_gemma": recurrent_gemma}
