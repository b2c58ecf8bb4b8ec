"""nemotron_h: one mixer a layer, of state spaces, attention, dense networks and experts.

Source: transformers 5.23.0, models/nemotron_h.
"""

from symroof.architecture.assembly import assemble
from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.feed_forward import FeedForward
from symroof.architecture.kinds.recurrent import Mamba2
from symroof.architecture.structure import Architecture, Frame, Part, Pattern, Size
from symroof.config.config import Config
from symroof.families.hybrid import LINEAR, NAMES
from symroof.families.mamba import CONV_BIAS, state_heads, state_space
from symroof.families.reading.layer_patterns import FULL
from symroof.families.reading.parts import HIDDEN, LAYERS, activation, attention, experts, feed_forward, heads

LETTERS = {"M": LINEAR, "*": FULL, "-": "mlp", "E": "moe"}
PATTERN = "hybrid_override_pattern"
HEAD_DIM = 128  # head_dim where absent


def nemotron_h(config: Config) -> Architecture:
    """Each layer as its pattern says; head and embedding are two tables whatever tie_word_embeddings says."""
    names, origin = mixers(config)
    readers = {LINEAR: state_spaces, FULL: full_attention, "mlp": network, "moe": routed_experts}
    parts = {name: readers[name](config) for name in dict.fromkeys(names)}
    return assemble(
        "nemotron_h",
        Size(len(names), origin),
        (Pattern([parts[x] for x in names], origin),),
        Frame(),
        d=config.size(*HIDDEN),
        V=config.size("vocab_size"),
    )


def mixers(config: Config) -> tuple[list[str], str]:
    """The mixer of each layer, and the key that says so: a list of names, else a letter for each."""
    key = config.spelling("layers_block_type", "layer_types")
    if config.has(key):
        names = [NAMES.get(str(x), str(x)) for x in config.listed(key)]
    elif config.has(PATTERN):
        key = PATTERN
        names = [LETTERS.get(x, x) for x in config.text(PATTERN)]
    else:
        raise config.fail(f"key {key!r} is missing: add it, or {PATTERN!r}")
    for name in names:
        if name not in LETTERS.values():
            known = ", ".join(LETTERS if key == PATTERN else LETTERS.values())
            raise config.fail(f"key {key!r} holds {name!r}: known here are {known}")
    count = config.number(*LAYERS, absent=len(names))
    if not names or count != len(names):
        raise config.fail(f"key {key!r} has {len(names)} entries for {count} layers")
    return names, key


def state_spaces(config: Config) -> Part:
    """Mamba-2; use_bias speaks for its projections, not mamba_proj_bias."""
    bias = config.flag("use_bias", absent=False)
    act = activation(config, "mamba_hidden_act")
    kind = Mamba2(bias, bias, config.flag(*CONV_BIAS, absent=True), act)
    return state_space(config, kind, state_heads(config, "mamba_num_heads", "mamba_head_dim"), 128)


def full_attention(config: Config) -> Part:
    """Attention without rotation, biases or windows."""
    h = config.size("head_dim", "attention_head_dim", absent=HEAD_DIM)
    return attention(Attention(rotary=""), heads(config, h, single=True))


def network(config: Config) -> Part:
    """A plain dense network."""
    kind = FeedForward(activation(config, "mlp_hidden_act", absent="relu2"), gated=False, bias=biased(config))
    return feed_forward(config, kind)


def routed_experts(config: Config) -> Part:
    """Plain experts, perhaps on a latent, beside a shared one of the width of all shared ones together."""
    latent = config.has("moe_latent_size")
    kind = Experts(
        activation(config, "mlp_hidden_act", absent="relu2"),
        gated=False,
        shared=True,
        shared_bias=biased(config),
        latent=latent,
        latent_bias=latent and biased(config),
    )
    part = experts(config, kind, shared=config.size("moe_shared_expert_intermediate_size"))
    return Part(part.kind, part.name, (*part.sizes, ("d_lat", config.size("moe_latent_size")))) if latent else part


def biased(config: Config) -> bool:
    """Whether dense networks, shared experts and projections to the latent have biases."""
    return config.flag("mlp_bias", absent=False)


FAMILIES = {"nemotron_h": nemotron_h}
