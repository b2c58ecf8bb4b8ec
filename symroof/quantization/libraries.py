"""The schemes that bitnet, torchao, hqq, auto-round, quark, eetq and fp_quant write into a quantization_config.

Sources: the config classes and quantizers of transformers 5.23.0, and what each library stores for a matrix: torchao
and hqq a scale and a zero point of 16 bits per group, auto-round what gptq and awq store, bitnet four weights a byte.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from symroof.config.config import Config
from symroof.dtypes import BITS, Format, format_name, format_of, integer_format
from symroof.errors import shorten
from symroof.quantization.module_names import Matcher, matches_all, module_matcher
from symroof.quantization.scheme import Scheme, linear_layers

Group = tuple[Format, Matcher]


def affine_format(bits: Fraction | int, group: int, scale: int = 16) -> Format:
    """`bits` per element, plus a scale and a zero point of `scale` bits each per group."""
    if group < 1:
        return Format(f"int{int(bits)}", Fraction(bits) / 8)
    return Format(f"int{int(bits)}, groups of {group}", (bits + Fraction(2 * scale, group)) / 8)


def bitnet_scheme(quant: Config) -> Scheme:
    """Ternary weights, four a byte, with one scale a matrix; inputs in int8. "online": stored in the config's dtype."""
    mode = quant.text("quantization_mode", absent="offline")
    if mode not in ("offline", "online"):
        raise quant.wrong("quantization_mode", "offline or online")
    scheme = linear_layers(quant, Format("int2, ternary", Fraction(2, 8), inputs="int8"), "bitnet")
    return scheme if mode == "offline" else replace(scheme, groups=())


# torchao's config class, or the older name of it, in lower case -> its format by group size, and its default group.
TORCHAO: dict[str, tuple[Callable[[int], Format], int]] = {
    "int4weightonly": (lambda group: affine_format(4, group), 128),
    "int8weightonly": (lambda _: format_of("int8"), 0),
    "int8dynamicactivationint8weight": (lambda _: replace(format_of("int8"), inputs="int8"), 0),
    "float8weightonly": (lambda _: format_of("fp8"), 0),
    "float8dynamicactivationfloat8weight": (lambda _: replace(format_of("fp8"), inputs="fp8"), 0),
    "float8dynamicactivationint4weight": (lambda group: replace(affine_format(4, group), inputs="fp8"), 128),
}


def torchao(quant: Config) -> Scheme:
    """One of torchao's configs for all linear layers; embedding and head too where it says so."""
    name, arguments = torchao_type(quant)
    key = name.lower().replace("_", "").removesuffix("config")
    if key not in TORCHAO:
        raise quant.fail(f"quant_type {shorten(name, 40)!r} is not known (known: {', '.join(TORCHAO)}): give --weights")
    form, group = TORCHAO[key]
    scheme = linear_layers(quant, form(arguments.number("group_size", absent=group, least=0)), "torchao")
    both = quant.flag("include_input_output_embeddings", absent=False)
    return replace(scheme, head=both, embedding=both)


def torchao_type(quant: Config) -> tuple[str, Config]:
    """The name of torchao's config and its arguments, in either spelling."""
    if isinstance(quant.data.get("quant_type"), str):
        keys = quant.nested("quant_type_kwargs") if quant.has("quant_type_kwargs") else Config({}, "", quant.source)
        return quant.text("quant_type"), keys
    default = quant.nested("quant_type").nested("default")
    return default.text("_type"), default.nested("_data") if default.has("_data") else Config({}, "", quant.source)


def hqq(quant: Config) -> Scheme:
    """Integers in groups, each with a scale and a zero point; one format for all, or one per tag of layers."""
    config = quant.nested("quant_config") if quant.has("quant_config") else quant
    if config.has("weight_quant_params") or config is quant:
        groups: list[Group] = [(hqq_format(config), matches_all)]
    else:
        groups = [(hqq_format(config.nested(tag)), module_matcher(quant, [tag])) for tag in config.data]
    return Scheme("hqq", tuple(groups), module_matcher(quant, quant.array("skip_modules")))


def hqq_format(config: Config) -> Format:
    """The format of hqq's parameters of a layer; ten weights of 3 bits are packed into 32 bits."""
    for key in ("scale_quant_params", "zero_quant_params"):
        if config.has(key):
            raise config.fail(f"key {key!r}: quantised scales are not read: give --weights")
    weights = config.nested("weight_quant_params") if config.has("weight_quant_params") else config
    bits = weights.number("nbits", absent=4, most=8)
    if bits not in (1, 2, 3, 4, 8):
        raise weights.wrong("nbits", "1, 2, 3, 4 or 8")
    group = weights.number("group_size", absent=64) if weights.data.get("group_size", 64) is not None else 0
    return affine_format(Fraction(32, 10) if bits == 3 else bits, group)


def auto_round(quant: Config) -> Scheme:
    """Integers in groups as gptq and awq store them; `extra_config` has other bits of some modules, 16 to leave out."""
    extra = quant.nested("extra_config") if quant.has("extra_config") else Config({}, quant.name, quant.source)
    forms: dict[Format | None, list[str]] = {}
    for name in extra.data:
        forms.setdefault(auto_round_format(extra.nested(name), quant), []).append(auto_round_name(name))
    left_out = module_matcher(quant, [*forms.pop(None, []), *quant.array("modules_to_not_convert")])
    groups = [(form, module_matcher(quant, names)) for form, names in forms.items() if form]
    base = auto_round_format(quant, quant)
    head = quant.flag("quant_lm_head", absent=False) or any(targets("lm_head") for _, targets in groups)
    return Scheme("auto-round", (*groups, *([(base, matches_all)] if base else [])), left_out, head)


