"""deepseek_v2, deepseek_v3 and their likes: attention through a latent, the first layers dense, then routed experts.

In deepseek_v32 an indexer selects the keys a token attends to. Sources: transformers 5.23.0, models/deepseek_v2,
deepseek_v3, deepseek_v32, glm4_moe_lite, youtu, minicpm3, mistral4, axk1; the configs of Kimi K2, a deepseek_v3.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.latent import LatentAttention
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.glm_moe import shared_beside
from symroof.families.mistral import tuned
from symroof.families.reading.layer_patterns import after_first, sparse
from symroof.families.reading.parts import HEADS, HIDDEN, SANDWICH, activation, decoder, feed_forward

MLA = LatentAttention()
DSA = LatentAttention(mask="top", indexer="own")


def latent_sizes(config: Config, kind: LatentAttention) -> dict[str, Size]:
    """The sizes of attention through a latent; value heads are hidden size / H_q where v_head_dim is null or absent."""
    H_q = config.size(*HEADS)
    d = config.size(*HIDDEN)
    if not config.has("v_head_dim") and d % H_q:
        raise config.fail(f"{d.origin}={d} is no multiple of {H_q.origin}={H_q}: give v_head_dim")
    sizes = {
        "H_q": H_q,
        "r_kv": config.size("kv_lora_rank"),
        "h_n": config.size("qk_nope_head_dim"),
        "h_r": config.size("qk_rope_head_dim"),
        "h_v": config.size("v_head_dim", absent=d // H_q),
    }
    if kind.low_rank:
        sizes["r_q"] = config.size("q_lora_rank")
    if kind.mask == "top":
        sizes["k_i"] = config.size("index_topk")
    if kind.indexer == "own":
        sizes |= {"H_i": config.size("index_n_heads"), "h_i": config.size("index_head_dim")}
    return sizes


def latent(config: Config, kind: LatentAttention, name: str = "attention", wiring: Wiring | None = None) -> Part:
    """Attention through a latent, biased where attention_bias says so; queries directly where q_lora_rank is null."""
    bias = config.flag("attention_bias", absent=False)
    direct = config.says("q_lora_rank") and not config.has("q_lora_rank")
    if direct and kind.low_rank and kind.indexer == "own":
        raise config.fail("key 'q_lora_rank' is null: an indexer takes its queries from that rank; give it")
    kind = replace(kind, bias=bias, out_bias=bias, low_rank=kind.low_rank and not direct)
    return Part.of(kind, name, wiring, **latent_sizes(config, kind))


def moe_layers(config: Config, absent: int | None = None) -> tuple[Collection[int], str]:
    """By mlp_layer_types, else every moe_layer_freq-th layer after the first_k_dense_replace first ones."""
    first, key = after_first(config, absent=absent)
    step = config.number("moe_layer_freq", absent=1)
    return sparse(config, [i for i in first if i % step == 0], key if step == 1 else "moe_layer_freq")


def lineage(
    family: str, dense: int, kind: LatentAttention = MLA, shared: int = 1, mlp_bias: bool = False
) -> Callable[[Config], Architecture]:
    """The reader of a family with `dense` dense layers and `shared` shared experts where its config does not say."""

    def read(config: Config) -> Architecture:
        bias = mlp_bias and config.flag("mlp_bias", absent=False)
        ffn = shared_beside(config, moe_layers(config, dense), "n_shared_experts", shared, bias)
        return decoder(config, family, latent(config, kind), ffn)

    return read


def changed(slot: Part | Pattern, change: Callable[[Part], Part]) -> Part | Pattern:
    """The same slot, each part of it changed."""
    if isinstance(slot, Part):
        return change(slot)
    found = {id(x): change(x) for x in slot.parts if x is not None}
    return replace(slot, parts=[found.get(id(x)) for x in slot.parts])


def rewired(slot: Part | Pattern, wiring: Wiring) -> Part | Pattern:
    """The same slot with another wiring of experts."""
    return changed(slot, lambda x: replace(x, wiring=wiring) if isinstance(x.kind, Experts) else x)


def axk1(config: Config) -> Architecture:
    """deepseek_v3 with a norm after the experts."""
    ffn = shared_beside(config, moe_layers(config, 1), "n_shared_experts", 1)
    return decoder(config, "axk1", latent(config, MLA), rewired(ffn, SANDWICH))


def mistral4(config: Config) -> Architecture:
    """Queries scaled by their position."""
    return lineage("mistral4", 0, replace(MLA, tuned=tuned(config)))(config)


def youtu(config: Config) -> Architecture:
    """No experts."""
    ffn = feed_forward(config, FeedForward(activation(config)))
    return decoder(config, "youtu", latent(config, MLA), ffn, tied=True)


def minicpm3(config: Config) -> Architecture:
    """No experts; embeddings, what sublayers write and logits are scaled."""
    mlp = FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False))
    scaled = Wiring(scaled=True)
    slots = latent(config, MLA, wiring=scaled), feed_forward(config, mlp, wiring=scaled)
    return decoder(config, "minicpm3", *slots, frame=Frame(scaled=True, head_scaled=True), tied=True)


FAMILIES = {
    "deepseek_v2": lineage("deepseek_v2", 0, shared=2, mlp_bias=True),
    "deepseek_v3": lineage("deepseek_v3", 3),
    "deepseek_v32": lineage("deepseek_v32", 3, DSA),
    "glm4_moe_lite": lineage("glm4_moe_lite", 1),
    "axk1": axk1,
    "mistral4": mistral4,
    "youtu": youtu,
    "minicpm3": minicpm3,
}
