"""What stands around a sublayer where the residual is kept in several streams."""

from dataclasses import replace

from sympy import Expr

from symroof import symbols as s
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.residual import hyper

ROLE = "hyper_connection"


def gather(streams: str) -> list[Op]:
    """The streams made the input of a sublayer."""
    if streams == "low_rank":
        return low_rank(s.m)
    mixing = streams == "mixed"
    outputs = s.m**2 + 2 * s.m if mixing else 2 * s.m
    return [
        Op("streams.norm", ROLE, dense.norm(s.T, s.m * s.d, "rms_plain")),
        Op("streams.weights", ROLE, hyper.weights(outputs, 3 if mixing else 2, mixing)),
        Op("streams.gather", ROLE, hyper.gather()),
    ]


def low_rank(others: Expr | int) -> list[Op]:
    """The streams, normalised each by itself, weighed through rank r_s; `others`: weights of the output."""
    return [
        Op("streams.norm", "norm", dense.norm(s.T * s.m, s.d, "rms", s.m * s.d)),
        Op("streams.down", ROLE, dense.linear(s.T, s.m * s.d, s.r_s + others)),
        Op("streams.act", ROLE, dense.elements(s.T, s.r_s + others, s.r_s + others, 5 * s.r_s + 6 * others)),
        Op("streams.up", ROLE, dense.linear(s.T, s.r_s, s.m * s.d)),
        Op("streams.gather", ROLE, hyper.gather_weighed()),
    ]


def spread(streams: str) -> Op:
    """The output of a sublayer added to all streams."""
    return Op("streams.spread", ROLE, hyper.spread(streams == "mixed"))


def copy() -> Op:
    """All streams, from the embedding."""
    return Op("streams", ROLE, dense.elements(s.T, s.d, s.m * s.d, 0))


def head(streams: str) -> list[Op]:
    """The streams made one after the last layer."""
    if streams == "low_rank":
        return [replace(op, cost=dense.run(op.cost, s.delta)) for op in low_rank(0)]
    if streams == "mean":
        return [Op("streams.mean", ROLE, dense.run(dense.elements(s.T, s.m * s.d, s.d, s.m * s.d), s.delta))]
    costs = {
        "streams.norm": dense.norm(s.T, s.m * s.d, "rms_plain"),
        "streams.weights": hyper.weights(s.m, 1, mixing=False),
        "streams.gather": hyper.gather(),
    }
    return [Op(name, ROLE, dense.run(cost, s.delta)) for name, cost in costs.items()]


def gate() -> list[Op]:
    """A norm's output y times the sigmoid of a network of rank r_g of y."""
    return [
        Op("norm.down", "norm", dense.linear(s.T, s.d, s.r_g)),
        Op("norm.act", "norm", dense.activate(s.T, s.r_g, "silu", gated=False)),
        Op("norm.up", "norm", dense.linear(s.T, s.r_g, s.d)),
        Op("norm.gated", "norm", dense.elements(s.T, 2 * s.d, s.d, 5 * s.d)),
    ]
