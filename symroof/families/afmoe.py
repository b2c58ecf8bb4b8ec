"""afmoe, beam, cohere2_moe: experts under attention that alternates between windows and all that came before.

Source: transformers 5.23.0, models of these names.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Pattern, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import (
    FULL,
    SLIDING,
    after_first,
    alternating,
    every,
    routed,
    several,
    sparse,
    window,
)
from symroof.families.reading.parts import (
    SANDWICH,
    activation,
    attention,
    capped,
    choose,
    constant,
    decoder,
    experts,
    feed_forward,
    heads,
    layer_types,
    layers,
    rotated,
)

CAP = "final_logit_softcapping"
BESIDE = Wiring(norm="")  # of a sublayer that runs beside the one before, on the same norm


def afmoe(config: Config) -> Architecture:
    """Norms on both sides, gated attention; no rotation where all is seen; chosen with a learned correction."""
    bias, act = config.flag("attention_bias", absent=False), activation(config)
    every_key = "global_attn_every_n_layers"
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms", gate="apart")
    absent = every(layers(config), config.number(every_key, absent=4))
    attentions = alternating(
        config,
        replace(kind, rotary=""),
        heads(config, single=True, absent=128),
        absent,
        every_key,
        1024,
        kind,
        wiring=SANDWICH,
    )
    shared = several(config, "num_shared_experts", "moe_intermediate_size", 2)
    moe = Experts(act, correction=True, shared=shared is not None)
    ffn = routed(
        config,
        after_first(config, "num_dense_layers", 1),
        lambda: experts(config, moe, shared=shared, wiring=SANDWICH),
        lambda: feed_forward(config, FeedForward(act), wiring=SANDWICH),
    )
    return decoder(config, "afmoe", attentions, ffn, frame=Frame(scaled=config.flag("mup_enabled", absent=False)))


def beam(config: Config) -> Architecture:
    """Norms on both sides, biased gates; a layer without rotation scales its queries by position.

    Stream and output are added up by constants that follow from the depth.
    """
    bias, act, count = config.flag("attention_bias", absent=False), activation(config), layers(config)
    kind = Attention(bias=bias, out_bias=bias, qk_norm="rms", gate="apart", gate_bias=True)
    wiring = replace(SANDWICH, blended="constants")
    sizes = heads(config, absent=128)
    turns = rotated(config, sizes["h"], FULL)[0] if config.has("rope_parameters") else ""
    full = kind if turns else replace(kind, rotary="", temperature=True)
    absent = [*every(count, 6)[:-1], FULL]
    attentions = alternating(config, full, sizes, absent, "num_hidden_layers", 512, kind, wiring=wiring)
    ffn = routed(
        config,
        sparse(config, range(min(3, count), count), "num_hidden_layers"),
        lambda: experts(config, Experts(act), wiring=wiring),
        lambda: feed_forward(config, FeedForward(act), wiring=wiring),
    )
    return decoder(config, "beam", attentions, ffn, frame=Frame(softcap=capped(config, CAP, absent=True)))


def cohere2_moe(config: Config) -> Architecture:
    """Experts run beside attention on one norm; shared experts of the experts' width."""
    act, count = activation(config), layers(config)
    first = config.number("first_k_dense_replace", absent=0, least=0)
    which = sparse(config, range(min(first, count), count), "first_k_dense_replace")
    shared = several(config, "num_shared_experts", "intermediate_size")
    moe = Experts(act, shared=shared is not None)
    ffn = routed(
        config,
        which,
        lambda: experts(config, moe, "intermediate_size", shared, BESIDE),
        lambda: feed_forward(config, FeedForward(act), "prefix_dense_intermediate_size", wiring=BESIDE),
    )
    norm = "rms" if config.has("rms_norm_eps") else "layer_unbiased"
    frame = Frame(norm, head_scaled=constant(config, "logit_scale", 0.0625) != 1)
    return decoder(config, "cohere2_moe", cohere_attention(config, first, set(which[0])), ffn, frame=frame, tied=True)


def cohere_attention(config: Config, first: int, sparse_layers: set[int]) -> Pattern:
    """Rotation where there is a window, and in dense layers that come ahead without one."""
    bias, count, key = config.flag("attention_bias", absent=False), layers(config), "sliding_window_pattern"
    kind, sizes = Attention(bias=bias, out_bias=bias), heads(config, single=True, absent=128)
    ahead = config.number("prefix_dense_sliding_window_pattern", absent=1)
    absent = every(first, ahead) + every(count - first, config.number(key, absent=4))
    names, origin = layer_types(config, absent, key)
    wanted = [(x, x == SLIDING or (ahead == 1 and i not in sparse_layers)) for i, x in enumerate(names)]
    parts = {
        (FULL, turns): attention(kind if turns else replace(kind, rotary=""), sizes, FULL if SLIDING in names else "")
        for turns in (True, False)
    }
    if SLIDING in names:
        parts[SLIDING, True] = attention(replace(kind, mask="sliding"), {**sizes, "w": window(config, 4096)})
    return choose(config, wanted, parts, origin)


FAMILIES = {"afmoe": afmoe, "beam": beam, "cohere2_moe": cohere2_moe}
