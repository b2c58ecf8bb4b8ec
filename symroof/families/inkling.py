"""inkling_text: attention with a bias by distance in place of rotary embedding, short convolutions, scored shared
experts; inkling2_text: attention over depth in place of shared experts.

Source: transformers 5.23.0, models/inkling, inkling2.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention_variants import RelativeAttention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.streams import DepthAttention
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import has_number, multiplier, with_untied_head
from symroof.families.reading.layer_patterns import FULL, SLIDING
from symroof.families.reading.moe_layers import all_but_first, moe_or_dense, shared_width, sparse_layers
from symroof.families.reading.parts import (
    BARE,
    LayerTypes,
    Sizes,
    activation,
    choose,
    decoder,
    experts,
    feed_forward,
    layer_types,
    layers,
)

CONVOLVED, SCALED = Wiring(convolved=True), Wiring(convolved=True, scaled=True)
HYBRID, HYBRID_SLIDING = "hybrid", "hybrid_sliding"  # layer types
# Keys of the width of an expert and of a dense network, in old and new configs.
OLD_WIDTHS = ("intermediate_size", "dense_intermediate_size")
NEW_WIDTHS = ("moe_intermediate_size", "intermediate_size")


def inkling_text(config: Config) -> Architecture:
    """Experts beside shared ones in all layers but the first dense_mlp_idx."""
    slots = _inkling_attention(config, RelativeAttention(), CONVOLVED, 512), _inkling_network(config)
    scaled = multiplier(config, "logits_mup_width_multiplier", 24) != 1
    frame = Frame(embedding_norm="rms", head_scaled=scaled)
    k_c, d_b = _convolution_size(config), config.size("d_rel", absent=16)
    N_s = config.size("n_shared_experts", absent=2)
    return decoder(config, "inkling_text", *slots, frame=frame, k_c=k_c, N_s=N_s, d_b=d_b)


def _inkling_network(config: Config) -> Part | Pattern:
    """Experts beside scored shared ones, or a dense network whose output has a learned factor."""
    act = activation(config)
    old = config.has(OLD_WIDTHS[1]) and config.size(OLD_WIDTHS[1])  # must be valid, also where no layer is dense
    expert, dense = OLD_WIDTHS if old else NEW_WIDTHS
    kind = Experts(act, shared=True, shared_scored=True, correction=True)
    return moe_or_dense(
        config,
        sparse_layers(config, *all_but_first(config, "dense_mlp_idx", 0)),
        lambda: experts(config, kind, expert, shared_width(config, "n_shared_experts", expert, 2), CONVOLVED),
        lambda: feed_forward(config, FeedForward(act, factor=True), dense, wiring=CONVOLVED),
    )


def _convolution_size(config: Config) -> Size:
    """The kernel size of the short convolutions."""
    return config.size("conv_kernel_size", "sconv_kernel_size", absent=4)


def inkling2_text(config: Config) -> Architecture:
    """Experts in all layers; sublayers read weighted sums over depth, full attention three of them."""
    attentions = _inkling_attention(config, RelativeAttention(clipped=True, temperature=True), SCALED, 1024)
    slots = attentions, experts(config, Experts("situ", correction=True), wiring=SCALED)
    once = (_inkling_depth_attention(config, attentions),)
    k_c, d_b = _convolution_size(config), config.size("d_rel", absent=16)
    frame = Frame(embedding_norm="rms", softcap=True)
    return decoder(with_untied_head(config), "inkling2_text", *slots, frame=frame, once=once, k_c=k_c, d_b=d_b)


def _inkling_depth_attention(config: Config, attentions: Pattern) -> Part:
    """Weighted sums over blocks of layers, before each sublayer but the first and before the head.

    Their terms are the embedding, the complete blocks, and the current one.
    """
    count, key = layers(config), "n_layers_per_attn_res_block"
    step = config.number(key, absent=6)
    queries = [3 if part and part.name == FULL else 1 for part in attentions.parts[1:]]
    terms = [-(-i // step) + 1 for i in range(1, count)]
    rest = sum(i // step + 2 for i in range(count)) + -(-count // step) + 1  # before experts, and before the head
    sizes = {
        "N_mix": Size(sum(queries) + count + 1, key),
        "Y_mix": Size(sum(terms) + rest, key),
        "X_mix": Size(sum(q * n for q, n in zip(queries, terms, strict=True)) + rest, key),
    }
    return Part.of(DepthAttention(normalised=True), "depth_attention", BARE, **sizes)


def _inkling_attention(config: Config, kind: RelativeAttention, wiring: Wiring, default_window: int) -> Pattern:
    """A window in five of six layers; in full attention the bias reaches rel_extent tokens.

    Full attention scales by position where log_scaling_n_floor is a number; `kind` says whether it does by default.
    """
    names, origin = _inkling_layer_types(config)
    scaled = kind.temperature and not config.says("log_scaling_n_floor")
    full = replace(kind, temperature=scaled or has_number(config, "log_scaling_n_floor"), dynamic=kind.clipped)
    parts = {}
    if HYBRID in names:
        sizes = {**_inkling_heads(config, ""), "e_b": config.size("rel_extent", absent=1024)}
        parts[HYBRID] = Part.of(full, FULL, wiring, None, **sizes)
    if HYBRID_SLIDING in names:
        w = config.size("sliding_window_size", "sliding_window", absent=default_window)
        sizes = {**_inkling_heads(config, "swa_"), "w": w, "e_b": Size(w, "w")}
        parts[HYBRID_SLIDING] = Part.of(
            replace(kind, mask="sliding", temperature=False), SLIDING, wiring, None, **sizes
        )
    return choose(config, names, parts, origin)


def _inkling_layer_types(config: Config) -> LayerTypes:
    """By layer_types, else a window in the layers of local_layer_ids, else in five of six."""
    local = config.whole_numbers("local_layer_ids", most=layers(config) - 1) if config.has("local_layer_ids") else None
    slides = [i in local if local is not None else (i + 1) % 6 != 0 for i in range(layers(config))]
    return layer_types(config, [HYBRID_SLIDING if x else HYBRID for x in slides], "local_layer_ids")


def _inkling_heads(config: Config, prefix: str) -> Sizes:
    """The heads of a type of layer; `prefix` of their keys."""
    keys = {"H_q": "num_attention_heads", "H_kv": "num_key_value_heads", "h": "head_dim"}
    return {symbol: config.size(prefix + key) for symbol, key in keys.items()}


FAMILIES = {"inkling_text": inkling_text, "inkling2_text": inkling2_text}
