"""granite, granite_swa, hyperclovax, minicpm: embeddings, sublayers and logits multiplied by constants.

Sources: transformers 5.23.0, models of these names; openbmb/MiniCPM-2B-sft-bf16, modeling_minicpm.py.
"""

from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Wiring
from symroof.config.config import Config
from symroof.families.reading.layer_patterns import FULL, SLIDING, alternating
from symroof.families.reading.parts import activation, attention, constant, decoder, feed_forward, heads, layers


def frame(config: Config) -> Frame:
    """Embeddings and logits scaled where their constant is not 1."""
    return Frame(
        scaled=constant(config, "embedding_multiplier") != 1, head_scaled=constant(config, "logits_scaling") != 1
    )


def scaled(config: Config, post: str = "") -> Wiring:
    """The residual's wiring, its branch scaled where residual_multiplier is not 1."""
    return Wiring(post=post, scaled=constant(config, "residual_multiplier") != 1)


def biased(config: Config) -> tuple[Attention, FeedForward]:
    """Attention and network with the biases that are asked for."""
    bias = config.flag("attention_bias", absent=False)
    return (
        Attention(bias=bias, out_bias=bias),
        FeedForward(activation(config), bias=config.flag("mlp_bias", absent=False)),
    )


def granite(config: Config) -> Architecture:
    """llama with constants."""
    (kind, mlp), wiring = biased(config), scaled(config)
    return decoder(
        config,
        "granite",
        attention(kind, heads(config, single=True), wiring=wiring),
        feed_forward(config, mlp, wiring=wiring),
        frame=frame(config),
    )


def granite_swa(config: Config) -> Architecture:
    """Sinks, and full attention in the first of every four layers."""
    (kind, mlp), wiring = biased(config), scaled(config)
    sizes = heads(config, single=config.says("num_key_value_heads"))
    absent = [SLIDING if i % 4 else FULL for i in range(layers(config))]
    attentions = alternating(config, replace(kind, sinks=True), sizes, absent, "num_hidden_layers", 128, wiring=wiring)
    return decoder(
        config, "granite_swa", attentions, feed_forward(config, mlp, wiring=wiring), frame=frame(config), tied=True
    )


def hyperclovax(config: Config) -> Architecture:
    """granite with norms after the sublayers as well."""
    kind, mlp = biased(config)
    wiring = scaled(config, "rms" if config.flag("use_post_norm", absent=True) else "")
    return decoder(
        config,
        "hyperclovax",
        attention(kind, heads(config, single=True), wiring=wiring),
        feed_forward(config, mlp, wiring=wiring),
        frame=frame(config),
    )


def minicpm(config: Config) -> Architecture:
    """Constants by other names; the residual's is scale_depth over the root of the number of layers."""
    if config.number("num_experts", absent=0, least=0):
        raise config.wrong("num_experts", "0: only dense MiniCPM is known")
    wiring = Wiring(scaled=constant(config, "scale_depth") ** 2 != layers(config))
    d = config.size("hidden_size")
    sides = Frame(scaled=constant(config, "scale_emb") != 1, head_scaled=constant(config, "dim_model_base", 1) != d)
    return decoder(
        config,
        "minicpm",
        attention(Attention(), heads(config, single=True), wiring=wiring),
        feed_forward(config, FeedForward(activation(config)), wiring=wiring),
        frame=sides,
        tied=True,
    )


FAMILIES = {"granite": granite, "granite_swa": granite_swa, "hyperclovax": hyperclovax, "minicpm": minicpm}
