"""Attention with biases by distance: project, convolve keys and values, normalise, attend, project."""

from sympy import Expr

from symroof import symbols as s
from symroof.architecture.kinds.attention_variants import RelativeAttention
from symroof.cost.cost import Cost
from symroof.cost.graph import Op
from symroof.cost.masks import MASKS
from symroof.ops import dense
from symroof.ops.attention import grouped as att
from symroof.ops.attention import relative
from symroof.ops.recurrent.convolution_and_state import convolve_added


def build_relative_attention(kind: RelativeAttention) -> list[Op]:
    """The operators of one layer between norm and residual."""
    ops = [*(projections(kind) if kind.clipped else plain()), Op("relative", "attention", mixed())]
    if kind.temperature:
        ops.append(Op("temperature", "attention", att.scale(s.T, s.H_q, s.h + s.e_b)))
    attend = att.attend(s.T, MASKS[kind.mask], s.H_q, s.H_kv, s.h, s.h, 1) + biases(s.T, s.H_q)
    ops.append(Op("attend", "attention_core", attend))
    if kind.clipped:
        ops.append(Op("sinks", "attention", relative.sink(s.T, s.H_q)))
        ops.append(Op("gated", "attention", att.gate(s.T, s.H_q, s.h, one_a_head=False)))
    return [*ops, Op("out", "attention", dense.linear(s.T, s.H_q * s.h, s.d, s.b_o))]


def plain() -> list[Op]:
    """Queries, keys, values and what biases are mixed from; normalised queries and keys."""
    keys = 2 * s.H_kv * s.h
    norms = dense.norm(s.T * s.H_q, s.h) + dense.norm(s.T * s.H_kv, s.h)
    return [
        Op("qkvr", "attention", dense.linear(s.T, s.d, s.H_q * (s.h + s.d_b) + keys)),
        Op("conv", "attention", convolve_added(keys)),
        Op("qk_norm", "inner_norm", norms),
    ]


def projections(kind: RelativeAttention) -> list[Op]:
    """The same with gates and sinks, and lengths that are limited."""
    own, keys = s.H_q * (2 * s.h + s.d_b + 1), 2 * s.H_kv * s.h
    ops = (
        apart(own)
        if kind.dynamic
        else [
            Op("qkvr", "attention", dense.linear(s.T, s.d, own + keys)),
            Op("conv", "attention", convolve_added(keys)),
            Op("conv.scale", "attention", dense.elements(s.T, keys, keys, keys)),
        ]
    )
    queries = relative.limit(s.T * s.H_q, s.h, s.H_q * s.h)
    return [
        *ops,
        Op("qk_clip", "attention", queries + relative.limit(s.T * s.H_kv, s.h)),
        Op("relative.clip", "attention", relative.limit(s.T * s.H_q, s.d_b, s.H_q * s.d_b)),
        Op("v_norm", "attention", dense.norm(s.T * s.H_kv, s.h, "rms_plain")),
    ]


def apart(own: Expr) -> list[Op]:
    """Queries and `own` of theirs, keys and values from three inputs, each normalised."""
    ops = [Op("qr", "attention", dense.linear(s.T, s.d, own))]
    for name in "kv":
        ops += [
            Op(f"{name}.norm", "norm", dense.norm(s.T, s.d)),
            Op(name, "attention", dense.linear(s.T, s.d, s.H_kv * s.h)),
            Op(f"{name}.weights", "attention", dense.linear(s.T, s.d, s.H_kv * s.k_c)),
            Op(f"{name}.conv", "attention", relative.convolve_by_token(s.H_kv, s.h)),
        ]
    return ops


def mixed() -> Cost:
    """Biases of each query head, mixed from learned ones."""
    return dense.linear(s.T * s.H_q, s.d_b, s.e_b)


def biases(tokens: Expr, heads: Expr) -> Cost:
    """The biases of each query head, by distance, as attention reads them."""
    return Cost(act_read=tokens * heads * s.e_b * s.b_a)
