"""The two halves of an RWKV layer: mixing in time and mixing of channels."""

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.architecture.kinds.recurrent import ChannelMix, TimeMix
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.attention import grouped as att
from symroof.ops.recurrent import rwkv


def build_time_mix(kind: TimeMix) -> list[Op]:
    """Mix, project each mixture, run the recurrence, gate, project."""
    width, mixtures = (s.H_q * s.h, 4) if kind.heads else (s.d_r, 3)
    return [
        Op("mix", "recurrence", rwkv.token_shift(s.T, s.d, mixtures)),
        Op("in", "recurrence", dense.linear(s.T, s.d, width) * mixtures),
        *(_scan_by_head(width) if kind.heads else _scan_by_channel(width)),
        Op("out", "recurrence", dense.linear(s.T, width, s.d)),
    ]


def _scan_by_head(width: Expr) -> list[Op]:
    """A matrix of state per head, its output normalised and gated."""
    return [
        Op("wkv", "recurrence_core", rwkv.wkv_by_head(s.T, s.H_q, s.h)),
        Op("inner_norm", "inner_norm", dense.norm(s.T * s.H_q, s.h, "layer", width)),
        Op("gated", "recurrence", dense.activate(s.T, width, "silu")),
    ]


def _scan_by_channel(width: Expr) -> list[Op]:
    """A sum per channel, gated."""
    return [
        Op("wkv", "recurrence_core", rwkv.wkv_by_channel(s.T, width)),
        Op("gated", "recurrence", att.gate_heads(s.T, Integer(1), width, per_head=False)),
    ]


def build_channel_mix(_: ChannelMix) -> list[Op]:
    """Mix, a network of one mixture, its output gated by the other."""
    return [
        Op("mix", "recurrence", rwkv.token_shift(s.T, s.d, 2)),
        Op("up", "ffn", dense.linear(s.T, s.d, s.f, s.b_f)),
        Op("act", "ffn", dense.activate(s.T, s.f, "relu2", gated=False)),
        Op("down", "ffn", dense.linear(s.T, s.f, s.d, s.b_f)),
        Op("gate", "ffn", dense.linear(s.T, s.d, s.d, s.b_f)),
        Op("gated", "ffn", att.gate_heads(s.T, Integer(1), s.d, per_head=False)),
    ]
