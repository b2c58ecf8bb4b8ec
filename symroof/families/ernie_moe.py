"""ernie4_5_moe, hunyuan_v1_moe, hunyuan and aria_text: routed experts beside shared ones.

Sources: transformers 5.23.0, models/ernie4_5_moe, hunyuan_v1_moe, aria; vllm-project/vllm,
vllm/model_executor/models/hunyuan_v1.py.
"""

from collections.abc import Collection

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import numbers, routed, several
from symroof.families.reading.parts import EXPERTS, activation, attention, decoder, experts, feed_forward, heads, layers


def ernie4_5_moe(config: Config) -> Architecture:
    """Experts in some layers, chosen with a learned correction; biases everywhere but on them."""
    bias = config.flag("use_bias", absent=False)
    act = activation(config)

    def moe() -> Part:
        shared = several(config, "moe_num_shared_experts", "moe_intermediate_size", 2)
        kind = Experts(act, correction=True, shared=shared is not None, shared_bias=bias)
        return experts(config, kind, shared=shared)

    ffn = routed(config, at_intervals(config), moe, lambda: feed_forward(config, FeedForward(act, bias=bias)))
    return decoder(
        config,
        "ernie4_5_moe",
        attention(Attention(bias=bias, out_bias=bias), heads(config)),
        ffn,
        frame=Frame(head_bias=bias),
        tied=True,
    )


def at_intervals(config: Config) -> tuple[Collection[int], str]:
    """Every moe_layer_interval-th layer from a first to a last one; -1 is the last of all."""
    count, step = layers(config), config.number("moe_layer_interval", absent=1)
    first = config.number("moe_layer_start_index", absent=1, least=0)
    last = config.number("moe_layer_end_index", absent=-1, least=-1)
    last = count - 1 if last == -1 else last
    return {i for i in range(count) if (i + 1) % step == 0 and first <= i <= last}, "moe_layer_interval"


def hunyuan_v1_moe(config: Config) -> Architecture:
    """Normalised queries and keys; one shared expert of the experts' size."""
    bias = config.flag("attention_bias", absent=False)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms", norm_last=True)
    moe = experts(
        config,
        Experts(activation(config), shared=True),
        "intermediate_size",
        shared=Size(config.size("intermediate_size"), "f_e"),
    )
    return decoder(config, "hunyuan_v1_moe", attention(kind, heads(config, single=True)), moe)


def hunyuan(config: Config) -> Architecture:
    """The config Hunyuan-A13B was published with: sizes of experts may be listed by layer."""
    for key in ("use_cla", "use_mla"):
        if config.flag(key, absent=False):
            raise config.wrong(key, "false: attention of this kind is not known here")
    bias, norm = config.flag("attention_bias", absent=False), config.flag("use_qk_norm", absent=False)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms" if norm else "", norm_last=norm)
    h = config.size("attention_head_dim") if config.has("attention_head_dim") else None
    return decoder(config, "hunyuan", attention(kind, heads(config, h, single=True)), listed_experts(config))


def listed_experts(config: Config) -> Pattern:
    """The experts of each layer, with shared ones where use_mixed_mlp_moe says so."""
    count, f = layers(config), config.size("intermediate_size")
    widths, chosen = numbers(config, "moe_intermediate_size", [f] * count, 1), numbers(config, "moe_topk", [1] * count)
    copies = numbers(config, "num_shared_expert", [1] * count, 1)
    mixed, bias = config.flag("use_mixed_mlp_moe", absent=False), config.flag("mlp_bias", absent=False)
    act, N_e = activation(config), config.size(*EXPERTS)
    kind = Experts(act, bias=bias, shared=mixed, shared_bias=bias)
    first = config.number("moe_layer_num_skipped", absent=0, least=0)
    parts = [feed_forward(config, FeedForward(act, bias=bias))] * min(first, count)
    for f_e, k, times in list(zip(widths, chosen, copies, strict=True))[first:]:
        shared = {"f_s": Size(f * times, "num_shared_expert x intermediate_size")} if mixed else {}
        parts.append(Part.of(kind, "moe", None, None, f_e=f_e, N_e=N_e, k=k, k_hf=Size(k, "k"), **shared))
    return Pattern(parts, "moe_topk")


def aria_text(config: Config) -> Architecture:
    """Experts and shared ones of one width."""
    bias, mlp_bias = config.flag("attention_bias", absent=False), config.flag("mlp_bias", absent=False)
    shared = several(config, "moe_num_shared_experts", "intermediate_size", 2)
    kind = Experts(activation(config), shared=shared is not None, shared_bias=mlp_bias)
    return decoder(
        config,
        "aria_text",
        attention(Attention(bias=bias, out_bias=bias), heads(config, single=True)),
        experts(config, kind, "intermediate_size", shared),
    )


FAMILIES = {
    "ernie4_5_moe": ernie4_5_moe,
    "hunyuan_v1_moe": hunyuan_v1_moe,
    "hunyuan": hunyuan,
    "aria_text": aria_text,
}
