"""The mixes of llama.cpp: which type each matrix of a file type has.

Source: llama.cpp, src/llama-quant.cpp (llama_tensor_get_type), without an importance matrix. Norms, biases, routers
and convolutions stay fp32; the head has q6_k, or q8_0 in q8_0; a tied table has the type of the head.
"""

from collections.abc import Callable
from functools import partial

from symroof.architecture.kinds.attention import Attention
from symroof.architecture.structure import Architecture
from symroof.dtypes import Format, format_of
from symroof.errors import UsageError
from symroof.quantization.matrices import Matrix
from symroof.quantization.quantization_config import mean_formats
from symroof.quantization.weight_formats import BLOCKS, GGUF, block_format
from symroof.records import frozen

Layers = Callable[[int, int], bool]  # whether a layer of so many has the rule's type
Rule = tuple[str, Layers]


def in_all(_: int, __: int) -> bool:
    """Every layer."""
    return True


def in_more_bits(i: int, n: int) -> bool:
    """The first and the last eighth of the layers, and every third between them."""
    return i < n // 8 or i >= 7 * n // 8 or (i - n // 8) % 3 == 2


def in_first(count: int, i: int, _: int) -> bool:
    """The first layers, by their number."""
    return i < count


def in_first_part(parts: int, i: int, n: int) -> bool:
    """The first eighth or sixteenth of the layers."""
    return i < n // parts


FEW, EIGHTH = partial(in_first, 4), partial(in_first_part, 8)
# File type -> part -> its types, the first whose layers include the matrix's; "value/4": where heads share values by 4.
RULES: dict[str, dict[str, tuple[Rule, ...]]] = {
    "q2_k": {
        "value/4": (("q4_k", in_all),),
        "value": (("q3_k", in_all),),
        "output": (("q3_k", in_all),),
        "down": (("q3_k", in_all),),
    },
    "q3_k_m": {
        "value": (("q5_k", partial(in_first, 2)), ("q4_k", in_all)),
        "output": (("q4_k", in_all),),
        "down": (("q5_k", partial(in_first_part, 16)), ("q4_k", in_all)),
        "qkv": (("q4_k", in_all),),
    },
    "q3_k_l": {
        x: ((y, in_all),) for x, y in {"value": "q5_k", "output": "q5_k", "down": "q5_k", "qkv": "q4_k"}.items()
    },
    "q4_k_s": {"value": (("q5_k", FEW),), "down": (("q5_k", EIGHTH),)},
    "q4_k_m": {
        "value": (("q6_k", in_more_bits),),
        "down": (("q6_k", in_more_bits),),
        "qkv": (("q5_k", in_all),),
    },
    "q5_k_m": {
        "value": (("q6_k", in_more_bits),),
        "down": (("q6_k", in_more_bits),),
        "qkv": (("q6_k", in_all),),
    },
    "iq4_nl": {"value/4": (("q5_k", in_all),), "down": (("q5_k", EIGHTH),)},
    "iq4_xs": {"value/4": (("q5_k", in_all),), "down": (("q5_k", EIGHTH),)},
}
# Mixes in which models of 8 experts have output projections in q5_k; keys and values are q8_0 in all.
EIGHT_EXPERTS = ("q2_k", "q3_k_s", "q3_k_m", "q4_k_s", "q4_k_m", "iq4_nl", "iq4_xs")
# Type -> the type of matrices whose rows its blocks do not divide.
FALLBACKS = {"q2_k": "iq4_nl", "q3_k": "iq4_nl", "iq4_xs": "iq4_nl", "q4_k": "q5_0", "q5_k": "q5_1", "q6_k": "q8_0"}
# Families whose queries, keys and values are one matrix in llama.cpp.
FUSED = (
    "gpt2",
    "gpt_neox",
    "bloom",
    "mpt",
    "phi",
    "phi3",
    "phi4_multimodal",
    "chatglm",
    "glm",
    "dbrx",
    "gpt_bigcode",
    "qwen",
)
SEVENTY = {"llama": 80, "qwen2": 80}  # family -> layers of its 70B, whose values have q5_k where others have less


