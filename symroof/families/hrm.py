"""hrm_text: two stacks of layers that run again and again. Source: transformers 5.23.0, models/hrm_text."""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.shared import Cycle, Start
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.parts import HEADS, activation, decoder

BARE = Wiring(norm="", residual=False)


def hrm_text(config: Config) -> Architecture:
    """H_cycles times: the low stack L_cycles times, then the high one; each run keeps keys and values of its own."""
    H, L = config.number("H_cycles", absent=2), config.number("L_cycles", absent=3)
    stack = config.size("num_layers_per_stack") if config.has("num_layers_per_stack") else per_stack(config)
    total = stack * H * (L + 1)
    if config.has("num_layers_per_stack") and config.number("num_hidden_layers") != total:
        raise config.wrong("num_hidden_layers", f"H_cycles (L_cycles + 1) num_layers_per_stack = {total}")
    unrolled = replace(config, data={**config.data, "num_hidden_layers": total})
    runs = (["low"] * L + ["high"]) * H
    low, high = (stack_parts(config, name, stack) for name in ("low", "high"))
    slots = [
        Pattern([pair[x == "high"] for x in runs for _ in range(stack)], "H_cycles and L_cycles")
        for pair in zip(low, high, strict=True)
    ]
    ends = [None] * (stack - 1) + [Part.of(Cycle(), "cycle", BARE)]
    return decoder(
        unrolled,
        "hrm_text",
        *slots,
        Pattern(ends * len(runs), "H_cycles and L_cycles"),
        frame=Frame(norm="", scaled=True),
        once=(Part.of(Start(), "start", BARE),),
    )


def per_stack(config: Config) -> Size:
    """num_hidden_layers, which counts the layers of one stack where num_layers_per_stack is not there."""
    return config.size("num_hidden_layers", most=10**4)


def stack_parts(config: Config, name: str, distinct: Size) -> tuple[Part, Part]:
    """Attention and network of a stack's layers, whose weights all runs of it share."""
    bias, H_q = config.flag("attention_bias", absent=False), config.size(*HEADS)
    kind = Attention(bias=bias, out_bias=bias, gate="full")
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    h, f = config.size("head_dim", absent=128), config.size("intermediate_size")
    wiring = Wiring(norm="rms_plain")
    return (
        Part.of(kind, f"{name}_attention", wiring, distinct, H_q=H_q, H_kv=Size(H_q, "H_q"), h=h),
        Part.of(mlp, f"{name}_mlp", wiring, distinct, f=f),
    )


FAMILIES = {"hrm_text": hrm_text}
