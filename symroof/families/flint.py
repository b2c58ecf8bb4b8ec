"""flint: sinks, layers that see all and rotate nothing, and many small experts beside a shared one.

Source: transformers 5.23.0, models/flint.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, alternating, routed, stepped
from symroof.families.reading.parts import activation, decoder, experts, feed_forward, heads, layers


def flint(config: Config) -> Architecture:
    """Windows but in the first two layers, every fourth and the last; dense networks in the first two."""
    bias, count, act = config.flag("attention_bias", absent=False), layers(config), activation(config)
    sliding = Attention(bias=bias, out_bias=bias, qk_norm="rms", sinks=True)
    full = Attention(rotary="", bias=bias, out_bias=bias, qk_norm="rms", sinks=True)
    names = [FULL if i < 2 or i % 4 == 1 or i == count - 1 else SLIDING for i in range(count)]
    dense = config if config.has("mlp_only_layers") else config.filled({}, mlp_only_layers=[0, 1])
    moe, shared = Experts(act, shared=True), "shared_expert_intermediate_size"
    ffn = routed(
        config,
        stepped(dense),
        lambda: experts(config, moe, shared=config.size(shared)),
        lambda: feed_forward(config, FeedForward(act)),
    )
    sizes = heads(config, absent=128)
    return decoder(config, "flint", alternating(config, full, sizes, names, "num_hidden_layers", 513, sliding), ffn)


FAMILIES = {"flint": flint}
