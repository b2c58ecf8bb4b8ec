"""Multi-token prediction: modules that predict tokens further ahead, counted on request (--mtp).

Each module combines the residual stream and the next token's embedding, and has a layer like one of the model's, a
norm, and the model's embedding and head once more. MODULES says which layer that is.

Sources: arXiv 2412.19437, section 2.2; vllm-project/vllm, vllm/model_executor/models/deepseek_mtp.py, glm4_moe_mtp.py,
mimo_mtp.py, qwen3_next_mtp.py, nemotron_h_mtp.py; deepseek-ai/DeepSeek-V4-Pro, inference/model.py.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.kinds.experts import Experts
from symroof.architecture.kinds.latent_attention import CompressedAttention
from symroof.architecture.structure import Architecture, Size, Sublayer
from symroof.config.config import Config
from symroof.errors import UsageError
from symroof.families.reading.layer_patterns import FULL, INDEXED, SLIDING

# Spellings of the number of modules.
KEYS = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_modules", "num_mtp_layers")
DEFAULTS = {"qwen3_next": 1}  # modules in the checkpoints of families whose configs do not give a number
# The layer types of Nemotron's modules.
NEMOTRON_KINDS = {"*": Attention, "attention": Attention, "E": Experts, "moe": Experts}
ModuleReader = Callable[[Config, Architecture], Sequence[Sublayer]]  # the sublayers of a module; none if unknown


def with_mtp(config: Config, architecture: Architecture) -> Architecture:
    """The architecture with its modules. Raises UsageError if it has none, or if their structure is unknown."""
    text = next((x for x in reversed(config.parts()) if any(map(x.has, KEYS))), config)
    count = _module_count(text, architecture.family)
    if not count:
        raise UsageError(f"{config.name} has no multi-token-prediction layers: leave out --mtp")
    sublayers = _module_sublayers(text, architecture)
    if not sublayers:
        raise _unknown_structure(text, f"{text.spelling(*KEYS)} = {count}")
    return _add_modules(architecture, sublayers, count)


def _module_count(config: Config, family: str) -> Size:
    """The number of modules."""
    key = config.spelling(*KEYS)
    count = config.number(key, absent=DEFAULTS.get(family, 0), least=0)
    return Size(count, key if config.has(key) else f"{key} by default")


def _add_modules(architecture: Architecture, layer: Sequence[Sublayer], count: Size) -> Architecture:
    """The architecture with `count` modules, whose layers have the given sublayers."""
    mtp = tuple(replace(x, name=f"mtp.{x.name}", layers="L_mtp", distinct="", whole=False) for x in layer)
    first = architecture.sizes["L"]
    return replace(
        architecture,
        structure=replace(architecture.structure, mtp=mtp),
        sizes={**architecture.sizes, "L_mtp": int(count)},
        origin={**architecture.origin, "L_mtp": count.origin},
        layout={**architecture.layout, **{x.name: range(first, first + count) for x in mtp}},
    )


def _unknown_structure(config: Config, key: str) -> UsageError:
    """The error for modules that are not like a layer of the model; `key` is what says so."""
    return UsageError(
        f"{config.name} has multi-token-prediction layers ({key}) whose structure is not known here: leave out --mtp"
    )


def _module_sublayers(config: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """The sublayers of a module; none if they are unknown."""
    family = str(config.data.get("model_type", architecture.family))
    return MODULES[family](config, architecture) if family in MODULES else ()


def _sublayers_of_layer(architecture: Architecture, number: int) -> Sequence[Sublayer]:
    """The sublayers of one layer of the model."""
    return [x for x in architecture.structure.sublayers if number in architecture.layout[x.name]]


def _last_layer(_: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """The sublayers of the last layer."""
    return _sublayers_of_layer(architecture, architecture.sizes["L"] - 1)


def _last_layer_with(name: str) -> ModuleReader:
    """The reader of modules like the last layer that has a sublayer of this name."""

    def sublayers(_: Config, architecture: Architecture) -> Sequence[Sublayer]:
        layers: Collection[int] = architecture.layout.get(name, ())
        return _sublayers_of_layer(architecture, max(layers)) if layers else ()

    return sublayers


def _qwen_module(config: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """One module with full attention; several modules, or separate embedding tables, are unknown."""
    if config.flag("mtp_use_dedicated_embeddings", absent=False):
        raise _unknown_structure(config, "mtp_use_dedicated_embeddings")
    several = config.number(*KEYS, absent=1) > 1
    return () if several else _last_layer_with(FULL)(config, architecture)


def _nemotron_module(config: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """A sublayer of each type in mtp_hybrid_override_pattern or mtp_layers_block_type."""
    names = config.words("mtp_layers_block_type") or list(config.text("mtp_hybrid_override_pattern"))
    kinds = [NEMOTRON_KINDS.get(x) for x in names]
    known = {type(x.kind): x for x in architecture.structure.sublayers}
    return [known[x] for x in kinds if x] if set(kinds) <= known.keys() else ()


def _deepseek_v4_module(config: Config, architecture: Architecture) -> Sequence[Sublayer]:
    """The last layer, with attention to the window only."""
    if any(config.whole_numbers("compress_ratios")[architecture.sizes["L"] :]):
        return ()
    return [
        replace(x, kind=CompressedAttention(), name=SLIDING) if isinstance(x.kind, CompressedAttention) else x
        for x in _last_layer(config, architecture)
    ]


MODULES: dict[str, ModuleReader] = {
    "deepseek_ref": _deepseek_v4_module,
    "deepseek_v3": _last_layer,
    "deepseek_v32": _last_layer,
    "deepseek_v4": _deepseek_v4_module,
    "glm4_moe": _last_layer,
    "glm4_moe_lite": _last_layer,
    "glm_moe_dsa": _last_layer_with(INDEXED),
    "kimi_k2": _last_layer,
    "mimo": _last_layer,
    "nemotron_h": _nemotron_module,
    "qwen3_5_moe_text": _qwen_module,
    "qwen3_5_text": _qwen_module,
    "qwen3_next": _qwen_module,
}
