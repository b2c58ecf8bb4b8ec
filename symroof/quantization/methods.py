"""The schemes of quantised checkpoints: what a quantization_config of each method says.

Formats are exact bytes an element, scales and zero points of blocks and groups included. Scales of one a tensor
or an output channel are not (0.1 % of 8-bit weights at most). Sources: transformers 5.23.0, quantizers and
utils/quantization_config; the documented formats of compressed-tensors and modelopt.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symroof.config.config import Config
from symroof.dtypes import BITS, Format, canonical, format_of
from symroof.errors import shorten
from symroof.quantization.module_names import Matcher, everything, matcher, routed
from symroof.records import frozen

FP8 = "fp8"  # quant_method of blocks of fp8, and of fp8 tensors


@frozen
class Scheme:
    """Formats in order, each with the modules it is for; what is left out keeps the checkpoint's dtype."""

    method: str
    groups: tuple[tuple[Format, Matcher], ...]
    left_out: Matcher
    head: bool = False  # the head is one of the modules that the method quantises
    cache: str = ""  # format of the cache, where the checkpoint names one


def floats8(quant: Config) -> Format:
    """fp8, with a scale of 4 bytes (1 where it is an exponent) for each block of weight_block_size."""
    block = quant.listed("weight_block_size")
    if not block:
        return format_of("fp8")
    if len(block) != 2 or not all(isinstance(x, int) and 0 < x <= 4096 for x in block):
        raise quant.wrong("weight_block_size", "two whole numbers from 1 to 4096")
    return Format(f"fp8, scales of {block[0]} x {block[1]}", 1 + Fraction(4, block[0] * block[1]))


def integers(bits: int, group: int, zero_point: bool, scale: int = 16) -> Format:
    """`bits` an element and, for each group of elements, a scale of `scale` bits and a zero point of `bits`."""
    if group < 1:
        return Format(f"int{bits}", Fraction(bits, 8))
    extra = Fraction(scale + (bits if zero_point else 0), group)
    return Format(f"int{bits}, groups of {group}", (bits + extra) / 8)


def weights_format(quant: Config, weights: Any) -> Format:
    """The format of a compressed-tensors group: its bits, type and the extent of a scale."""
    told = Config(weights if isinstance(weights, Mapping) else {}, quant.name, f"{quant.source}, weights")
    bits, kind = told.number("num_bits", most=16), told.text("type", absent="int")
    group = told.number("group_size", least=-1) if told.has("group_size") else 0
    block = told.listed("block_structure")
    if kind == "float" and bits == 4 and group in (16, 32):
        return format_of("nvfp4" if group == 16 else "mxfp4")
    if kind == "float" and bits == 8 and block:
        return floats8(Config({"weight_block_size": block}, told.name, told.source))
    if kind == "float" and bits == 8 and group == 32:
        return format_of("mxfp8")
    if kind == "float" and bits == 8:
        return format_of("fp8")
    if kind == "int" and bits in (2, 3, 4, 8):
        return integers(bits, group, not told.flag("symmetric", absent=True))
    raise told.fail(f"{kind} weights of {bits} bits in groups of {group} are not known: give --weights")


def fine_grained(quant: Config) -> Scheme:
    """fp8 of DeepSeek's kind, inputs in fp8 too: every linear layer but routers and head."""
    skip = matcher(quant, quant.listed("modules_to_not_convert"))
    return Scheme(FP8, ((replace(floats8(quant), inputs="fp8"), everything),), skip)


def channels(quant: Config) -> Scheme:
    """fp8 with a scale an output channel, inputs in fp8 too."""
    skip = matcher(quant, quant.listed("modules_to_not_convert"))
    return Scheme("fbgemm-fp8", ((replace(format_of("fp8"), inputs="fp8"), everything),), skip)


def compressed_tensors(quant: Config) -> Scheme:
    """Groups of modules, each with its format; `Linear` is all of them."""
    groups = []
    for group in groups_of(quant):
        targets = group.listed("targets") or ["Linear"]
        meant = everything if "Linear" in targets else matcher(group, targets)
        inputs = group.data.get("input_activations")
        told = weights_format(group, inputs).element if inputs else ""
        groups.append((replace(weights_format(group, group.data.get("weights")), inputs=told), meant))
    skip = matcher(quant, quant.listed("ignore"))
    return Scheme("compressed-tensors", tuple(groups), skip, True, cache(quant, "kv_cache_scheme"))


def groups_of(quant: Config) -> Iterator[Config]:
    """The config groups of compressed-tensors and modelopt."""
    groups = quant.nested("config_groups").data
    for name in groups:
        yield quant.nested("config_groups").nested(name)


