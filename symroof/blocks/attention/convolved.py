"""Attention with convolved queries and keys: project, convolve twice, add what was projected, normalise, attend."""

from symroof import symbols as s
from symroof.architecture.kinds.attention_variants import ConvolvedAttention
from symroof.cost.graph import Op
from symroof.cost.masks import MASKS
from symroof.ops import dense
from symroof.ops.attention import convolved
from symroof.ops.attention import grouped as att
from symroof.ops.attention.softmax import scores_and_values
from symroof.ops.recurrent.convolution_and_state import convolve


def build_convolved_attention(kind: ConvolvedAttention) -> list[Op]:
    """The operators of one layer between norm and residual."""
    heads, values = s.H_q + s.H_kv, s.H_kv * s.h / 2
    first = convolve(heads * s.h, bias=True, positions=s.T_first, columns=s.k_c - 1)
    attend = att.grouped_attention(s.T, MASKS[kind.mask], s.H_q, s.H_kv, s.h, s.h)
    products = scores_and_values(MASKS[kind.mask].pairs * s.H_q, s.T * s.H_q, s.h, s.h)
    return [
        Op("qkv", "attention", dense.linear(s.T, s.d, heads * s.h + values, bias=kind.bias)),
        Op("v_delayed", "attention", convolved.delayed_values(s.d, values, kind.bias)),
        Op("conv", "attention", first),
        Op("conv_heads", "attention", convolved.convolve_heads(heads, s.h)),
        Op("means", "attention", convolved.add_projection_means(s.T, s.H_q, s.H_kv, s.h)),
        Op("qk_norm", "inner_norm", convolved.normalize_heads(s.T, s.H_q, s.H_kv, s.h)),
        Op("rope", "attention", att.rotate(s.T, heads, s.h_r)),
        Op("attend", "attention_core", attend, products=products),
        Op("out", "attention", dense.linear(s.T, s.H_q * s.h, s.d, s.b_o, kind.bias)),
    ]
