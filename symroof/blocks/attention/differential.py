"""Differential attention: project, rotate, attend twice, subtract, normalise, project."""

from symroof import symbols as s
from symroof.architecture.kinds.attention_variants import DifferentialAttention
from symroof.cost.graph import Op
from symroof.cost.masks import CAUSAL
from symroof.ops import dense
from symroof.ops.attention import differential
from symroof.ops.attention import grouped as att
from symroof.ops.attention.softmax import scores_and_values


def build_differential_attention(kind: DifferentialAttention) -> list[Op]:
    """The operators of one layer between norm and residual."""
    width, heads = (s.H_q + 2 * s.H_kv) * s.h, 2 * s.H_q
    attend = differential.differential_attention(s.T, CAUSAL, s.H_q, s.H_kv, s.h)
    products = scores_and_values(CAUSAL.pairs * heads, s.T * heads, s.h, s.h)
    return [
        Op("qkv", "attention", dense.linear(s.T, s.d, width, bias=kind.bias)),
        Op("rope", "attention", att.rotate(s.T, s.H_q + s.H_kv, s.h)),
        Op("attend", "attention_core", attend, products=products),
        Op("subtract", "attention", differential.subtract_heads(s.T, s.H_q, s.h)),
        Op("head_norm", "attention", dense.norm(s.T * s.H_q / 2, 2 * s.h, "rms_plain")),
        Op("scale", "attention", att.scale_heads(s.T, s.H_q, s.h)),
        Op("out", "attention", dense.linear(s.T, s.H_q * s.h, s.d, s.b_o, kind.bias)),
    ]
