"""Feed-forward networks: dense, and routed experts."""

from dataclasses import replace

from sympy import Expr

from symroof import symbols as s
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.cost.cost import Cost
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops import experts as moe


def build_feed_forward(kind: FeedForward) -> list[Op]:
    """A dense network of width f."""
    both, *rest = network("", "ffn", s.f, kind.act, kind.gated, kind.bias, kind.inner_norm)
    if kind.factor:
        rest.append(Op("factor", "ffn", dense.factor(s.T, s.d)))
    return [both, *([Op("cut", "ffn", dense.cut(s.T, s.f))] if kind.sparse else []), *rest]


def network(
    prefix: str, role: str, width: Expr, act: str, gated: bool, bias: bool = False, inner_norm: str = ""
) -> list[Op]:
    """Gate and up projections in one, or up alone; activation, down projection."""
    name, both = ("gate_up", 2 * width) if gated else ("up", width)
    kept = s.b_f if role == "ffn" else s.b_sh
    ops = [
        Op(prefix + name, role, dense.linear(s.T, s.d, both, kept, bias)),
        Op(prefix + "act", role, dense.activate(s.T, width, act, gated)),
    ]
    if inner_norm:
        ops.append(Op(prefix + "inner_norm", "inner_norm", dense.norm(s.T, width, inner_norm)))
    return [*ops, Op(prefix + "down", role, dense.linear(s.T, width, s.d, kept, bias))]


def build_experts(kind: Experts) -> list[Op]:
    """Route, send to experts, run them and the shared one, add up."""
    width = s.d_lat if kind.latent else s.d
    ops = [Op("router.norm", "router", dense.norm(s.T, s.d, kind.router_norm))] if kind.router_norm else []
    others = s.N_s if kind.shared_scored else 0
    if kind.router_deep:
        ops += deep_router(kind)
    else:
        ops.append(Op("router", "router", moe.route(s.T, s.d, kind.router_bias, kind.correction, others, kind.hashed)))
    if kind.shared_scored:
        ops.append(Op("router.factor", "router", dense.factor(s.T, s.k + s.N_s)))
    if kind.expert_scale:
        ops.append(Op("router.scale", "router", moe.scale(s.T)))
    ops += routed(kind, width)
    if kind.shared:
        act = kind.shared_act or kind.act
        ops += network("shared.", "shared_experts", s.f_s, act, kind.gated, kind.shared_bias)
    if kind.shared_scored:
        ops.insert(-1, Op("shared.weighed", "shared_experts", dense.elements(s.T, s.f_s + s.N_s, s.f_s, s.f_s)))
    if kind.shared_gate:
        ops.append(Op("shared.gate", "shared_experts", dense.linear(s.T, s.d, 1, s.b_r)))
        ops.append(Op("shared.gated", "shared_experts", dense.elements(s.T, s.d + 1, s.d, s.d + 4)))
    ops.append(Op("combine", "routed_experts", moe.combine(s.T, width, kind.shared and not kind.latent)))
    if kind.sum_bias:
        ops.append(Op("bias", "routed_experts", dense.bias(s.T, s.d)))
    if kind.latent_norm:
        ops.append(Op("latent.norm", "inner_norm", dense.norm(s.T, s.d_lat, kind.latent_norm)))
    if kind.latent:
        ops.append(Op("latent.up", "latent_proj", dense.linear(s.T, s.d_lat, s.d, bias=kind.latent_bias)))
    if kind.latent and kind.shared:
        ops.append(Op("shared.add", "shared_experts", dense.residual(s.T, s.d)))
    return [replace(op, cost=beside_idle(op)) for op in ops] if kind.idle else ops


def deep_router(kind: Experts) -> list[Op]:
    """Scores of a network of the token, and of what the layer before has of it where it is handed on."""
    ops = [Op("router.down", "router", dense.linear(s.T, s.d, s.r_r, s.b_r, bias=True))]
    if kind.router_handed:
        ops.append(Op("router.add", "router", dense.residual(s.T, s.r_r, weighed=True)))
    ops.append(Op("router.inner_norm", "inner_norm", dense.norm(s.T, s.r_r)))
    for number in (1, 2):
        ops.append(Op(f"router.fc{number}", "router", dense.linear(s.T, s.r_r, s.r_r, s.b_r, bias=True)))
        ops.append(Op(f"router.act{number}", "router", dense.activate(s.T, s.r_r, "gelu", gated=False)))
    return [*ops, Op("router", "router", moe.route(s.T, s.r_r).xreplace({s.N_e: s.N_e + 1}))]


def routed(kind: Experts, width: Expr) -> list[Op]:
    """What the routed experts work on, `width` elements of each token, and the experts."""
    name, both = ("experts.gate_up", 2 * s.f_e) if kind.gated else ("experts.up", s.f_e)
    ops = []
    if kind.latent:
        ops.append(Op("latent.down", "latent_proj", dense.linear(s.T, s.d, s.d_lat, bias=kind.latent_bias)))
    if kind.latent_in:
        ops.append(Op("latent.in_norm", "inner_norm", dense.norm(s.T, s.d_lat, kind.latent_in)))
    ops += [
        Op("dispatch", "router", moe.dispatch(s.T, width)),
        Op(name, "routed_experts", moe.expert_linear(s.T, width, both, kind.bias)),
        Op("experts.act", "routed_experts", dense.activate(s.T * s.k_run, s.f_e, kind.act, kind.gated)),
        Op("experts.down", "routed_experts", moe.expert_linear(s.T, s.f_e, width, kind.bias)),
    ]
    if kind.each_norm:
        ops.append(Op("experts.norm", "inner_norm", dense.norm(s.T * s.k_run, width, kind.each_norm)))
    return ops


def beside_idle(op: Op) -> Cost:
    """What an operator costs where N_z more experts are scored and may be chosen, but do nothing."""
    if op.name == "router":
        return op.cost.xreplace({s.N_e: s.N_e + s.N_z})
    return op.cost.xreplace({s.k_run: s.k_real, s.N_x: s.N_real}) if op.name.startswith("experts.") else op.cost
