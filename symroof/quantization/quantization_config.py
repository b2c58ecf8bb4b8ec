"""Quantised checkpoints: the format of every role of a model's weights; plain data, no sympy."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from symroof.architecture.kinds.experts import Experts
from symroof.architecture.structure import Architecture, Kind
from symroof.config.config import Config
from symroof.dtypes import Format, format_of
from symroof.errors import shorten
from symroof.quantization.methods import FP8, METHODS, Scheme
from symroof.quantization.module_names import is_routed_expert

# Role of weights -> names of its first projection in checkpoints, relative to `layers.N.`
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
HEAD = ["lm_head", "head"]
MTP_FROM_0 = ("qwen", "nemotron", "deepseek_v4")  # families that name multi-token prediction layers mtp.layers.0, ...
# Families in which a role of weights has other names than in MODULES.
FAMILY_MODULES: dict[str, dict[str, tuple[str, ...]]] = {
    "gemma4": {"experts": ("experts.0.gate_proj", "experts.gate_up_proj")},
    "kimi_linear": {"recurrence": ("self_attn.q_proj",)},
    "kimi_k3": {"recurrence": ("self_attn.q_proj",)},
    "minimax": {"recurrence": ("self_attn.qkv_proj",)},
    "minimax_m1": {"recurrence": ("self_attn.qkv_proj",)},
}


def config_scheme(config: Config) -> Scheme | None:
    """The scheme of the config's quantization_config; None where there is none. Raises ConfigError for unknown ones."""
    for part in reversed(config.parts()):
        if part.has("quantization_config"):
            quant = part.data["quantization_config"]
            if not isinstance(quant, Mapping):
                raise part.wrong("quantization_config", "an object")
            return parse_scheme(Config(quant, config.name, f"{part.source}, quantization_config"), part)
    return None


def parse_scheme(quant: Config, config: Config) -> Scheme:
    """The scheme that a quantization_config describes."""
    method = quant_method(quant)
    if method not in METHODS:
        what = f"quant_method {shorten(method, 30)!r} is not known" if method else "key 'quant_method' is missing"
        known = ", ".join(METHODS)
        raise quant.fail(f"{what} (known: {known}): give the format of weights with --weights and --experts")
    scheme = METHODS[method](quant)
    if scheme.method == FP8 and config.text("expert_dtype") in ("fp4", "float4"):  # DeepSeek-V4
        return replace(scheme, groups=((replace(format_of("mxfp4"), inputs="fp8"), is_routed_expert), *scheme.groups))
    return scheme


def quant_method(quant: Config) -> str:
    """The method of a quantization_config, by its keys or its quant_method; empty where it names none."""
    if quant.has("quant_algo"):
        return "modelopt"
    if quant.has("config_groups"):
        return "compressed-tensors"
    return quant.text("quant_method").lower().replace("_", "-")


def role_formats(scheme: Scheme, architecture: Architecture, rest: str) -> dict[str, Format]:
    """The format of every role of weights; `rest` is that of weights that are not quantised."""
    unquantised = format_of(rest)
    modules = MODULES | FAMILY_MODULES.get(architecture.family.removesuffix("_text"), {})
    formats: dict[str, list[Format]] = {}
    for x in architecture.structure.every:
        for role in kind_roles(x.kind):
            formats.setdefault(role, []).extend(
                module_format(scheme, [layer_prefix(architecture, i) + name for name in modules[role]], unquantised)
                for i in architecture.layout.get(x.name, ())
            )
    quantised_head = scheme.head and not architecture.structure.tied
    head = module_format(scheme, HEAD, unquantised) if quantised_head else unquantised
    return {role: mean_format(of_layers) for role, of_layers in formats.items() if of_layers} | {"head": head}


def layer_prefix(architecture: Architecture, layer: int) -> str:
    """The name of a layer in checkpoints. Multi-token prediction layers follow the others, or are numbered from 0."""
    further = layer - architecture.sizes["L"]
    return (
        f"mtp.layers.{further}." if further >= 0 and architecture.family.startswith(MTP_FROM_0) else f"layers.{layer}."
    )


def kind_roles(kind: Kind) -> Iterator[str]:
    """The roles of weights that a kind of sublayer has."""
    return (role for role in kind.weights if role != "shared_experts" or (isinstance(kind, Experts) and kind.shared))


def module_format(scheme: Scheme, names: list[str], unquantised: Format) -> Format:
    """The format of a module that has one of `names`."""
    if any(map(scheme.left_out, names)):
        return unquantised
    return next((form for form, targets in scheme.groups if any(map(targets, names))), unquantised)


def mean_format(formats: list[Format]) -> Format:
    """One format for layers that may differ: their mean, named by the number of layers that have each."""
    counts = Counter(formats)
    if len(counts) == 1:
        return formats[0]
    layers = ", ".join(f"{form.name} in {n}" for form, n in counts.most_common())
    shares = tuple((form, Fraction(n, len(formats))) for form, n in counts.items())
    mean = sum((form.bytes * share for form, share in shares), Fraction(0))
    return Format(f"{layers} of {len(formats)} layers", mean, mix=shares)
