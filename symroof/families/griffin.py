"""recurrent_gemma: gated linear recurrences between layers of local attention (Griffin).

Source: transformers 5.23.0, models/recurrent_gemma.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.linear import GatedRecurrence
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import window
from symroof.families.reading.parts import HEADS, HIDDEN, activation, attention, choose, decoder, heads, layers, rotated

BLOCKS = ("recurrent", "recurrent", "attention")  # block_types where absent


def recurrent_gemma(config: Config) -> Architecture:
    """Recurrences and attention in turns; dense networks of half the intermediate_size, with biases."""
    f = config.size("intermediate_size")
    if f % 2:
        raise config.wrong("intermediate_size", "even: each network has half of it")
    act = activation(config, "hidden_activation", "hidden_act", absent="gelu_pytorch_tanh")
    mlp = Part.of(FeedForward(act, bias=True), "mlp", f=Size(f // 2, f"{f.origin} / 2"))
    frame = Frame(scaled=True, softcap=config.has("logits_soft_cap") or not config.says("logits_soft_cap"))
    return decoder(config, "recurrent_gemma", mixers(config, act), mlp, frame=frame, tied=True)


def mixers(config: Config, act: str) -> Pattern:
    """The parts that block_types names, over and over."""
    names, origin = config.listed("block_types") or list(BLOCKS), "block_types"
    count = layers(config)
    kinds = (names * count)[:count]
    parts = {"recurrent": recurrence(config, act), "attention": local_attention(config)}
    return choose(config, kinds, parts, origin)


def recurrence(config: Config, act: str) -> Part:
    """As wide as the hidden size unless lru_width says otherwise."""
    d, blocks = config.size(*HIDDEN), config.size(*HEADS)
    d_r = config.size("lru_width") if config.has("lru_width") else d
    if d_r % blocks:
        raise config.fail(f"{d_r.origin}={d_r} is no multiple of {blocks.origin}={blocks}")
    return Part.of(GatedRecurrence(act), "recurrent", d_r=d_r, H_q=blocks, k_c=config.size("conv1d_width", absent=4))


def local_attention(config: Config) -> Part:
    """Attention with a window and partial rotary embedding."""
    sizes = heads(config, single=True)
    rotary, part = rotated(config, sizes["h"], absent=0.5)
    kind = Attention("sliding", rotary, bias=config.flag("attention_bias", absent=False), out_bias=True)
    w = window(config, 2048, config.spelling("attention_window_size", "sliding_window"))
    return attention(kind, {**sizes, **part, "w": w})


FAMILIES = {"recurrent_gemma": recurrent_gemma}
