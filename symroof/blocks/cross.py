"""Layers that attend to an image: in memory with those for text, and not run without an image."""

from sympy import Integer

from symroof import symbols as s
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.shared import CrossLayer
from symroof.blocks import feed_forward
from symroof.blocks.attention import grouped
from symroof.cost.cost import Cost
from symroof.cost.graph import Op
from symroof.ops import dense


def build_cross_layer(kind: CrossLayer) -> list[Op]:
    """Norm, attention, norm and network, each output scaled by a learned number: not run for text."""
    norm, gate = dense.norm(s.T, s.d), Cost(weight_held=s.b_n)
    ops = [
        Op("norm", "norm", norm),
        *grouped.build_attention(Attention(rotary="", qk_norm="rms")),
        Op("gate", "attention", gate),
    ]
    ops += [
        Op("mlp_norm", "norm", norm),
        *feed_forward.build_feed_forward(FeedForward(kind.act)),
        Op("mlp_gate", "attention", gate),
    ]
    return [op.changed(lambda cost: dense.run_times(cost, Integer(0))) for op in ops]
