"""Quantised checkpoints: the format of every role of a model's weights; plain data, no sympy."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Kind
from symroof.config.config import Config
from symroof.dtypes import Format, format_of
from symroof.errors import shorten
from symroof.quantization.methods import FP8, METHODS, Scheme
from symroof.quantization.module_names import routed

# Role of weights -> names that its first projection goes by in checkpoints, below `layers.N.`
MODULES = {
    "attention": ("self_attn.q_proj", "self_attn.q_b_proj", "self_attn.qkv_proj", "attn.wq_b", "attention.wqkv",
                  "mixer.q_proj"),
    "attention_output": ("self_attn.o_proj", "self_attn.out_proj", "self_attn.dense", "attn.wo_b", "attention.wo",
                         "mixer.o_proj"),
    "recurrence": ("linear_attn.in_proj_qkv", "linear_attn.in_proj_qkvz", "mixer.in_proj", "mamba.in_proj",
                   "conv.in_proj"),
    "feed_forward": ("mlp.gate_proj", "mlp.gate_up_proj", "ffn.w1", "mixer.up_proj", "feed_forward.gate_proj"),
    "experts": ("mlp.experts.0.gate_proj", "block_sparse_moe.experts.0.w1", "ffn.experts.0.w1",
                "mixer.experts.0.up_proj", "ffn.experts.0.gate_proj", "feed_forward.experts.0.gate_proj",
                "experts.0.gate_proj"),
    "shared_experts": ("mlp.shared_experts.gate_proj", "mlp.shared_expert.gate_proj", "ffn.shared_experts.w1",
                       "ffn.shared_experts.gate_proj", "mixer.shared_experts.up_proj",
                       "feed_forward.shared_expert.gate_proj", "block_sparse_moe.shared_experts.gate_proj"),
}  # fmt: skip
HEAD = ("lm_head", "head")
APART = ("qwen", "nemotron", "deepseek_v4")  # families that number layers which predict further ahead from 0, as mtp
# The same of families whose names would mean something else there.
PECULIAR: dict[str, dict[str, tuple[str, ...]]] = {
    "gemma4": {"experts": ("experts.0.gate_proj", "experts.gate_up_proj")},
    "kimi_linear": {"recurrence": ("self_attn.q_proj",)},
    "kimi_k3": {"recurrence": ("self_attn.q_proj",)},
    "minimax": {"recurrence": ("self_attn.qkv_proj",)},
    "minimax_m1": {"recurrence": ("self_attn.qkv_proj",)},
}


def quantization(config: Config) -> Scheme | None:
    """The scheme of the config's quantization_config; None where it has none. Raises ConfigError for unknown ones."""
    for part in reversed(config.parts()):
        if part.has("quantization_config"):
            found = part.data["quantization_config"]
            if not isinstance(found, Mapping):
                raise part.wrong("quantization_config", "an object")
            return scheme(Config(found, config.name, f"{part.source}, quantization_config"), part)
    return None


def scheme(quant: Config, config: Config) -> Scheme:
    """The scheme that a quantization_config describes."""
    method = quant.text("quant_method").lower().replace("_", "-")
    if quant.has("quant_algo") or quant.has("config_groups"):
        method = "modelopt" if quant.has("quant_algo") else "compressed-tensors"
    if method not in METHODS:
        told = f"quant_method {shorten(method, 30)!r} is not known" if method else "key 'quant_method' is missing"
        known = ", ".join(METHODS)
        raise quant.fail(f"{told} (known: {known}): say what the weights are kept in with --weights and --experts")
    found = METHODS[method](quant)
    if found.method == FP8 and config.text("expert_dtype") in ("fp4", "float4"):  # DeepSeek-V4
        return replace(found, groups=((replace(format_of("mxfp4"), inputs="fp8"), routed), *found.groups))
    return found


def roles(scheme: Scheme, architecture: Architecture, rest: str) -> dict[str, Format]:
    """The format of every role of weights; `rest` is that of weights that are not quantised."""
    plain = format_of(rest)
    named = MODULES | PECULIAR.get(architecture.family.removesuffix("_text"), {})
    layers: dict[str, list[Format]] = {}
    for x in architecture.structure.every:
        for role in roles_of(x.kind):
            found = layers.setdefault(role, [])
            found += [
                one(scheme, [name_of(architecture, i) + name for name in named[role]], plain)
                for i in architecture.layout.get(x.name, ())
            ]
    formats = {role: mean(found) for role, found in layers.items() if found}
    formats["head"] = one(scheme, HEAD, plain) if scheme.head and not architecture.structure.tied else plain
    return formats


def name_of(architecture: Architecture, layer: int) -> str:
    """What checkpoints call a layer; those that predict further ahead follow the others, or are counted anew."""
    further = layer - architecture.sizes["L"]
    return f"mtp.layers.{further}." if further >= 0 and architecture.family.startswith(APART) else f"layers.{layer}."


def roles_of(kind: Kind) -> Iterator[str]:
    """The roles of weights that a kind of sublayer has."""
    return (role for role in kind.weights if role != "shared_experts" or (isinstance(kind, Experts) and kind.shared))


def one(scheme: Scheme, names: Iterable[str], plain: Format) -> Format:
    """The format of a module that goes by one of `names`."""
    listed = list(names)
    if any(map(scheme.left_out, listed)):
        return plain
    return next((form for form, targets in scheme.groups if any(map(targets, listed))), plain)


def mean(found: list[Format]) -> Format:
    """One format for layers that may differ: their mean, named by how many have which."""
    counts = Counter(found)
    if len(counts) == 1:
        return found[0]
    told = ", ".join(f"{form.name} in {n}" for form, n in counts.most_common())
    shares = tuple((form, Fraction(n, len(found))) for form, n in counts.items())
    return Format(f"{told} of {len(found)} layers", sum((x.bytes * y for x, y in shares), Fraction(0)), mix=shares)
