"""ernie4_5_moe, hunyuan_v1_moe, hunyuan and aria_text: routed experts beside shared ones.

Sources: transformers 5.23.0, models/ernie4_5_moe, hunyuan_v1_moe, aria; vllm-project/vllm,
vllm/model_executor/models/hunyuan_v1.py.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.keys import EXPERTS, mlp_bias
from symroof.families.reading.layer_patterns import numbers_by_layer
from symroof.families.reading.moe_layers import LayerSet, experts_with_shared, moe_with_shared
from symroof.families.reading.parts import (
    activation,
    attention,
    decoder,
    experts,
    gated_mlp,
    heads,
    layers,
    with_bias,
    with_sizes,
)


def ernie4_5_moe(config: Config) -> Architecture:
    """Experts in some layers, chosen with a score correction; biases everywhere but on routed experts."""
    bias = config.flag("use_bias", absent=False)
    kind = Experts(activation(config), correction=True, shared_bias=bias)
    ffn = moe_with_shared(config, _moe_interval(config), kind, "moe_num_shared_experts", 2, bias)
    slot = attention(Attention(bias=bias, out_bias=bias), heads(config))
    return decoder(config, "ernie4_5_moe", slot, ffn, frame=Frame(head_bias=bias), tied=True)


def _moe_interval(config: Config) -> LayerSet:
    """Every moe_layer_interval-th layer from a first to a last one; -1 is the last layer of the model."""
    count, step = layers(config), config.number("moe_layer_interval", absent=1)
    first = config.number("moe_layer_start_index", absent=1, least=0)
    last = config.number("moe_layer_end_index", absent=-1, least=-1)
    last = count - 1 if last == -1 else last
    return {i for i in range(count) if (i + 1) % step == 0 and first <= i <= last}, "moe_layer_interval"


def hunyuan_v1_moe(config: Config) -> Architecture:
    """Norms of queries and keys after the rotation; one shared expert as wide as the routed ones."""
    kind = with_bias(config, Attention(qk_norm="rms", norm_last=True))
    width, moe = "intermediate_size", Experts(activation(config), shared=True)
    ffn = experts(config, moe, width, shared=Size(config.size(width), "f_e"))
    return decoder(config, "hunyuan_v1_moe", attention(kind, heads(config, single=True)), ffn)


def hunyuan_a13b(config: Config) -> Architecture:
    """Hunyuan-A13B as published: sizes of experts may be listed per layer."""
    for key in ("use_cla", "use_mla"):
        if config.flag(key, absent=False):
            raise config.wrong(key, "false: attention of this kind is not known here")
    norm = config.flag("use_qk_norm", absent=False)
    kind = with_bias(config, Attention(qk_norm="rms" if norm else "", norm_last=norm))
    h = config.size("attention_head_dim") if config.has("attention_head_dim") else None
    return decoder(config, "hunyuan", attention(kind, heads(config, h, single=True)), _hunyuan_network(config))


def _hunyuan_network(config: Config) -> Pattern:
    """Dense first layers, then experts whose sizes may be listed per layer."""
    count, f = layers(config), config.size("intermediate_size")
    widths = numbers_by_layer(config, "moe_intermediate_size", [f] * count, 1)
    chosen = numbers_by_layer(config, "moe_topk", [1] * count)
    copies = numbers_by_layer(config, "num_shared_expert", [1] * count, 1)
    first = config.number("moe_layer_num_skipped", absent=0, least=0)
    dense = [gated_mlp(config, mlp_bias(config))] * min(first, count)
    moe = [_hunyuan_experts(config, *sizes) for sizes in zip(widths, chosen, copies, strict=True)]
    return Pattern([*dense, *moe[first:]], "moe_topk")


def _hunyuan_experts(config: Config, f_e: Size, k: Size, copies: Size) -> Part:
    """The experts of one layer, with shared ones if use_mixed_mlp_moe says so."""
    mixed, bias = config.flag("use_mixed_mlp_moe", absent=False), mlp_bias(config)
    kind = Experts(activation(config), bias=bias, shared=mixed, shared_bias=bias)
    part = Part.of(kind, "moe", f_e=f_e, N_e=config.size(*EXPERTS), k=k, k_hf=Size(k, "k"))
    f_s = Size(config.size("intermediate_size") * copies, "num_shared_expert x intermediate_size")
    return with_sizes(part, f_s=f_s) if mixed else part


def aria_text(config: Config) -> Architecture:
    """Routed and shared experts of the same width in all layers."""
    kind = Experts(activation(config), shared_bias=mlp_bias(config))
    ffn = experts_with_shared(config, kind, "moe_num_shared_experts", 2, "intermediate_size")
    slot = attention(with_bias(config, Attention()), heads(config, single=True))
    return decoder(config, "aria_text", slot, ffn)


FAMILIES = {
    "ernie4_5_moe": ernie4_5_moe,
    "hunyuan_v1_moe": hunyuan_v1_moe,
    "hunyuan": hunyuan_a13b,
    "aria_text": aria_text,
}
