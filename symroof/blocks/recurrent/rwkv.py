"""The two halves of an RWKV layer: mixing in time and mixing of channels."""

from sympy import Integer

from symroof import symbols as s
from symroof.architecture.kinds.recurrent import ChannelMix, TimeMix
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.attention import grouped as att
from symroof.ops.recurrent import rwkv


def build_time_mix(kind: TimeMix) -> list[Op]:
    """Mix, project each mixture, run the recurrence, gate, project."""
    width, ways = (s.H_q * s.h, 4) if kind.heads else (s.d_r, 3)
    ops = [
        Op("mix", "recurrence", rwkv.mix(s.T, s.d, ways)),
        Op("in", "recurrence", dense.linear(s.T, s.d, width) * ways),
    ]
    if kind.heads:
        ops += [
            Op("wkv", "recurrence_core", rwkv.heads(s.T, s.H_q, s.h)),
            Op("inner_norm", "inner_norm", dense.norm(s.T * s.H_q, s.h, "layer", width)),
            Op("gated", "recurrence", dense.activate(s.T, width, "silu")),
        ]
    else:
        ops += [
            Op("wkv", "recurrence_core", rwkv.channels(s.T, width)),
            Op("gated", "recurrence", att.gate(s.T, Integer(1), width, one_a_head=False)),
        ]
    return [*ops, Op("out", "recurrence", dense.linear(s.T, width, s.d))]


def build_channel_mix(_: ChannelMix) -> list[Op]:
    """Mix, a network of one mixture, its output gated by the other."""
    return [
        Op("mix", "recurrence", rwkv.mix(s.T, s.d, 2)),
        Op("up", "ffn", dense.linear(s.T, s.d, s.f, s.b_f)),
        Op("act", "ffn", dense.activate(s.T, s.f, "relu2", gated=False)),
        Op("down", "ffn", dense.linear(s.T, s.f, s.d, s.b_f)),
        Op("gate", "ffn", dense.linear(s.T, s.d, s.d, s.b_f)),
        Op("gated", "ffn", att.gate(s.T, Integer(1), s.d, one_a_head=False)),
    ]
