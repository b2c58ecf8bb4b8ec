"""State space models in the place of attention: Mamba-1 and Mamba-2."""

from sympy import Expr, Integer

from symroof import symbols as s
from symroof.architecture.kinds.recurrent import Mamba, Mamba2
from symroof.cost.cost import Cost
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.recurrent import mamba
from symroof.ops.recurrent.convolution_and_state import convolve


def build_mamba(kind: Mamba) -> list[Op]:
    """Project to stream and gate, convolve, project to time steps, B and C, scan and gate, project."""
    heads = s.H_m if kind.heads else Integer(1)
    width = s.d_m / heads
    return [
        Op("in", "recurrence", dense.linear(s.T, s.d, 2 * s.d_m, bias=kind.bias)),
        *_activated_convolution(s.d_m, kind.conv_bias, kind.act),
        Op("x", "recurrence", mamba.head_linear(s.T, heads, width, s.r_m + 2 * s.N_m)),
        *([_inner_norms(kind.norm)] if kind.norm else []),
        Op("dt", "recurrence", mamba.head_linear(s.T, heads, s.r_m, width)),
        Op("scan.weights", "recurrence", mamba.scan_weights(s.d_m * (s.N_m + 2))),
        Op("scan", "recurrence_core", mamba.selective_scan(s.T, s.d_m, s.N_m, heads)),
        Op("out", "recurrence", dense.linear(s.T, s.d_m, s.d, bias=kind.bias)),
    ]


def _inner_norms(norm: str) -> Op:
    """The norms of time step, B and C."""
    cost = sum((dense.norm(s.T, width, norm) for width in (s.r_m, s.N_m, s.N_m)), Cost())
    return Op("inner_norm", "inner_norm" if dense.NORMS[norm].weights else "recurrence", cost)


def _activated_convolution(channels: Expr, bias: bool, act: str) -> list[Op]:
    """A short causal convolution and its activation."""
    return [
        Op("conv", "recurrence", convolve(channels, bias)),
        Op("conv.act", "recurrence", dense.activate(s.T, channels, act, gated=False)),
    ]


def build_mamba2(kind: Mamba2) -> list[Op]:
    """Project to gate, stream, B, C and time steps in one, convolve, scan, gate and normalise, project."""
    width, mixed = s.H_m * s.h_m, s.H_m * s.h_m + 2 * s.G_m * s.N_m
    ops = [
        Op("in", "recurrence", dense.linear(s.T, s.d, width + mixed + s.H_m, bias=kind.bias)),
        *_activated_convolution(mixed, kind.conv_bias, kind.act),
        Op("scan.weights", "recurrence", mamba.scan_weights(3 * s.H_m)),
        Op("scan", "recurrence_core", mamba.dual_scan(s.T, s.H_m, s.h_m, s.N_m, s.G_m)),
        Op("gated", "recurrence", dense.activate(s.T, width, "silu")),
    ]
    if kind.norm:
        ops.append(Op("inner_norm", "inner_norm", dense.norm(s.T * s.G_m, width / s.G_m, kind.norm, width)))
    return [*ops, Op("out", "recurrence", dense.linear(s.T, width, s.d, bias=kind.out_bias))]
