"""Linear attention, gated linear recurrences and short convolutions in the place of attention; attention over depth."""

from dataclasses import replace

from sympy import Expr

from symroof import symbols as s
from symroof.architecture.kinds.linear_attention import DeltaNet, GatedRecurrence, LightningAttention, ShortConvolution
from symroof.architecture.kinds.streams import DepthAttention
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.attention import grouped as att
from symroof.ops.recurrent import linear
from symroof.ops.recurrent.convolution_and_state import convolve
from symroof.ops.residual import depth


def build_delta_net(kind: DeltaNet) -> list[Op]:
    """Project, convolve, normalise queries and keys, scan, normalise and gate, project."""
    keys, values = s.H_k * s.d_k, s.H_v * s.d_v
    channels = s.H_v if kind.decay == "head" else s.H_v * s.d_k
    return [
        *_delta_projections(kind, channels),
        Op("conv", "recurrence", convolve(2 * keys + values)),
        Op("conv.act", "recurrence", dense.activate(s.T, 2 * keys + values, kind.act, gated=False)),
        Op("decay", "recurrence", linear.decay_rates(s.T, s.H_v, channels, kind.bounded, kind.doubled)),
        Op("qk_norm", "recurrence", linear.normalize_queries_keys(s.T, s.H_k, s.d_k)),
        Op("scan", "recurrence_core", linear.delta_rule(s.T, s.H_k, s.H_v, s.d_k, s.d_v, channels)),
        Op("inner_norm", "inner_norm", dense.norm(s.T * s.H_v, s.d_v)),
        Op("gated", "recurrence", att.gate_heads(s.T, s.H_v, s.d_v, per_head=False)),
        Op("out", "recurrence", dense.linear(s.T, values, s.d)),
    ]


def _delta_projections(kind: DeltaNet, channels: Expr) -> list[Op]:
    """Queries, keys, values; numbers per value head; decays and output gate projected with them, or of rank d_k."""
    one_each = kind.decay == "head"
    direct, narrow = 2 * s.H_k * s.d_k + s.H_v * s.d_v, []
    for name, width, low_rank in (
        ("decay.up", 0 if one_each else channels, kind.decay == "low_rank"),
        ("gate.up", s.H_v * s.d_v, kind.gate == "low_rank"),
    ):
        direct += s.d_k if low_rank else width
        narrow += [Op(name, "recurrence", dense.linear(s.T, s.d_k, width))] if low_rank else []
    heads = replace(dense.linear(s.T, s.d, 2 * s.H_v if one_each else s.H_v, s.b_r), act_read=0)  # read with the rest
    return [Op("in", "recurrence", dense.linear(s.T, s.d, direct) + heads), *narrow]


def build_lightning_attention(kind: LightningAttention) -> list[Op]:
    """Project, activate, scan, normalise, gate, project."""
    width = s.H_q * s.h
    return [
        Op("qkv", "recurrence", dense.linear(s.T, s.d, 3 * width)),
        Op("qkv.act", "recurrence", dense.activate(s.T, 3 * width, kind.act, gated=False)),
        Op("scan", "recurrence_core", linear.lightning_attention(s.T, s.H_q, s.h)),
        Op("inner_norm", "inner_norm", dense.norm(s.T, width)),
        Op("gate", "recurrence", dense.linear(s.T, s.d, width)),
        Op("gated", "recurrence", att.gate_heads(s.T, s.H_q, s.h, per_head=False)),
        Op("out", "recurrence", dense.linear(s.T, width, s.d)),
    ]


def build_gated_recurrence(kind: GatedRecurrence) -> list[Op]:
    """Project twice, convolve one half and run it through the recurrence, gate it by the other, project."""
    return [
        Op("in", "recurrence", dense.linear(s.T, s.d, 2 * s.d_r, bias=True)),
        Op("conv", "recurrence", convolve(s.d_r, bias=True, positions=s.T_lru, columns=s.k_c - 1)),
        Op("gates", "recurrence", linear.block_gates(s.T, s.d_r, s.H_q)),
        Op("scan", "recurrence_core", linear.gated_recurrence(s.T, s.d_r)),
        Op("gated", "recurrence", dense.activate(s.T, s.d_r, kind.act)),
        Op("out", "recurrence", dense.linear(s.T, s.d_r, s.d, bias=True)),
    ]


def build_short_convolution(kind: ShortConvolution) -> list[Op]:
    """Project to three, convolve the product of two, multiply by the third, project."""
    return [
        Op("in", "recurrence", dense.linear(s.T, s.d, 3 * s.d, bias=kind.bias)),
        Op("gate_in", "recurrence", linear.multiply_elements(s.T, s.d)),
        Op("conv", "recurrence", convolve(s.d, kind.bias)),
        Op("gate_out", "recurrence", linear.multiply_elements(s.T, s.d)),
        Op("out", "recurrence", dense.linear(s.T, s.d, s.d, bias=kind.bias)),
    ]


def build_depth_attention(kind: DepthAttention) -> list[Op]:
    """All weighted sums of the model."""
    if kind.normalised:
        return [Op("mix", "hyper_connection", depth.attention_over_depth(s.T, s.d, s.N_mix, s.X_mix, s.Y_mix))]
    return [Op("mix", "hyper_connection", depth.sums_over_depth(s.T, s.d, s.N_mix, s.X_mix))]
