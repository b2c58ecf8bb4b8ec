"""The operators around a sublayer where the residual has several streams."""

from sympy import Expr

from symroof import symbols as s
from symroof.cost.cost import Cost
from symroof.cost.graph import Op
from symroof.ops import dense
from symroof.ops.residual import hyper

ROLE = "hyper_connection"


def gather_operators(streams: str) -> list[Op]:
    """The streams made the input of a sublayer."""
    if streams == "low_rank":
        return low_rank_operators(s.m)
    mixing = streams == "mixed"
    outputs = s.m**2 + 2 * s.m if mixing else 2 * s.m
    return _weighted_sum(hyper.stream_weights(outputs, 3 if mixing else 2, mixing))


def low_rank_operators(others: Expr | int) -> list[Op]:
    """The streams, normalised one by one, weighted through rank r_s; `others`: weights of the output."""
    return [
        Op("streams.norm", "norm", dense.norm(s.T * s.m, s.d, "rms", s.m * s.d)),
        Op("streams.down", ROLE, dense.linear(s.T, s.m * s.d, s.r_s + others)),
        Op("streams.act", ROLE, dense.elements(s.T, s.r_s + others, s.r_s + others, 5 * s.r_s + 6 * others)),
        Op("streams.up", ROLE, dense.linear(s.T, s.r_s, s.m * s.d)),
        Op("streams.gather", ROLE, hyper.gather_streams_weighted()),
    ]


def spread_operator(streams: str) -> Op:
    """The output of a sublayer added to all streams."""
    return Op("streams.spread", ROLE, hyper.spread_to_streams(streams == "mixed"))


def copy_operator() -> Op:
    """All streams, from the embedding."""
    return Op("streams", ROLE, dense.elements(s.T, s.d, s.m * s.d, 0))


def head_operators(streams: str) -> list[Op]:
    """The streams made one after the last layer."""
    if streams == "low_rank":
        return low_rank_operators(0)
    if streams == "mean":
        return [Op("streams.mean", ROLE, dense.elements(s.T, s.m * s.d, s.d, s.m * s.d))]
    return _weighted_sum(hyper.stream_weights(s.m, 1, mixing=False))


def _weighted_sum(weights: Cost) -> list[Op]:
    """The streams normalised together, their weights, and their sum."""
    return [
        Op("streams.norm", ROLE, dense.norm(s.T, s.m * s.d, "rms_plain")),
        Op("streams.weights", ROLE, weights),
        Op("streams.gather", ROLE, hyper.gather_streams()),
    ]


def norm_gate_operators() -> list[Op]:
    """A norm's output y times the sigmoid of a network of rank r_g of y."""
    return [
        Op("norm.down", "norm", dense.linear(s.T, s.d, s.r_g)),
        Op("norm.act", "norm", dense.activate(s.T, s.r_g, "silu", gated=False)),
        Op("norm.up", "norm", dense.linear(s.T, s.r_g, s.d)),
        Op("norm.gated", "norm", dense.elements(s.T, 2 * s.d, s.d, 5 * s.d)),
    ]
