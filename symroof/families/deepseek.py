"""deepseek_v2, deepseek_v3 and their relatives: multi-head latent attention; dense first layers, then routed experts.

In deepseek_v32 an indexer selects the keys that a token attends to. Sources: transformers 5.23.0, models/deepseek_v2,
deepseek_v3, deepseek_v32, glm4_moe_lite, youtu, minicpm3, mistral4, axk1; the configs of Kimi K2, a deepseek_v3.
"""

from collections.abc import Callable
from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.latent_attention import LatentAttention
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.mistral import scales_by_position
from symroof.families.reading.keys import HEADS, HIDDEN, mlp_bias, size_quotient, size_unless_null
from symroof.families.reading.moe_layers import LayerSet, all_but_first_by_frequency, moe_with_shared, sparse_layers
from symroof.families.reading.parts import SANDWICH, Reader, activation, decoder, gated_mlp, sizes_by_key

MLA = LatentAttention()
DSA = LatentAttention(mask="top", indexer="full")


def latent_attention_part(
    config: Config, kind: LatentAttention, name: str = "attention", wiring: Wiring | None = None, h_v: int = 128
) -> Part:
    """Multi-head latent attention, biased if attention_bias says so; full-rank queries where q_lora_rank is null.

    h_v: the default v_head_dim.
    """
    bias = config.flag("attention_bias", absent=False)
    full_rank = kind.low_rank and config.says("q_lora_rank") and not config.has("q_lora_rank")
    if full_rank and kind.indexer == "full":
        raise config.fail("key 'q_lora_rank' is null: an indexer takes its queries from that rank; give it")
    kind = replace(kind, bias=bias, out_bias=bias, low_rank=kind.low_rank and not full_rank)
    return Part.of(kind, name, wiring, **_latent_sizes(config, kind, h_v))


def _latent_sizes(config: Config, kind: LatentAttention, h_v: int) -> dict[str, Size]:
    """The sizes of latent attention and of its indexer, if it has one."""
    sizes = {
        "H_q": config.size(*HEADS),
        **sizes_by_key(config, r_kv="kv_lora_rank", h_n="qk_nope_head_dim", h_r="qk_rope_head_dim"),
        "h_v": size_unless_null(config, "v_head_dim", h_v),
    }
    if kind.low_rank:
        sizes["r_q"] = config.size("q_lora_rank")
    if kind.mask == "top":
        sizes["k_i"] = config.size("index_topk")
    return sizes | (sizes_by_key(config, H_i="index_n_heads", h_i="index_head_dim") if kind.indexer == "full" else {})


def deepseek_moe_layers(config: Config, absent: int | None = None) -> LayerSet:
    """By mlp_layer_types, else every moe_layer_freq-th layer after the first_k_dense_replace first ones."""
    return sparse_layers(config, *all_but_first_by_frequency(config, absent))


def deepseek_moe(
    config: Config, dense: int, shared: int = 1, bias: bool = False, correction: bool = True
) -> Part | Pattern:
    """Experts beside shared ones after the first layers; `dense` such layers and `shared` such experts by default."""
    kind = Experts(activation(config), shared_bias=bias, correction=correction)
    return moe_with_shared(config, deepseek_moe_layers(config, dense), kind, "n_shared_experts", shared, bias)


def _deepseek_reader(
    family: str,
    dense: int,
    kind: LatentAttention = MLA,
    shared: int = 1,
    biased: bool = False,
    h_v: int = 128,
    correction: bool = True,
) -> Reader:
    """The reader of a family with these defaults of dense layers, shared experts and the size of value heads.

    biased: mlp_bias counts. correction: scores of experts are corrected.
    """

    def read(config: Config) -> Architecture:
        ffn = deepseek_moe(config, dense, shared, biased and mlp_bias(config), correction)
        return decoder(config, family, latent_attention_part(config, kind, h_v=h_v), ffn)

    return read


def map_parts(slot: Part | Pattern, change: Callable[[Part], Part]) -> Part | Pattern:
    """The slot with `change` applied to each of its parts."""
    if isinstance(slot, Part):
        return change(slot)
    changed = {id(x): change(x) for x in slot.parts if x is not None}
    return replace(slot, parts=[changed.get(id(x)) for x in slot.parts])


def with_experts_wiring(slot: Part | Pattern, wiring: Wiring) -> Part | Pattern:
    """The slot with another wiring of its routed experts."""
    return map_parts(slot, lambda x: replace(x, wiring=wiring) if isinstance(x.kind, Experts) else x)


def axk1(config: Config) -> Architecture:
    """deepseek_v3 with a norm after the experts."""
    ffn = with_experts_wiring(deepseek_moe(config, 1), SANDWICH)
    return decoder(config, "axk1", latent_attention_part(config, MLA), ffn)


def mistral4(config: Config) -> Architecture:
    """deepseek_v3 without dense layers; queries scaled by their position."""
    kind = replace(MLA, tuned=scales_by_position(config))
    return _deepseek_reader("mistral4", 0, kind, correction=False)(config)


def sarvam_mla(config: Config) -> Architecture:
    """deepseek_v3 with full-rank queries by default."""
    return _deepseek_reader("sarvam_mla", 1)(config.with_defaults({"q_lora_rank": None}))


def youtu(config: Config) -> Architecture:
    """Latent attention and dense networks."""
    return decoder(config, "youtu", latent_attention_part(config, MLA), gated_mlp(config), tied=True)


def minicpm3(config: Config) -> Architecture:
    """Latent attention and dense networks; embeddings, sublayer outputs and logits are scaled."""
    wiring, frame = Wiring(scaled=True), Frame(scaled=True, head_scaled=True)
    if not config.has("v_head_dim"):
        h_v = size_quotient(config, config.size(*HIDDEN), config.size(*HEADS), ": give v_head_dim")
        config = config.with_defaults({}, v_head_dim=int(h_v))
    slots = latent_attention_part(config, MLA, wiring=wiring), gated_mlp(config, mlp_bias(config), wiring)
    return decoder(config, "minicpm3", *slots, frame=frame, tied=True)


FAMILIES = {
    "deepseek_v2": _deepseek_reader("deepseek_v2", 0, shared=2, biased=True, correction=False),
    "deepseek_v3": _deepseek_reader("deepseek_v3", 3),
    "deepseek_v32": _deepseek_reader("deepseek_v32", 3, DSA),
    "glm4_moe_lite": _deepseek_reader("glm4_moe_lite", 1, h_v=256),
    "axk1": axk1,
    "mistral4": mistral4,
    "sarvam_mla": sarvam_mla,
    "youtu": youtu,
    "minicpm3": minicpm3,
}
