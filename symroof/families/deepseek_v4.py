"""deepseek_v4: attention to a window and to compressed entries, hyper-connections; the first layers' experts by hash.

Sources: transformers 5.23.0, models/deepseek_v4; sgl-project/DeepSeek-V4-Flash-FP8 calls it deepseek_ref.
"""

from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.latent_attention import CompressedAttention
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import HEADS, PARTIAL_ROTARY, check_multiple, mlp_bias, not_null, positive_number
from symroof.families.reading.layer_patterns import SLIDING
from symroof.families.reading.parts import LayerTypes, choose, decoder, experts, layer_types, layers, sizes_by_key

SPARSE, HEAVY = "compressed_sparse_attention", "heavily_compressed_attention"
ENTRIES = {SLIDING: "", SPARSE: "selected", HEAVY: "all"}  # CompressedAttention.entries by layer type
RATES = {SPARSE: 4, HEAVY: 128}  # compress_rates where absent
RATE_KEYS = {SPARSE: "compress_rate_csa", HEAVY: "compress_rate_hca"}
RATIOS = {0: SLIDING, 4: SPARSE, 128: HEAVY}  # layer types by compress_ratios
MIXED = Wiring(streams="mixed")
SHARED = "moe_intermediate_size"  # of the one shared expert: the released models ignore n_shared_experts


def deepseek_v4(config: Config) -> Architecture:
    """Several residual streams (four by default), mixed by a doubly stochastic matrix."""
    m, m_s = config.size("hc_mult", absent=4), config.size("hc_sinkhorn_iters", absent=20)
    slots = _attention_by_layer(config), _experts_by_layer(config)
    return decoder(config, "deepseek_v4", *slots, frame=Frame(streams="weighed"), m=m, m_s=m_s)


def _experts_by_layer(config: Config) -> Pattern:
    """Experts chosen by a hash of the token in the first num_hash_layers layers, then by the router."""
    act = "silu_limited" if not_null(config, "swiglu_limit") else "silu"
    if config.text("hidden_act", absent="silu") != "silu":
        raise config.wrong("hidden_act", "silu")
    kind = Experts(act, shared=True, shared_bias=mlp_bias(config), correction=True)
    moe = experts(config, kind, shared=Size(config.size(SHARED), SHARED), wiring=MIXED)
    hashed = replace(moe, kind=replace(kind, hashed=True, correction=False), name="hash_moe")
    names, origin = _routing_types(config)
    return choose(config, names, {"moe": moe, "hash_moe": hashed}, origin)


def _routing_types(config: Config) -> LayerTypes:
    """Per layer, whether a router or a hash chooses its experts."""
    count, key = layers(config), "num_hash_layers"
    first = min(config.number(key, absent=3, least=0), count)
    return layer_types(config, ["hash_moe"] * first + ["moe"] * (count - first), key, "mlp_layer_types")


def _attention_by_layer(config: Config) -> Pattern:
    """Attention with sparsely, heavily or not at all compressed entries."""
    names, origin = _attention_types(config)
    parts = {name: _compressed_attention(config, name) for name in ENTRIES if name in names}
    return choose(config, names, parts, origin)


def _attention_types(config: Config) -> LayerTypes:
    """The attention of each layer; entries for multi-token-prediction layers at the end of the lists are left out."""
    count = layers(config)
    if config.has("layer_types"):
        return config.words("layer_types")[:count], "layer_types"
    if config.has("compress_ratios"):
        ratios = config.whole_numbers("compress_ratios")[:count]
        if any(x not in RATIOS for x in ratios):
            raise config.wrong("compress_ratios", f"a list of {', '.join(map(str, RATIOS))}")
        return [RATIOS[x] for x in ratios], "compress_ratios"
    return [HEAVY if i < 2 or i % 2 == 0 else SPARSE for i in range(count)], "num_hidden_layers"


def _compressed_attention(config: Config, name: str) -> Part:
    """The attention of one type of layer."""
    sizes = _window_sizes(config)
    if name != SLIDING:
        sizes["w_c"] = _compression_rate(config, name)
    if name == SPARSE:
        sizes |= sizes_by_key(config, H_i="index_n_heads", h_i="index_head_dim", k_i="index_topk")
    return Part.of(CompressedAttention(ENTRIES[name]), name, MIXED, **sizes)


def _window_sizes(config: Config) -> dict[str, Size]:
    """The sizes that all types of layers have."""
    H_q, h, groups = config.size(*HEADS), config.size("head_dim", absent=512), config.size("o_groups", absent=8)
    check_multiple(config, H_q, groups, ": heads are divided into equal groups")
    return {
        "H_q": H_q,
        "h": h,
        "h_r": _rotary_head_dim(config, h),
        "r_q": config.size("q_lora_rank"),
        "G_o": groups,
        "r_o": config.size("o_lora_rank"),
        "w": config.size("sliding_window", absent=128),
    }


def _rotary_head_dim(config: Config, h: Size) -> Size:
    """The rotated part of a head: partial_rotary_factor of it, else qk_rope_head_dim, an eighth by default."""
    if not config.has(PARTIAL_ROTARY):
        return config.size("qk_rope_head_dim", absent=h // 8)
    return Size(int(h * positive_number(config, PARTIAL_ROTARY, 1, 1)), PARTIAL_ROTARY)


def _compression_rate(config: Config, name: str) -> Size:
    """The number of tokens in one compressed entry."""
    if config.has(RATE_KEYS[name]) or not config.has("compress_rates"):
        return config.size(RATE_KEYS[name], absent=RATES[name])
    return config.nested("compress_rates").size(name)


FAMILIES = {"deepseek_v4": deepseek_v4, "deepseek_ref": deepseek_v4}
