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
from symroof.ops.attention.softmax import scores_and_values
from symroof.ops.recurrent.convolution_and_state import convolve_added


def build_relative_attention(kind: RelativeAttention) -> list[Op]:
    """The operators of one layer between norm and residual."""
    inputs = _clipped_projections(kind) if kind.clipped else _plain_projections()
    biases = Op("relative", "attention", dense.linear(s.T * s.H_q, s.d_b, s.e_b))
    return [*inputs, biases, *_core(kind), Op("out", "attention", dense.linear(s.T, s.H_q * s.h, s.d, s.b_o))]


def _core(kind: RelativeAttention) -> list[Op]:
    """Attention with the biases of each query head, by distance, sinks and gates."""
    biases = Cost(act_read=s.T * s.H_q * s.e_b * s.b_a)
    attend = att.grouped_attention(s.T, MASKS[kind.mask], s.H_q, s.H_kv, s.h, s.h, 1) + biases
    scaled = Op("temperature", "attention", att.scale_heads(s.T, s.H_q, s.h + s.e_b))
    products = scores_and_values(MASKS[kind.mask].pairs * s.H_q, s.T * s.H_q, s.h, s.h)
    ops = [*([scaled] if kind.temperature else []), Op("attend", "attention_core", attend, products=products)]
    if kind.clipped:
        ops.append(Op("sinks", "attention", relative.projected_sink(s.T, s.H_q)))
        ops.append(Op("gated", "attention", att.gate_heads(s.T, s.H_q, s.h, per_head=False)))
    return ops


def _plain_projections() -> list[Op]:
    """Queries, keys, values and the vectors that biases are mixed by; normalised queries and keys."""
    norms = dense.norm(s.T * s.H_q, s.h) + dense.norm(s.T * s.H_kv, s.h)
    return [*_convolved_projections(s.H_q * (s.h + s.d_b)), Op("qk_norm", "inner_norm", norms)]


def _convolved_projections(queries: Expr) -> list[Op]:
    """One projection to `queries` elements, keys and values, and the convolution of the latter two."""
    keys = 2 * s.H_kv * s.h
    return [
        Op("qkvr", "attention", dense.linear(s.T, s.d, queries + keys)),
        Op("conv", "attention", convolve_added(keys)),
    ]


def _clipped_projections(kind: RelativeAttention) -> list[Op]:
    """The same with gates and sinks, and limited lengths."""
    queries = relative.limit_length(s.T * s.H_q, s.h, s.H_q * s.h)
    return [
        *(_separate_projections() if kind.dynamic else _scaled_projections()),
        Op("qk_clip", "attention", queries + relative.limit_length(s.T * s.H_kv, s.h)),
        Op("relative.clip", "attention", relative.limit_length(s.T * s.H_q, s.d_b, s.H_q * s.d_b)),
        Op("v_norm", "attention", dense.norm(s.T * s.H_kv, s.h, "rms_plain")),
    ]


GATED_QUERIES = s.H_q * (2 * s.h + s.d_b + 1)  # elements of queries, gates, mixing vectors and sinks


def _scaled_projections() -> list[Op]:
    """Keys and values projected together with queries, convolved and scaled."""
    keys = 2 * s.H_kv * s.h
    scaled = Op("conv.scale", "attention", dense.elements(s.T, keys, keys, keys))
    return [*_convolved_projections(GATED_QUERIES), scaled]


def _separate_projections() -> list[Op]:
    """Queries, keys and values from three inputs, each normalised."""
    queries = Op("qr", "attention", dense.linear(s.T, s.d, GATED_QUERIES))
    return [queries, *_convolved_by_token("k"), *_convolved_by_token("v")]


def _convolved_by_token(name: str) -> list[Op]:
    """Keys or values, and their convolution, whose weights are projected too."""
    return [
        Op(f"{name}.norm", "norm", dense.norm(s.T, s.d)),
        Op(name, "attention", dense.linear(s.T, s.d, s.H_kv * s.h)),
        Op(f"{name}.weights", "attention", dense.linear(s.T, s.d, s.H_kv * s.k_c)),
        Op(f"{name}.conv", "attention", relative.convolve_by_token(s.H_kv, s.h)),
    ]
