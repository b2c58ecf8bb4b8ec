"""Layers that predict tokens further ahead (multi-token prediction), which count when they are asked for.

Each module makes one of the stream and of the next token's embedding, and has a layer like one of the model's, a norm,
and the model's embedding and head once more. A family says which layer that is. Sources: arXiv 2412.19437, section 2.2;
vllm-project/vllm, vllm/model_executor/models/deepseek_mtp.py, glm4_moe_mtp.py, mimo_mtp.py, qwen3_next_mtp.py,
nemotron_h_mtp.py; deepseek-ai/DeepSeek-V4-Pro, inference/model.py.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.latent import CompressedAttention
from symroof.architecture.structure import Architecture, Size, Sublayer
from symroof.config.config import Config
from symroof.errors import UsageError
from symroof.families.dsa import INDEXED
from symroof.families.reading.layer_patterns import FULL, SLIDING

# How configs call the number of modules.
KEYS = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules", "num_mtp_layers")
ABSENT = {"qwen3_next": 1}  # of families whose configs do not say: what their checkpoints hold
Layer = Callable[[Config, Architecture], Sequence[Sublayer]]


def extended(config: Config, architecture: Architecture) -> Architecture:
    """The architecture with its modules. Raises UsageError where it has none, or none that is known."""
    text = next((x for x in reversed(config.parts()) if any(map(x.has, KEYS))), config)
    key = text.spelling(*KEYS)
    usual = ABSENT.get(architecture.family, 0)
    count = Size(text.number(key, absent=usual, least=0), key if text.has(key) else f"{key} by default")
    if not count:
        raise UsageError(f"{config.name} has no multi-token-prediction layers: leave out --mtp")
    found = layer(text, architecture)
    if not found:
        raise unknown(text, f"{key} = {count}")
    return attached(architecture, found, count)


def attached(architecture: Architecture, layer: Sequence[Sublayer], count: Size) -> Architecture:
    """The architecture with `count` modules of a layer like that of these sublayers."""
    mtp = tuple(replace(x, name=f"mtp.{x.name}", layers="L_mtp", distinct="", whole=False) for x in layer)
    first = architecture.sizes["L"]
    return replace(
        architecture,
        structure=replace(architecture.structure, mtp=mtp),
        sizes={**architecture.sizes, "L_mtp": int(count)},
        origin={**architecture.origin, "L_mtp": count.origin},
        layout={**architecture.layout, **{x.name: range(first, first + count) for x in mtp}},
    )


def unknown(config: Config, told: str) -> UsageError:
    """The error that says that a config's modules are not known."""
    return UsageError(
        f"{config.name} keeps multi-token-prediction layers ({told}) whose structure is not known here: leave out --mtp"
    )


def layer(config: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """The sublayers of a module's layer; none where they are not known."""
    family = str(config.data.get("model_type", architecture.family))
    return LAYERS[family](config, architecture) if family in LAYERS else ()


def last(_: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """Those of the last layer."""
    return at(architecture, architecture.sizes["L"] - 1)


def at(architecture: Architecture, number: int) -> Sequence[Sublayer]:
    """The sublayers of one layer."""
    return [x for x in architecture.structure.sublayers if number in architecture.layout[x.name]]


def last_with(name: str) -> Layer:
    """Those of the last layer that has a sublayer of this name."""

    def find(_: Config, architecture: Architecture) -> Sequence[Sublayer]:
        where: Collection[int] = architecture.layout.get(name, ())
        return at(architecture, max(where)) if where else ()

    return find


def qwen(config: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """One layer of full attention; what several are, or tables of their own, is not known."""
    if config.flag("mtp_use_dedicated_embeddings", absent=False):
        raise unknown(config, "mtp_use_dedicated_embeddings")
    several = config.number(*KEYS, absent=1) > 1
    return () if several else last_with(FULL)(config, architecture)


def nemotron(config: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """A layer of each kind that mtp_hybrid_override_pattern or mtp_layers_block_type lists."""
    names = config.listed("mtp_layers_block_type") or list(config.text("mtp_hybrid_override_pattern"))
    kinds = [{"*": Attention, "attention": Attention, "E": Experts, "moe": Experts}.get(str(x)) for x in names]
    known = {type(x.kind): x for x in architecture.structure.sublayers}
    return [known[x] for x in kinds if x] if set(kinds) <= known.keys() else ()


def windowed(config: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """The last layer, with attention to a window alone."""
    further = config.listed("compress_ratios")[architecture.sizes["L"] :]
    if any(further):
        return ()
    return [
        replace(x, kind=CompressedAttention(), name=SLIDING) if isinstance(x.kind, CompressedAttention) else x
        for x in last(config, architecture)
    ]


LAYERS: dict[str, Layer] = {
    "deepseek_ref": windowed,
    "deepseek_v3": last,
    "deepseek_v32": last,
    "deepseek_v4": windowed,
    "glm4_moe": last,
    "glm4_moe_lite": last,
    "glm_moe_dsa": last_with(INDEXED),
    "kimi_k2": last,
    "mimo": last,
    "nemotron_h": nemotron,
    "qwen3_5_moe_text": qwen,
    "qwen3_5_text": qwen,
    "qwen3_next": qwen,
}