@frozen
class Mix:
    """A file type: its name, the type of what no rule names, the model, and its layers that have values, in order."""

    name: str
    base: str
    architecture: Architecture
    layers: int
    values: tuple[int, ...]


def mix_formats(name: str, architecture: Architecture) -> dict[str, Format]:
    """The format of every role of weights in a file type, means where matrices or layers differ.

    Raises UsageError for falcon, whose rules differ.
    """
    if architecture.family == "falcon" and name in RULES:
        raise UsageError(f"weights {name}: llama.cpp's rules for falcon are not known here: give q8_0, q4_0 or int4")
    mix = mix_of(name, architecture)
    formats = mean_formats(architecture, partial(matrix_format, mix))
    head = row_format("q8_0" if mix.base == "q8_0" else "q6_k", architecture.sizes["d"])
    table = head if architecture.structure.tied else row_format(mix.base, architecture.sizes["d"])
    whole = dict.fromkeys(("norms", "routers"), format_of("fp32"))
    return {"weights": block_format(mix.base), **formats, "embedding": table, "head": head, **whole}


def mix_of(name: str, architecture: Architecture) -> Mix:
    """A file type with what its rules need of a model."""
    sublayers = architecture.structure.sublayers
    at = {x.name: architecture.layout.get(x.name, ()) for x in sublayers}
    values = sorted({i for x in sublayers if isinstance(x.kind, Attention) for i in at[x.name]})
    layers = 1 + max((i for x in at.values() for i in x), default=0)
    return Mix(name, GGUF[name] or name, architecture, layers, tuple(values))


def matrix_format(mix: Mix, matrix: Matrix, layer: int) -> Format:
    """The format of a matrix: by the rule of its part, where its rows divide into blocks."""
    by_experts = eight_experts_type(mix, matrix.part) if mix.architecture.sizes.get("N_e") == 8 else ""
    return row_format(by_experts or matrix_type(mix, matrix.part, layer), matrix.inputs)


def eight_experts_type(mix: Mix, part: str) -> str:
    """The type of a part of attention in models of 8 experts; empty for other parts."""
    output = "q5_k" if mix.name in EIGHT_EXPERTS else mix.base
    return {"key": "q8_0", "value": "q8_0", "output": output}.get(part, "")


def matrix_type(mix: Mix, part: str, layer: int) -> str:
    """The type that the rules of a file type name for a part of a layer."""
    family, sizes = mix.architecture.family, mix.architecture.sizes
    if family in FUSED and part in ("query", "key", "value"):
        part = "qkv"
    at = (mix.values.index(layer), len(mix.values)) if part == "value" and layer in mix.values else (layer, mix.layers)
    kind = next((x for x, layers in part_rules(mix, part) if layers(*at)), mix.base)
    seventy = part == "value" and SEVENTY.get(family) == sizes["L"]
    return "q5_k" if seventy and kind in ("q3_k", "q4_k") else kind


def part_rules(mix: Mix, part: str) -> tuple[Rule, ...]:
    """The rules of a part; those of values depend on how many heads share one."""
    rules, sizes = RULES.get(mix.name, {}), mix.architecture.sizes
    shared = part == "value" and sizes.get("H_q", 1) >= 4 * sizes.get("H_kv", 1)
    return rules.get("value/4" if shared and "value/4" in rules else part, ())


def row_format(name: str, inputs: int) -> Format:
    """The format of a type, or of the one in its place where rows of `inputs` elements do not divide into blocks."""
    if inputs % BLOCKS[name][1]:
        name = FALLBACKS.get(name, name)
    return block_format(name) if inputs % BLOCKS[name][1] == 0 else format_of("fp16")
