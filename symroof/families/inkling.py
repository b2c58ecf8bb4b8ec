"""inkling_text: attention with biases by distance instead of rotation, short convolutions, scored shared experts; and
inkling2_text, which has attention over depth in place of shared experts.

Source: transformers 5.23.0, models/inkling, inkling2.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention_variants import RelativeAttention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.streams import DepthAttention
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import Sizes, routed, several, sparse
from symroof.families.reading.parts import (
    activation,
    choose,
    constant,
    decoder,
    experts,
    feed_forward,
    layer_types,
    layers,
    untied,
)

CONVOLVED, SCALED = Wiring(convolved=True), Wiring(convolved=True, scaled=True)
DYNAMIC = "full_attention"
FULL, SLIDING = "hybrid", "hybrid_sliding"
OLD, NEW = ("intermediate_size", "dense_intermediate_size"), ("moe_intermediate_size", "intermediate_size")


def inkling_text(config: Config) -> Architecture:
    """Experts beside shared ones in all layers but the first dense_mlp_idx."""
    act, count = activation(config), layers(config)
    width, dense = OLD if config.has("dense_intermediate_size") else NEW  # of an expert, of a dense network
    first = config.number("dense_mlp_idx", absent=0, least=0)
    moe = Experts(act, shared=True, shared_scored=True)
    ffn = routed(
        config,
        sparse(config, range(min(first, count), count), "dense_mlp_idx"),
        lambda: experts(config, moe, width, several(config, "n_shared_experts", width, 2), CONVOLVED),
        lambda: feed_forward(config, FeedForward(act, factor=True), dense, wiring=CONVOLVED),
    )
    scaled = constant(config, "logits_mup_width_multiplier", 24) != 1
    return decoder(
        config,
        "inkling_text",
        attentions(config, RelativeAttention(), CONVOLVED),
        ffn,
        frame=Frame(embedding_norm="rms", head_scaled=scaled),
        k_c=config.size("conv_kernel_size", "sconv_kernel_size", absent=4),
        N_s=config.size("n_shared_experts", absent=2),
        d_b=config.size("d_rel", absent=16),
    )


def inkling2_text(config: Config) -> Architecture:
    """Experts in all layers; sublayers read weighted sums over depth, in full attention one each of three."""
    moe = Experts("situ")
    kind = RelativeAttention(clipped=True)
    slots = attentions(config, kind, SCALED), experts(config, moe, wiring=SCALED)
    return decoder(
        untied(config),
        "inkling2_text",
        *slots,
        frame=Frame(embedding_norm="rms", softcap=True),
        once=(depth_attention(config, slots[0]),),
        k_c=config.size("conv_kernel_size", "sconv_kernel_size", absent=4),
        d_b=config.size("d_rel", absent=16),
    )


def depth_attention(config: Config, attention: Pattern) -> Part:
    """Weighted sums before each sublayer but the first and before the head, of what blocks of layers add up to.

    Their terms are the embedding, the blocks that are complete, and the one that is begun.
    """
    count, key = layers(config), "n_layers_per_attn_res_block"
    step = config.number(key, absent=6)
    queries = [3 if part and part.name == DYNAMIC else 1 for part in attention.parts[1:]]
    terms = [-(-i // step) + 1 for i in range(1, count)]
    rest = sum(i // step + 2 for i in range(count)) + -(-count // step) + 1  # ahead of experts, and of the head
    sizes = {
        "N_mix": Size(sum(queries) + count + 1, key),
        "Y_mix": Size(sum(terms) + rest, key),
        "X_mix": Size(sum(q * n for q, n in zip(queries, terms, strict=True)) + rest, key),
    }
    return Part.of(DepthAttention(normalised=True), "depth_attention", Wiring("", residual=False), **sizes)


def attentions(config: Config, kind: RelativeAttention, wiring: Wiring) -> Pattern:
    """A window in five of six layers, or in those of local_layer_ids; the others' biases reach rel_extent tokens."""
    count = layers(config)
    local = config.listed("local_layer_ids") if config.has("local_layer_ids") else None
    absent = [SLIDING if (i in local if local is not None else (i + 1) % 6) else FULL for i in range(count)]
    names, origin = layer_types(config, absent, "local_layer_ids")
    full = replace(kind, temperature=config.has("log_scaling_n_floor"), dynamic=kind.clipped)
    parts = {}
    if FULL in names:
        sizes = {**heads(config, ""), "e_b": config.size("rel_extent", absent=1024)}
        parts[FULL] = Part.of(full, DYNAMIC, wiring, None, **sizes)
    if SLIDING in names:
        w = config.size("sliding_window_size", "sliding_window", absent=512)
        sizes = {**heads(config, "swa_"), "w": w, "e_b": Size(w, "w")}
        parts[SLIDING] = Part.of(replace(kind, mask="sliding"), "sliding_attention", wiring, None, **sizes)
    return choose(config, names, parts, origin)


def heads(config: Config, prefix: str) -> Sizes:
    """The heads of a type of layer."""
    keys = {"H_q": "num_attention_heads", "H_kv": "num_key_value_heads", "h": "head_dim"}
    return {base: config.size(prefix + key) for base, key in keys.items()}


FAMILIES = {"inkling_text": inkling_text, "inkling2_text": inkling2_text}
