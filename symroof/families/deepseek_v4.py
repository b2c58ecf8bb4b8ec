"""deepseek_v4: attention to a window and to compressed entries, hyper-connections, experts chosen by hash at first.

Sources: transformers 5.23.0, models/deepseek_v4; sgl-project/DeepSeek-V4-Flash-FP8 calls it deepseek_ref.
"""

from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.latent import CompressedAttention
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.parts import HEADS, choose, decoder, experts, layer_types, layers

SLIDING, SPARSE, HEAVY = "sliding_attention", "compressed_sparse_attention", "heavily_compressed_attention"
ENTRIES = {SLIDING: "", SPARSE: "selected", HEAVY: "all"}
RATES = {SPARSE: 4, HEAVY: 128}  # compress_rates where absent
RATIOS = {0: SLIDING, 4: SPARSE, 128: HEAVY}  # compress_ratios name the attention of a layer
MIXED = Wiring(streams="mixed")
SHARED = "moe_intermediate_size"  # there is one shared expert, whatever n_shared_experts says


def read(config: Config) -> Architecture:
    """Four streams of the residual by default, mixed by a doubly stochastic matrix."""
    m, m_s = config.size("hc_mult", absent=4), config.size("hc_sinkhorn_iters", absent=20)
    act = "silu_limited" if config.has("swiglu_limit") or not config.says("swiglu_limit") else "silu"
    if config.text("hidden_act", absent="silu") != "silu":
        raise config.wrong("hidden_act", "silu")
    kind = Experts(act, shared=True, shared_bias=config.flag("mlp_bias", absent=False))
    moe = experts(config, kind, shared=Size(config.size(SHARED), SHARED), wiring=MIXED)
    hashed = replace(moe, kind=replace(kind, hashed=True), name="hash_moe")
    names, origin = routing(config)
    slots = attentions(config), choose(config, names, {"moe": moe, "hash_moe": hashed}, origin)
    return decoder(config, "deepseek_v4", *slots, frame=Frame(streams="weighed"), m=m, m_s=m_s)


def routing(config: Config) -> tuple[list[str], str]:
    """Whether a layer's experts are chosen by the router or by the token, and the key that says so."""
    count, key = layers(config), "num_hash_layers"
    first = min(config.number(key, absent=3, least=0), count)
    return layer_types(config, ["hash_moe"] * first + ["moe"] * (count - first), key, "mlp_layer_types")


def attentions(config: Config) -> Pattern:
    """A part of each kind of attention there is."""
    names, origin = kinds(config)
    parts = {name: attention(config, name) for name in ENTRIES if name in names}
    return choose(config, names, parts, origin)


def kinds(config: Config) -> tuple[list[str], str]:
    """The attention of each layer and the key that says so; both lists may go on to layers that predict further."""
    count = layers(config)
    if config.has("layer_types"):
        return [str(x) for x in config.listed("layer_types")[:count]], "layer_types"
    if config.has("compress_ratios"):
        ratios = config.listed("compress_ratios")[:count]
        if any(x not in RATIOS for x in ratios):
            raise config.wrong("compress_ratios", f"a list of {', '.join(map(str, RATIOS))}")
        return [RATIOS[x] for x in ratios], "compress_ratios"
    return [HEAVY if i < 2 or i % 2 == 0 else SPARSE for i in range(count)], "num_hidden_layers"


def attention(config: Config, name: str) -> Part:
    """The attention of one kind of layer with its own compression rate."""
    H_q, h, groups = config.size(*HEADS), config.size("head_dim", absent=512), config.size("o_groups", absent=8)
    if H_q % groups:
        raise config.fail(
            f"{H_q.origin}={H_q} is no multiple of {groups.origin}={groups}: heads fall into equal groups"
        )
    sizes = {
        "H_q": H_q,
        "h": h,
        "h_r": rotated(config, h),
        "r_q": config.size("q_lora_rank"),
        "G_o": groups,
        "r_o": config.size("o_lora_rank"),
        "w": config.size("sliding_window", absent=128),
    }
    if name != SLIDING:
        sizes["w_c"] = rate(config, name)
    if name == SPARSE:
        sizes |= {
            "H_i": config.size("index_n_heads"),
            "h_i": config.size("index_head_dim"),
            "k_i": config.size("index_topk"),
        }
    return Part.of(CompressedAttention(ENTRIES[name]), name, MIXED, **sizes)


def rotated(config: Config, h: Size) -> Size:
    """The rotated part of a head: qk_rope_head_dim, else partial_rotary_factor of it, an eighth by default."""
    key = "partial_rotary_factor"
    if not config.has(key):
        return config.size("qk_rope_head_dim", absent=h // 8)
    factor = config.data[key]
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 < factor <= 1:
        raise config.wrong(key, "a number above 0, at most 1")
    return Size(int(h * factor), key)


def rate(config: Config, name: str) -> Size:
    """How many tokens an entry of that kind of layer stands for."""
    short = {SPARSE: "compress_rate_csa", HEAVY: "compress_rate_hca"}[name]
    if config.has(short) or not config.has("compress_rates"):
        return config.size(short, absent=RATES[name])
    return config.nested("compress_rates").size(name)


FAMILIES = {"deepseek_v4": read, "deepseek_ref": read}
