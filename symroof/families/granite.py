"""granite, granite_swa, hyperclovax, minicpm: embeddings, sublayer outputs and logits multiplied by constants.

Sources: transformers 5.23.0, models of these names; openbmb/MiniCPM-2B-sft-bf16 and MiniCPM-MoE-8x2B,
modeling_minicpm.py.
"""

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import MAX_SIZE, Architecture, Frame, Part, Wiring
from symroof.config.config import Config
from symroof.families.reading.keys import mlp_bias, multiplier, positive_number
from symroof.families.reading.layer_patterns import FULL, SLIDING, full_and_sliding
from symroof.families.reading.parts import (
    activation,
    attention,
    decoder,
    experts,
    gated_mlp,
    heads,
    layers,
    nullable_heads,
    with_bias,
)


def granite_frame(config: Config) -> Frame:
    """Embeddings and logits, scaled where their multiplier is not 1."""
    scaled = multiplier(config, "embedding_multiplier") != 1
    return Frame(scaled=scaled, head_scaled=multiplier(config, "logits_scaling") != 1)


def granite_wiring(config: Config, post: str = "") -> Wiring:
    """A sublayer whose output is scaled where residual_multiplier is not 1; `post`: the norm after it."""
    return Wiring(post=post, scaled=multiplier(config, "residual_multiplier") != 1)


def _granite_decoder(config: Config, family: str, wiring: Wiring) -> Architecture:
    """The same grouped-query attention and gated network in all layers."""
    slot = attention(with_bias(config, Attention()), heads(config, single=True), wiring=wiring)
    return decoder(config, family, slot, gated_mlp(config, mlp_bias(config), wiring), frame=granite_frame(config))


def granite(config: Config) -> Architecture:
    """llama with multipliers."""
    return _granite_decoder(config, "granite", granite_wiring(config))


def hyperclovax(config: Config) -> Architecture:
    """granite with norms after the sublayers as well."""
    post = "rms" if config.flag("use_post_norm", absent=True) else ""
    return _granite_decoder(config, "hyperclovax", granite_wiring(config, post))


def granite_swa(config: Config) -> Architecture:
    """Attention with sinks; full in the first of every four layers, else with a window."""
    kind, wiring = with_bias(config, Attention(sinks=True)), granite_wiring(config)
    absent = [SLIDING if i % 4 else FULL for i in range(layers(config))]
    slot = full_and_sliding(config, kind, nullable_heads(config), absent, "num_hidden_layers", 128, wiring=wiring)
    mlp = gated_mlp(config, mlp_bias(config), wiring)
    return decoder(config, "granite_swa", slot, mlp, frame=granite_frame(config), tied=True)


def minicpm(config: Config) -> Architecture:
    """Multipliers under other keys; sublayer outputs are scaled by scale_depth / sqrt(number of layers)."""
    wiring = Wiring(scaled=multiplier(config, "scale_depth") ** 2 != layers(config))
    head_scaled = positive_number(config, "dim_model_base", 1, MAX_SIZE) != config.size("hidden_size")
    frame = Frame(scaled=multiplier(config, "scale_emb") != 1, head_scaled=head_scaled)
    slots = attention(Attention(), heads(config, single=True), wiring=wiring), _minicpm_network(config, wiring)
    return decoder(config, "minicpm", *slots, frame=frame, tied=True)


def _minicpm_network(config: Config, wiring: Wiring) -> Part:
    """A dense network, or routed experts of the same width in MiniCPM-MoE."""
    if config.number("num_experts", absent=0, least=0):
        return experts(config, Experts(activation(config)), "intermediate_size", wiring=wiring)
    return gated_mlp(config, wiring=wiring)


FAMILIES = {"granite": granite, "granite_swa": granite_swa, "hyperclovax": hyperclovax, "minicpm": minicpm}
