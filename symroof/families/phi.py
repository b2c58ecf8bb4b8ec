"""phi, phi3, stablelm, persimmon: heads rotated in part; phi and some stablelm run both sublayers side by side.

Sources: transformers 5.23.0, models of these names; microsoft/phi-1_5, modeling_phi.py (phi-msft).
"""

from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.structure import Architecture, Frame, Part, Size, Wiring
from symroof.config.config import Config
from symroof.families.mistral import windowed
from symroof.families.reading.parts import HEADS, HIDDEN, activation, attention, decoder, feed_forward, heads, rotated

BESIDE = Wiring(norm="")  # the second of two sublayers that read one norm's output


def phi3(config: Config, family: str = "phi3") -> Architecture:
    """llama with a window where sliding_window is set."""
    sizes = heads(config, single=True)
    rotary, part = rotated(config, sizes["h"])
    return decoder(
        config,
        family,
        windowed(config, Attention(rotary=rotary), {**sizes, **part}),
        feed_forward(config, FeedForward(activation(config))),
    )


def phi(config: Config) -> Architecture:
    """Biases throughout, on the head too."""
    sizes = heads(config, single=True)
    rotary, part = rotated(config, sizes["h"], absent=0.5)
    norm = "layer" if config.flag("qk_layernorm", absent=False) else ""
    kind = Attention(rotary=rotary, bias=True, out_bias=True, qk_norm=norm)
    mlp = FeedForward(activation(config, absent="gelu_new"), gated=False, bias=True)
    return decoder(
        config,
        "phi",
        attention(kind, {**sizes, **part}),
        feed_forward(config, mlp, wiring=BESIDE),
        frame=Frame("layer", head_bias=True),
    )


def phi_msft(config: Config) -> Architecture:
    """phi by its first names."""
    H_q, d = config.size(*HEADS), config.size(*HIDDEN)
    if d % H_q:
        raise config.fail(f"{d.origin}={d} is no multiple of {H_q.origin}={H_q}")
    H_kv = config.size("n_head_kv") if config.has("n_head_kv") else Size(H_q, "H_q")
    sizes = {"H_q": H_q, "H_kv": H_kv, "h": Size(d // H_q, f"{d.origin} / {H_q.origin}")}
    f = config.size("n_inner") if config.has("n_inner") else Size(4 * d, f"4 {d.origin}")
    kind = Attention(rotary="partial", bias=True, out_bias=True)
    mlp = FeedForward(activation(config, "activation_function", absent="gelu_new"), gated=False, bias=True)
    return decoder(
        config,
        "phi-msft",
        attention(kind, {**sizes, "h_r": config.size("rotary_dim", absent=32, most=sizes["h"])}),
        Part.of(mlp, "mlp", BESIDE, f=f),
        frame=Frame("layer", head_bias=True),
    )


def stablelm(config: Config) -> Architecture:
    """Layer norms; where asked for a norm of each head, and both sublayers side by side."""
    sizes = heads(config.filled({}, head_dim=None), single=config.says("num_key_value_heads"))
    rotary, part = rotated(config, sizes["h"], absent=0.25)
    norm = "layer_unbiased" if config.flag("qk_layernorm", absent=False) else ""
    kind = Attention(rotary=rotary, bias=config.flag("use_qkv_bias", absent=False), qk_norm=norm, qk_over="heads")
    wiring = BESIDE if config.flag("use_parallel_residual", absent=False) else None
    return decoder(
        config,
        "stablelm",
        attention(kind, {**sizes, **part}),
        feed_forward(config, FeedForward(activation(config)), wiring=wiring),
        frame=Frame("layer"),
    )


def persimmon(config: Config) -> Architecture:
    """No grouped heads; biases throughout but on the head."""
    sizes = heads(config.filled({}, num_key_value_heads=None, head_dim=None), single=True)
    rotary, part = rotated(config, sizes["h"], absent=0.5)
    norm = "layer" if config.flag("qk_layernorm", absent=True) else ""
    kind = Attention(rotary=rotary, bias=True, out_bias=True, qk_norm=norm)
    mlp = FeedForward(activation(config, absent="relu2"), gated=False, bias=True)
    return decoder(
        config, "persimmon", attention(kind, {**sizes, **part}), feed_forward(config, mlp), frame=Frame("layer")
    )


FAMILIES = {
    "phi": phi,
    "phi-msft": phi_msft,
    "phi3": phi3,
    "phi4": partial(phi3, family="phi4"),
    "stablelm": stablelm,
    "persimmon": persimmon,
}
