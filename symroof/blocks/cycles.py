"""The operators around stacks of layers that run several times."""

from sympy import Integer

from symroof import symbols as s
from symroof.architecture.kinds.shared import Cycle, Segments, Start
from symroof.cost.graph import Op
from symroof.ops import dense


def build_start(_: Start) -> list[Op]:
    """Before all layers: one vector for all tokens."""
    return [Op("start", "other", dense.broadcast(s.T, s.d))]


def build_segments(_: Segments) -> list[Op]:
    """Before all layers: one of two vectors, added."""
    return [Op("lookup.segments", "other", dense.lookup_added(s.T, s.d, Integer(2)))]


def build_cycle(kind: Cycle) -> list[Op]:
    """After a run of a stack: its norm, and the sum with the output of another run."""
    return [Op("norm", "norm", dense.norm(s.T, s.d, kind.norm)), Op("add", "residual", dense.residual(s.T, s.d))]
