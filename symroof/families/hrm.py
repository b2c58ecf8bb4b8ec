"""hrm_text: two stacks of layers that run several times. Source: transformers 5.23.0, models/hrm_text."""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.shared import Cycle, Start
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import HEADS, mlp_bias
from symroof.families.reading.parts import BARE, activation, decoder, with_bias

STACK_LAYERS, CYCLES = "num_layers_per_stack", "H_cycles and L_cycles"


def hrm_text(config: Config) -> Architecture:
    """H_cycles times: the low stack L_cycles times, then the high one; each run has separate keys and values."""
    H, L = config.number("H_cycles", absent=2), config.number("L_cycles", absent=3)
    stack = _layers_per_stack(config)
    total = stack * H * (L + 1)
    if config.has(STACK_LAYERS) and config.number("num_hidden_layers") != total:
        raise config.wrong("num_hidden_layers", f"H_cycles (L_cycles + 1) num_layers_per_stack = {total}")
    unrolled = replace(config, data={**config.data, "num_hidden_layers": total})
    slots = _stack_runs(config, (["low"] * L + ["high"]) * H, stack)
    start = Part.of(Start(), "start", BARE)
    return decoder(unrolled, "hrm_text", *slots, frame=Frame(norm="", scaled=True), once=(start,))


def _layers_per_stack(config: Config) -> Size:
    """The layers of one stack: num_layers_per_stack, or num_hidden_layers where that key is absent."""
    if config.has(STACK_LAYERS):
        return config.size(STACK_LAYERS)
    return config.size("num_hidden_layers", most=10**4)


def _stack_runs(config: Config, runs: list[str], stack: Size) -> list[Pattern]:
    """Attention, network and the end of a stack's run, in all layers of all runs."""
    parts = {name: _stack_parts(config, name, stack) for name in ("low", "high")}
    slots = [Pattern([parts[run][slot] for run in runs for _ in range(stack)], CYCLES) for slot in (0, 1)]
    ends = [None] * (stack - 1) + [Part.of(Cycle(), "cycle", BARE)]
    return [*slots, Pattern(ends * len(runs), CYCLES)]


def _stack_parts(config: Config, name: str, distinct: Size) -> tuple[Part, Part]:
    """Attention and network of a stack's layers; all runs of the stack share the weights."""
    kind = with_bias(config, Attention(gate="full"))
    mlp, wiring = FeedForward(activation(config), bias=mlp_bias(config)), Wiring(norm="rms_plain")
    H_q, h = config.size(*HEADS), config.size("head_dim", absent=128)
    return (
        Part.of(kind, f"{name}_attention", wiring, distinct, H_q=H_q, H_kv=Size(H_q, "H_q"), h=h),
        Part.of(mlp, f"{name}_mlp", wiring, distinct, f=config.size("intermediate_size")),
    )


FAMILIES = {"hrm_text": hrm_text}
