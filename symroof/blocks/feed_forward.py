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
    both, *rest = network_operators("", "ffn", s.f, kind.act, kind.gated, kind.bias, kind.inner_norm)
    if kind.factor:
        rest.append(Op("factor", "ffn", dense.scale_by_number(s.T, s.d)))
    return [both, *([Op("cut", "ffn", dense.gaussian_topk(s.T, s.f))] if kind.sparse else []), *rest]


def network_operators(
    prefix: str, role: str, width: Expr, act: str, gated: bool, bias: bool = False, inner_norm: str = ""
) -> list[Op]:
    """Gate and up projections in one, or up alone; activation, down projection."""
    name, both = ("gate_up", 2 * width) if gated else ("up", width)
    weight = s.b_f if role == "ffn" else s.b_sh
    norm = [Op(prefix + "inner_norm", "inner_norm", dense.norm(s.T, width, inner_norm))] if inner_norm else []
    return [
        Op(prefix + name, role, dense.linear(s.T, s.d, both, weight, bias)),
        Op(prefix + "act", role, dense.activate(s.T, width, act, gated)),
        *norm,
        Op(prefix + "down", role, dense.linear(s.T, width, s.d, weight, bias)),
    ]


def build_experts(kind: Experts) -> list[Op]:
    """Route, send to experts, run them and the shared one, add up."""
    width = s.d_lat if kind.latent else s.d
    ops = [*_router(kind), *_routed_experts(kind, width), *_shared_expert(kind), *_combination(kind, width)]
    return [replace(op, cost=_with_idle_experts(op)) for op in ops] if kind.idle else ops


def _router(kind: Experts) -> list[Op]:
    """Scores of the experts, and which of them a token runs."""
    others = s.N_s if kind.shared_scored else 0
    route = moe.route(s.T, s.d, kind.router_bias, kind.correction, others, kind.hashed)
    ops = [Op("router.norm", "router", dense.norm(s.T, s.d, kind.router_norm))] if kind.router_norm else []
    ops += _deep_router(kind) if kind.router_deep else [Op("router", "router", route)]
    if kind.shared_scored:
        ops.append(Op("router.factor", "router", dense.scale_by_number(s.T, s.k + s.N_s)))
    if kind.expert_scale:
        ops.append(Op("router.scale", "router", moe.scale_scores(s.T)))
    return ops


def _deep_router(kind: Experts) -> list[Op]:
    """Scores by a network of the token and, where it is passed on, of the state of the router before."""
    ops = [Op("router.down", "router", dense.linear(s.T, s.d, s.r_r, s.b_r, bias=True))]
    if kind.router_handed:
        ops.append(Op("router.add", "router", dense.residual(s.T, s.r_r, weighed=True)))
    ops.append(Op("router.inner_norm", "inner_norm", dense.norm(s.T, s.r_r)))
    for number in (1, 2):
        ops.append(Op(f"router.fc{number}", "router", dense.linear(s.T, s.r_r, s.r_r, s.b_r, bias=True)))
        ops.append(Op(f"router.act{number}", "router", dense.activate(s.T, s.r_r, "gelu", gated=False)))
    return [
        *ops,
        Op("router", "router", moe.route(s.T, s.r_r, correction=kind.correction).xreplace({s.N_e: s.N_e + 1})),
    ]


def _routed_experts(kind: Experts, width: Expr) -> list[Op]:
    """The input of the routed experts, `width` elements per token, and the experts."""
    name, both = ("experts.gate_up", 2 * s.f_e) if kind.gated else ("experts.up", s.f_e)
    ops = [
        Op("dispatch", "router", moe.dispatch(s.T, width)),
        Op(name, "routed_experts", moe.expert_linear(s.T, width, both, kind.bias)),
        Op("experts.act", "routed_experts", dense.activate(s.T * s.k_run, s.f_e, kind.act, kind.gated)),
        Op("experts.down", "routed_experts", moe.expert_linear(s.T, s.f_e, width, kind.bias)),
    ]
    if kind.each_norm:
        ops.append(Op("experts.norm", "inner_norm", dense.norm(s.T * s.k_run, width, kind.each_norm)))
    return [*_latent_inputs(kind), *ops]


def _latent_inputs(kind: Experts) -> list[Op]:
    """The projection to the latent of the experts, and its norm."""
    down = dense.linear(s.T, s.d, s.d_lat, bias=kind.latent_bias)
    ops = [Op("latent.down", "latent_proj", down)] if kind.latent else []
    if kind.latent_in:
        ops.append(Op("latent.in_norm", "inner_norm", dense.norm(s.T, s.d_lat, kind.latent_in)))
    return ops


def _shared_expert(kind: Experts) -> list[Op]:
    """The shared expert, weighted by its scores or its gate."""
    act = kind.shared_act or kind.act
    network = network_operators("shared.", "shared_experts", s.f_s, act, kind.gated, kind.shared_bias)
    ops = network if kind.shared else []
    if kind.shared_scored:
        ops.insert(-1, Op("shared.weighed", "shared_experts", dense.elements(s.T, s.f_s + s.N_s, s.f_s, s.f_s)))
    if kind.shared_gate:
        ops.append(Op("shared.gate", "shared_experts", dense.linear(s.T, s.d, 1, s.b_r)))
        ops.append(Op("shared.gated", "shared_experts", dense.elements(s.T, s.d + 1, s.d, s.d + 4)))
    return ops


def _combination(kind: Experts, width: Expr) -> list[Op]:
    """The outputs of the experts added up, and projected from their latent."""
    ops = [Op("combine", "routed_experts", moe.combine(s.T, width, kind.shared and not kind.latent))]
    if kind.sum_bias:
        ops.append(Op("bias", "routed_experts", dense.bias(s.T, s.d)))
    if kind.latent_norm:
        ops.append(Op("latent.norm", "inner_norm", dense.norm(s.T, s.d_lat, kind.latent_norm)))
    if kind.latent:
        ops.append(Op("latent.up", "latent_proj", dense.linear(s.T, s.d_lat, s.d, bias=kind.latent_bias)))
    if kind.latent and kind.shared:
        ops.append(Op("shared.add", "shared_experts", dense.residual(s.T, s.d)))
    return ops


def _with_idle_experts(op: Op) -> Cost:
    """The cost of an operator where N_z more experts are scored and may be chosen, but do nothing."""
    if op.name == "router":
        return op.cost.xreplace({s.N_e: s.N_e + s.N_z})
    return op.cost.xreplace({s.k_run: s.k_real, s.N_x: s.N_real}) if op.name.startswith("experts.") else op.cost
