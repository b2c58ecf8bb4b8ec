"""Attention with routed heads: route, project queries by expert, attend, project back by expert, add up."""

from symroof import symbols as s
from symroof.architecture.kinds.attention_variants import RoutedAttention
from symroof.cost.graph import Op
from symroof.cost.masks import CAUSAL
from symroof.ops import dense
from symroof.ops import experts as moe
from symroof.ops.attention import grouped as att
from symroof.ops.attention.softmax import scores_and_values


def build_routed_attention(kind: RoutedAttention) -> list[Op]:
    """The operators of one layer between norm and residual; an expert has as many query heads as there are KV heads."""
    group, queries = s.H_kv * s.h, s.k_run * s.H_kv
    attend = att.grouped_attention(s.T, CAUSAL, queries, s.H_kv, s.h, s.h)
    products = scores_and_values(CAUSAL.pairs * queries, s.T * queries, s.h, s.h)
    ops = [
        Op("router", "router", moe.route(s.T, s.d)),
        Op("dispatch", "router", moe.copy_to_experts(s.T, s.d)),
        Op("experts.q", "routed_experts", moe.expert_linear(s.T, s.d, group)),
        Op("kv", "attention", dense.linear(s.T, s.d, 2 * group)),
        Op("rope", "attention", att.rotate(s.T, queries + s.H_kv, s.h)),
        Op("attend", "attention_core", attend, products=products),
        Op("experts.out", "routed_experts", moe.expert_linear(s.T, group, s.d)),
        Op("combine", "routed_experts", moe.combine_weighted(s.T, s.d)),
    ]
    return [*ops, Op("bias", "routed_experts", dense.bias(s.T, s.d))] if kind.sum_bias else ops
