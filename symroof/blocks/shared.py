"""Per-layer adapters of a block whose weights several layers share, and single projections."""

from sympy import Expr

from symroof import symbols as s
from symroof.architecture.kinds.shared import Adapters, Projection
from symroof.cost.graph import Op
from symroof.ops import dense


def build_adapters(kind: Adapters) -> list[Op]:
    """Low-rank projections whose outputs are added to those of the shared ones."""
    ops = [op for name in "qkv" if kind.attention for op in _adapter(name, "attention", 2 * s.d, 2 * s.d)]
    return ops + _adapter("gate_up", "ffn", s.d, 2 * s.f)


def _adapter(name: str, role: str, d_in: Expr, d_out: Expr) -> list[Op]:
    """Down to the rank, up, and added."""
    return [
        Op(f"{name}.down", role, dense.linear(s.T, d_in, s.r_a)),
        Op(f"{name}.up", role, dense.linear(s.T, s.r_a, d_out)),
        Op(f"{name}.add", role, dense.residual(s.T, d_out)),
    ]


def build_projection(kind: Projection) -> list[Op]:
    """One projection to the same width."""
    width = s.b_f if kind.role == "ffn" else s.b_w
    return [Op("linear", kind.role, dense.linear(s.T, s.d, s.d, width, kind.bias))]
