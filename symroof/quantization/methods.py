"""The schemes of quantised checkpoints, from the quantization_config of each method.

Sources: transformers 5.23.0, quantizers and utils/quantization_config; the documented formats of compressed-tensors
and modelopt.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symroof.config.config import Config
from symroof.dtypes import BITS, Format, format_name, format_of, integer_format
from symroof.errors import shorten
from symroof.quantization import libraries
from symroof.quantization.module_names import Matcher, is_routed_expert, matches_all, module_matcher
from symroof.quantization.scheme import FP8, Scheme, fp8_format, linear_layers


def weights_format(quant: Config, weights: Any) -> Format:
    """The format of a compressed-tensors group, from the bits, type and scales of its weights."""
    config = Config(weights if isinstance(weights, Mapping) else {}, quant.name, f"{quant.source}, weights")
    bits, kind = config.number("num_bits", most=16), config.text("type", absent="int")
    group = config.number("group_size", least=-1) if config.has("group_size") else 0
    block = config.array("block_structure")
    if kind == "int" and bits in (2, 3, 4, 8):
        return integer_format(bits, group, not config.flag("symmetric", absent=True))
    if kind == "float" and (bits == 8 or (bits == 4 and group in (16, 32))):
        return float_format(config, bits, group, block)
    raise config.fail(f"{kind} weights of {bits} bits in groups of {group} are not known: give --weights")


def float_format(config: Config, bits: int, group: int, block: list[Any]) -> Format:
    """fp4 in groups, or fp8 with scales of blocks, groups, channels or tensors."""
    if bits == 4:
        return format_of("nvfp4" if group == 16 else "mxfp4")
    if block:
        return fp8_format(Config({"weight_block_size": block}, config.name, config.source))
    return format_of("mxfp8" if group == 32 else "fp8")


def fine_grained_fp8(quant: Config) -> Scheme:
    """fp8 as in DeepSeek-V3, inputs in fp8 too: all linear layers except routers and head."""
    return linear_layers(quant, replace(fp8_format(quant), inputs="fp8"), FP8)


def fbgemm_fp8(quant: Config) -> Scheme:
    """fp8 with one scale per output channel, inputs in fp8 too."""
    return linear_layers(quant, replace(format_of("fp8"), inputs="fp8"), "fbgemm-fp8")


def compressed_tensors(quant: Config) -> Scheme:
    """Groups of modules, each with its format; `Linear` means all modules."""
    groups = []
    for group in config_groups(quant):
        targets = group.array("targets") or ["Linear"]
        modules = matches_all if "Linear" in targets else module_matcher(group, targets)
        groups.append((group_format(group), modules))
    skip = module_matcher(quant, quant.array("ignore"))
    return Scheme("compressed-tensors", tuple(groups), skip, True, cache=cache_format(quant, "kv_cache_scheme"))


def group_format(group: Config) -> Format:
    """The format of a compressed-tensors group's weights, and that of the inputs they are multiplied by."""
    inputs = group.data.get("input_activations")
    element = weights_format(group, inputs).element if inputs else ""
    return replace(weights_format(group, group.data.get("weights")), inputs=element)


def config_groups(quant: Config) -> Iterator[Config]:
    """The config groups of compressed-tensors and modelopt."""
    groups = quant.nested("config_groups").data
    for name in groups:
        yield quant.nested("config_groups").nested(name)


def modelopt(quant: Config) -> Scheme:
    """One algorithm for all modules, or a table of layers with one each (`quantized_layers`)."""
    algo = quant.text("quant_algo").upper()
    skip = module_matcher(quant, [*quant.array("ignore"), *quant.array("exclude_modules")])
    mixed = has_mixed_formats(quant)
    groups = mixed_groups(quant) if mixed else [(modelopt_format(quant, algo), matches_all)]
    if mixed and quant.text("quant_method") == "fp8":  # other modules have the format of the original checkpoint
        original = (replace(fp8_format(quant), inputs="fp8"), matches_all)
        return Scheme("modelopt", (*groups, original), module_matcher(quant, ["head"]))
    cache = cache_format(quant, "kv_cache_quant_algo") or cache_format(quant, "kv_cache_scheme")
    return Scheme("modelopt", tuple(groups), skip, True, cache=cache)


def has_mixed_formats(quant: Config) -> bool:
    """Whether layers have different algorithms."""
    listed = isinstance(quant.data.get("quantized_layers"), Mapping)
    return listed and quant.text("quant_algo").upper() == "MIXED_PRECISION"


def mixed_groups(quant: Config) -> list[tuple[Format, Matcher]]:
    """The format of every algorithm in `quantized_layers`, with its modules."""
    layers = quant.nested("quantized_layers")
    modules: dict[str, list[str]] = {}
    for module in layers.data:
        modules.setdefault(layers.nested(module).text("quant_algo"), []).append(module)
    return [(modelopt_format(quant, algo), module_matcher(quant, names)) for algo, names in modules.items()]


# modelopt's name of an algorithm -> formats of weights and of inputs; the latter empty where inputs are not quantised.
ALGORITHMS = {
    "FP8": ("fp8", "fp8"),
    "FP8_PER_CHANNEL_PER_TOKEN": ("fp8", "fp8"),
    "NVFP4": ("nvfp4", "nvfp4"),
    "W4A16_NVFP4": ("nvfp4", ""),
    "NVFP4_AWQ": ("nvfp4", "nvfp4"),
    "W4A8_NVFP4_FP8": ("nvfp4", "fp8"),
    "MXFP8": ("mxfp8", "mxfp8"),
    "MXFP4": ("mxfp4", "mxfp4"),
    "W4A8_MXFP4_FP8": ("mxfp4", "fp8"),
    "W8A16": ("int8", ""),
}