def auto_round_name(name: str) -> str:
    """A name of `extra_config` as a pattern: some are regular expressions."""
    return f"re:{name}" if isinstance(name, str) and any(x in name for x in "*\\[(|^$") else name


def auto_round_format(module: Config, quant: Config) -> Format | None:
    """The format of a module, whose keys go before those of the whole; None where it is left at 16 bits or more."""
    keys = Config({**quant.data, **module.data}, quant.name, quant.source)
    bits, kind = keys.number("bits", absent=4, most=64), keys.text("data_type", absent="int")
    if bits >= 16:
        return None
    inputs = keys.number("act_bits", absent=16) if keys.has("act_bits") else 16
    if kind.startswith("int") and bits in (2, 3, 4, 8):
        form = integer_format(bits, keys.number("group_size", absent=128, least=-1), zero_point=True)
        return replace(form, inputs="int8" if inputs <= 8 else "")
    name = {"mx_fp": f"mxfp{bits}", "nv_fp": f"nvfp{bits}", "fp": f"fp{bits}"}.get(kind.rstrip("0123456789"), "")
    if name not in BITS:
        raise keys.fail(f"data_type {shorten(kind, 20)!r} of {bits} bits is not known: give --weights")
    return replace(format_of(name), inputs=name if inputs <= 8 else "")


# quark's dtype -> our element format.
QUARK = {"fp8_e4m3": "fp8", "fp8_e5m2": "fp8", "int8": "int8", "uint8": "int8"}
QUARK |= {"mxfp4": "mxfp4", "mxfp6": "mxfp6", "mxfp6_e3m2": "mxfp6", "mxfp6_e2m3": "mxfp6"}
QUARK_INTEGERS = {"int4": 4, "uint4": 4, "int3": 3, "uint3": 3, "int2": 2, "uint2": 2}
QUARK_FP4 = {"fp4", "fp4_e2m1", "mx"}
QUARK_FP6 = {"fp6_e3m2", "fp6_e2m3"}


def quark(quant: Config) -> Scheme:
    """One format for all linear layers and the head, others for modules by pattern, `exclude` left as it is."""
    if quant.data.get("layer_type_quant_config"):
        raise quant.fail("key 'layer_type_quant_config' is not read: give --weights")
    layers = quant.nested("layer_quant_config") if quant.data.get("layer_quant_config") else None
    left_out, groups = [*quant.array("exclude")], []
    for pattern in layers.data if layers else ():
        form = quark_format(layers.nested(pattern)) if layers else None
        left_out += [] if form else [pattern]
        groups += [(form, module_matcher(quant, [pattern]))] if form else []
    base = quark_format(quant.nested("global_quant_config")) if quant.data.get("global_quant_config") else None
    whole: list[Group] = [(base, matches_all)] if base else []
    cache = "fp8" if "fp8" in str(quant.data.get("kv_cache_quant_config") or "") else ""
    return Scheme("quark", (*groups, *whole), module_matcher(quant, left_out), True, cache=cache)


def quark_format(layer: Config) -> Format | None:
    """The format of a layer's weights and of its inputs; None where its weights are not quantised."""
    weight = quark_element(layer, "weight")
    inputs = quark_element(layer, "input_tensors")
    return replace(weight, inputs=inputs.element if inputs else "") if weight else None


def quark_element(layer: Config, key: str) -> Format | None:
    """The format of a tensor of quark's description; None where it has none or is not quantised."""
    if layer.data.get(key) is None:
        return None
    if not isinstance(layer.data[key], Mapping):
        raise layer.wrong(key, "an object: a list of formats is not read, give --weights")
    tensor = layer.nested(key)
    name, group = tensor.text("dtype"), tensor.number("group_size", absent=0, least=-1)
    if name in ("bfloat16", "float16", "float32"):
        return None
    if name in QUARK_INTEGERS:
        return integer_format(QUARK_INTEGERS[name], group, not tensor.flag("symmetric", absent=True))
    if (known := QUARK.get(name) or quark_blocks(name, group)) is None:
        raise tensor.fail(f"dtype {shorten(name, 20)!r} in groups of {group} is not known: give --weights")
    return format_of(known)


def quark_blocks(name: str, group: int) -> str | None:
    """fp4 and fp6 with a scale per block, by its size; None for others."""
    if name in QUARK_FP4:
        return {32: "mxfp4", 16: "nvfp4"}.get(group)
    return "mxfp6" if name in QUARK_FP6 and group == 32 else None


def eetq(quant: Config) -> Scheme:
    """int8 with a scale per channel; inputs are not quantised."""
    if quant.text("weights", absent="int8") != "int8":
        raise quant.wrong("weights", "int8")
    return linear_layers(quant, format_of("int8"), "eetq")


def fp_quant(quant: Config) -> Scheme:
    """mxfp4 or nvfp4 for weights and inputs."""
    name = quant.text("forward_dtype", absent="nvfp4").lower()
    if name not in ("mxfp4", "nvfp4"):
        raise quant.wrong("forward_dtype", "mxfp4 or nvfp4")
    if quant.flag("store_master_weights", absent=False):
        raise quant.fail("store_master_weights keeps weights twice, which is not counted: give --weights")
    return linear_layers(quant, replace(format_of(name), inputs=format_name(name)), "fp-quant")