def modelopt(quant: Config) -> Scheme:
    """One algorithm for all, or a list of layers with theirs; nested under `quantization` in hf_quant_config.json."""
    algo = quant.text("quant_algo").upper()
    skip = matcher(quant, [*quant.listed("ignore"), *quant.listed("exclude_modules")])
    listed = quant.data.get("quantized_layers")
    groups: list[tuple[Format, Matcher]] = []
    if algo == "MIXED_PRECISION" and isinstance(listed, Mapping):
        named: dict[str, list[str]] = {}
        for module in listed:
            named.setdefault(quant.nested("quantized_layers").nested(module).text("quant_algo"), []).append(module)
        groups = [(algorithm(quant, name), matcher(quant, modules)) for name, modules in named.items()]
        if quant.text("quant_method") == "fp8":  # the rest stays as the checkpoint that was quantised had it
            rest = replace(floats8(quant), inputs="fp8")
            return Scheme("modelopt", (*groups, (rest, everything)), matcher(quant, ["head"]))
    else:
        groups = [(algorithm(quant, algo), everything)]
    kv = cache(quant, "kv_cache_quant_algo") or cache(quant, "kv_cache_scheme")
    return Scheme("modelopt", tuple(groups), skip, True, kv)


# modelopt's names of algorithms -> formats of weights and of inputs; the latter empty where they stay as they are.
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


def algorithm(quant: Config, name: str) -> Format:
    """The format of one of modelopt's algorithms."""
    told = name.upper()
    if told in ("W4A16_AWQ", "W4A8_AWQ"):
        form = integers(4, quant.number("group_size", absent=128), zero_point=False)
        return replace(form, inputs="fp8" if told == "W4A8_AWQ" else "")
    if told not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise quant.fail(f"quant_algo {shorten(name, 30)!r} is not known (known: {known}): give --weights")
    weights, inputs = ALGORITHMS[told]
    return replace(format_of(weights), inputs=inputs)


# Type and bits of a cache's elements -> format.
CACHES = {"float 8": "fp8", "int 8": "int8", "float 4": "nvfp4"}


def cache(quant: Config, key: str) -> str:
    """The format of the cache under `key`: a name, or an object with bits and type; empty where null."""
    told = quant.data.get(key)
    if told is None:
        return ""
    if isinstance(told, Mapping):
        told = CACHES.get(f"{told.get('type')} {told.get('num_bits')}")
    if isinstance(told, str) and told.lower() in BITS:
        return canonical(told)
    raise quant.fail(f"key {key!r} names a format of the cache that is not known: give --cache")


def mx(quant: Config) -> Scheme:
    """mxfp4 of gpt-oss: the routed experts."""
    return Scheme("mxfp4", ((format_of("mxfp4"), routed),), matcher(quant, quant.listed("modules_to_not_convert")))


def grouped(quant: Config) -> Scheme:
    """awq and gptq: whole numbers in groups; gptq and awq pack a zero point for each group."""
    bits = quant.number("bits", "w_bit", most=8)
    group = quant.number("group_size", "q_group_size", least=-1, absent=128)
    form = integers(bits, group, zero_point=quant.flag("zero_point", absent=True))
    skip = matcher(quant, quant.listed("modules_to_not_convert"))
    return Scheme(quant.text("quant_method"), ((form, everything),), skip, quant.flag("lm_head", absent=False))


def bitsandbytes(quant: Config) -> Scheme:
    """8 bits, or 4 with an fp32 scale for each 64 elements, itself in 8 bits (and 32 for each 256) where doubled."""
    skip = matcher(quant, quant.listed("llm_int8_skip_modules"))
    if not quant.flag("load_in_4bit", "_load_in_4bit", absent=False):
        return Scheme("bitsandbytes", ((replace(format_of("int8"), inputs="int8"), everything),), skip)
    double = quant.flag("bnb_4bit_use_double_quant", absent=False)
    scale = (8 + Fraction(32, 256)) if double else Fraction(32)
    name = quant.text("bnb_4bit_quant_type", absent="fp4")
    form = Format(f"{shorten(name, 8)}, blocks of 64", (4 + scale / 64) / 8)
    return Scheme("bitsandbytes", ((form, everything),), skip)


def quanto(quant: Config) -> Scheme:
    """One format for all linear layers; 4 and 2 bits in groups of 128 with scale and shift of 16 bits."""
    name = quant.text("weights", absent="int8")
    packed = {f"int{bits}": Format(f"int{bits}, groups of 128", Fraction(bits * 128 + 32, 8 * 128)) for bits in (2, 4)}
    forms = {"float8": format_of("fp8"), "int8": format_of("int8"), **packed}
    if name not in forms:
        raise quant.wrong("weights", f"one of {', '.join(forms)}")
    inputs = {"float8": "fp8", "int8": "int8"}.get(quant.text("activations", absent=""), "")
    return Scheme(
        "quanto",
        ((replace(forms[name], inputs=inputs), everything),),
        matcher(quant, quant.listed("modules_to_not_convert")),
    )


METHODS: dict[str, Callable[[Config], Scheme]] = {
    "fp8": fine_grained,
    "fbgemm-fp8": channels,
    "compressed-tensors": compressed_tensors,
    "modelopt": modelopt,
    "mxfp4": mx,
    "awq": grouped,
    "gptq": grouped,
    "bitsandbytes": bitsandbytes,
    "quanto": quanto,
}