def modelopt_format(quant: Config, algo: str) -> Format:
    """The format of one of modelopt's algorithms."""
    name = algo.upper()
    if name in ("W4A16_AWQ", "W4A8_AWQ"):
        form = integer_format(4, quant.number("group_size", absent=128), zero_point=False)
        return replace(form, inputs="fp8" if name == "W4A8_AWQ" else "")
    if name not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise quant.fail(f"quant_algo {shorten(algo, 30)!r} is not known (known: {known}): give --weights")
    weights, inputs = ALGORITHMS[name]
    return replace(format_of(weights), inputs=inputs)


# Type and bits of the KV cache's elements -> format.
CACHES = {"float 8": "fp8", "int 8": "int8", "float 4": "nvfp4"}


def cache_format(quant: Config, key: str) -> str:
    """The format of the KV cache under `key`: a name, or an object with bits and type; empty where null."""
    cache = quant.data.get(key)
    if cache is None:
        return ""
    name = CACHES.get(f"{cache.get('type')} {cache.get('num_bits')}") if isinstance(cache, Mapping) else cache
    if isinstance(name, str) and name.lower() in BITS:
        return format_name(name)
    raise quant.fail(f"key {key!r} names a format of the cache that is not known: give --cache")


def mxfp4(quant: Config) -> Scheme:
    """mxfp4 as in gpt-oss: the routed experts."""
    return replace(linear_layers(quant, format_of("mxfp4"), "mxfp4"), groups=((format_of("mxfp4"), is_routed_expert),))


def awq_or_gptq(quant: Config) -> Scheme:
    """awq and gptq: integers in groups, each with a zero point; gptqmodel's `dynamic` may leave modules out."""
    bits = quant.number("bits", "w_bit", most=8)
    group = quant.number("group_size", "q_group_size", least=-1, absent=128)
    form = integer_format(bits, group, zero_point=quant.flag("zero_point", absent=True))
    skip = [*quant.array("modules_to_not_convert"), *left_out_by_dynamic(quant)]
    scheme = Scheme(quant.text("quant_method"), ((form, matches_all),), module_matcher(quant, skip))
    return replace(scheme, head=quant.flag("lm_head", absent=False))


def left_out_by_dynamic(quant: Config) -> list[str]:
    """The patterns of gptqmodel's `dynamic` that leave modules out; others change bits of modules and are refused."""
    patterns = quant.table("dynamic") if quant.has("dynamic") else {}
    for pattern in patterns:
        if not str(pattern).startswith("-:"):
            raise quant.fail(
                f"dynamic {shorten(pattern, 40)!r} gives modules other bits, which is not read: give --weights"
            )
    return [f"re:{pattern.removeprefix('-:')}" for pattern in patterns]


def bitsandbytes(quant: Config) -> Scheme:
    """8 bits, or 4 with an fp32 scale per 64 elements; double quantization: 8 bits per scale, 32 per 256 scales."""
    skip = module_matcher(quant, quant.array("llm_int8_skip_modules"))
    if not quant.flag("load_in_4bit", "_load_in_4bit", absent=False):
        return Scheme("bitsandbytes", ((replace(format_of("int8"), inputs="int8"), matches_all),), skip)
    double = quant.flag("bnb_4bit_use_double_quant", absent=False)
    scale = (8 + Fraction(32, 256)) if double else Fraction(32)
    name = quant.text("bnb_4bit_quant_type", absent="fp4")
    form = Format(f"{shorten(name, 8)}, blocks of 64", (4 + scale / 64) / 8)
    return Scheme("bitsandbytes", ((form, matches_all),), skip)


def quanto(quant: Config) -> Scheme:
    """One format for all linear layers; 4 and 2 bits in groups of 128, each with a scale and a shift of 16 bits."""
    name = quant.text("weights", absent="int8")
    groups = {f"int{bits}": Format(f"int{bits}, groups of 128", Fraction(bits * 128 + 32, 8 * 128)) for bits in (2, 4)}
    forms = {"float8": format_of("fp8"), "int8": format_of("int8"), **groups}
    if name not in forms:
        raise quant.wrong("weights", f"one of {', '.join(forms)}")
    inputs = {"float8": "fp8", "int8": "int8"}.get(quant.text("activations", absent=""), "")
    return linear_layers(quant, replace(forms[name], inputs=inputs), "quanto")


METHODS: dict[str, Callable[[Config], Scheme]] = {
    "fp8": fine_grained_fp8,
    "fbgemm-fp8": fbgemm_fp8,
    "compressed-tensors": compressed_tensors,
    "modelopt": modelopt,
    "mxfp4": mxfp4,
    "awq": awq_or_gptq,
    "gptq": awq_or_gptq,
    "bitsandbytes": bitsandbytes,
    "quanto": quanto,
    "bitnet": libraries.bitnet_scheme,
    "torchao": libraries.torchao,
    "hqq": libraries.hqq,
    "auto-round": libraries.auto_round,
    "quark": libraries.quark,
    "eetq": libraries.eetq,
    "fp-quant": libraries.fp_quant,
}
# Methods whose bits per weight depend on more than the config says -> what that is.
UNREAD = {
    "aqlm": "each matrix has codebooks",
    "vptq": "each matrix has codebooks",
    "higgs": "matrices are padded and have grids",
    "spqr": "outliers are stored as pairs",
}
