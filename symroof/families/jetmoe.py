"""jetmoe: routed heads of attention and routed feed-forward experts, each with a bias on its sum.

Source: transformers 5.23.0, models/jetmoe.
"""

from symroof.architecture.kinds.attention_variants import RoutedAttention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Part, Size
from symroof.config.config import Config
from symroof.families.reading.parts import CHOSEN, EXPERTS, activation, decoder, experts


def jetmoe(config: Config) -> Architecture:
    """As many experts, and as many of them for each token, in attention as in the networks."""
    k, H_kv = config.size(*CHOSEN), config.size("num_key_value_heads")
    if config.has("num_attention_heads") and config.number("num_attention_heads") != k * H_kv:
        raise config.wrong("num_attention_heads", f"num_key_value_heads x num_experts_per_tok = {k * H_kv}")
    heads = Part.of(
        RoutedAttention(sum_bias=True),
        "attention",
        H_kv=H_kv,
        h=config.size("kv_channels", "head_dim"),
        N_e=config.size(*EXPERTS),
        k=k,
        k_hf=Size(k, "k"),
    )
    moe = Experts(activation(config, "activation_function"), sum_bias=True)
    return decoder(config, "jetmoe", heads, experts(config, moe, "intermediate_size"), tied=True)


FAMILIES = {"jetmoe": jetmoe}
