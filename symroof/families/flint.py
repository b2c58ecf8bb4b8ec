"""flint: attention with sinks, full attention without rotary embedding, and many small experts beside a shared one.

Source: transformers 5.23.0, models/flint.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Part, Pattern
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding
from symroof.families.reading.moe_layers import every_sparse_step, experts_with_one_shared, moe_or_dense
from symroof.families.reading.parts import activation, decoder, heads, layers, with_bias


def flint(config: Config) -> Architecture:
    """Full attention in the first two layers, every fourth and the last, else a window; two dense first layers."""
    count = layers(config)
    sliding = with_bias(config, Attention(qk_norm="rms", sinks=True))
    names = [FULL if i < 2 or i % 4 == 1 or i == count - 1 else SLIDING for i in range(count)]
    full, sizes = replace(sliding, rotary=""), heads(config, absent=128)
    attentions = full_and_sliding(config, full, sizes, names, "num_hidden_layers", 513, sliding)
    return decoder(config, "flint", attentions, _flint_network(config))


def _flint_network(config: Config) -> Part | Pattern:
    """Experts beside a shared one; dense networks in mlp_only_layers, the first two by default."""
    kind = Experts(activation(config))
    dense = config if config.has("mlp_only_layers") else config.with_defaults({}, mlp_only_layers=[0, 1])
    return moe_or_dense(config, every_sparse_step(dense), lambda: experts_with_one_shared(config, kind))


FAMILIES = {"flint": flint}
