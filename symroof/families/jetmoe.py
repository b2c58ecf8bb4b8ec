"""jetmoe: routed attention heads and routed feed-forward experts, both with a bias on their sum.

Source: transformers 5.23.0, models/jetmoe.
"""

from symroof.architecture.kinds.attention_variants import RoutedAttention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Part, Size
from symroof.config.config import Config
from symroof.families.reading.keys import CHOSEN, EXPERTS
from symroof.families.reading.parts import activation, decoder, experts


def jetmoe(config: Config) -> Architecture:
    """The same number of experts, in total and per token, in attention and in feed-forward networks."""
    moe = Experts(activation(config, "activation_function"), sum_bias=True)
    ffn = experts(config, moe, "intermediate_size")
    return decoder(config, "jetmoe", _routed_attention(config), ffn, tied=True)


def _routed_attention(config: Config) -> Part:
    """Attention whose query and output projections are experts."""
    k, H_kv = config.size(*CHOSEN), config.size("num_key_value_heads")
    if config.has("num_attention_heads") and config.number("num_attention_heads") != k * H_kv:
        raise config.wrong("num_attention_heads", f"num_key_value_heads x num_experts_per_tok = {k * H_kv}")
    h, N_e = config.size("kv_channels", "head_dim"), config.size(*EXPERTS)
    return Part.of(RoutedAttention(sum_bias=True), "attention", H_kv=H_kv, h=h, N_e=N_e, k=k, k_hf=Size(k, "k"))


FAMILIES = {"jetmoe": jetmoe}
