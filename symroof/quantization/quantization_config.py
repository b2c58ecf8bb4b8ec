"""Quantised checkpoints: the format of every role of a model's weights; plain data, no sympy."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.dtypes import Format, format_of
from symroof.errors import shorten
from symroof.quantization.matrices import Matrix, sublayer_matrices
from symroof.quantization.methods import METHODS, UNREAD
from symroof.quantization.module_names import is_routed_expert, matches_none
from symroof.quantization.scheme import FP8, Scheme

Shares = tuple[tuple[Format, Fraction], ...]
ONE = Fraction(1)
Choice = Callable[[Matrix, int], Format]  # the format of a matrix in a layer

HEAD, EMBEDDING = ["lm_head", "head"], ["embed_tokens", "embeddings"]
MTP_FROM_0 = ("qwen", "nemotron", "deepseek_v4")  # families that name multi-token prediction layers mtp.layers.0, ...


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
    if method in UNREAD:
        raise quant.fail(f"quant_method {method!r} is not read ({UNREAD[method]}): give --weights, such as int2")
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


def role_formats(scheme: Scheme, architecture: Architecture, rest: Format) -> dict[str, Format]:
    """The format of every role of weights; `rest` is that of weights that are not quantised."""

    def choose(matrix: Matrix, layer: int) -> Format:
        prefix = layer_prefix(architecture, layer)
        return module_format(scheme, [prefix + name for name in matrix.names], rest)

    formats = mean_formats(architecture, choose)
    tied = architecture.structure.tied
    head = module_format(scheme, HEAD, rest) if scheme.head and not tied else rest
    table = module_format(scheme, EMBEDDING, rest) if scheme.embedding else rest
    return formats | {"head": head, "embedding": table}


def mean_formats(architecture: Architecture, choose: Choice) -> dict[str, Format]:
    """The format of every role of weights of the layers, its mean where matrices or layers differ."""
    layers: dict[str, list[Shares]] = {}
    for x in architecture.structure.every:
        roles: dict[str, list[Matrix]] = {}
        for matrix in sublayer_matrices(x, architecture):
            roles.setdefault(matrix.role, []).append(matrix)
        for role, matrices in roles.items():
            of_layers = (layer_shares(matrices, i, choose) for i in architecture.layout.get(x.name, ()))
            layers.setdefault(role, []).extend(of_layers)
    return {role: mean_format(of_layers) for role, of_layers in layers.items() if of_layers}


def layer_shares(matrices: list[Matrix], layer: int, choose: Choice) -> Shares:
    """The formats of a layer's matrices of a role, each with its share of elements."""
    forms = [choose(x, layer) for x in matrices]
    if all(form is forms[0] for form in forms):
        return ((forms[0], ONE),)
    total = sum(x.elements for x in matrices)
    return summed((form, Fraction(x.elements, total)) for form, x in zip(forms, matrices, strict=True))


def summed(pairs: Iterable[tuple[Format, Fraction]]) -> Shares:
    """Formats with their shares, each once."""
    shares: dict[Format, Fraction] = {}
    for form, share in pairs:
        shares[form] = shares.get(form, Fraction(0)) + share
    return tuple(shares.items())


def layer_prefix(architecture: Architecture, layer: int) -> str:
    """The name of a layer in checkpoints. Multi-token prediction layers follow the others, or are numbered from 0."""
    further = layer - architecture.sizes["L"]
    return (
        f"mtp.layers.{further}." if further >= 0 and architecture.family.startswith(MTP_FROM_0) else f"layers.{layer}."
    )


def module_format(scheme: Scheme, names: list[str], unquantised: Format) -> Format:
    """The format of a module that has one of `names`."""
    if scheme.left_out is not matches_none and any(map(scheme.left_out, names)):
        return unquantised
    return next((form for form, targets in scheme.groups if any(map(targets, names))), unquantised)


def mean_format(layers: list[Shares]) -> Format:
    """One format for layers that may differ: their mean, named by the layers or the elements that have each."""
    counts = Counter(tuple((id(form), share) for form, share in layer) for layer in layers)
    if len(counts) == 1 and len(layers[0]) == 1:
        return layers[0][0][0]
    mix = summed((form, share / len(layers)) for layer in layers for form, share in layer)
    if len(mix) == 1:
        return mix[0][0]
    mix = tuple(sorted(mix, key=lambda pair: -pair[1]))
    mean = sum((form.bytes * share for form, share in mix), Fraction(0))
    return Format(mean_name(mix, len(layers) if all(len(x) == 1 for x in layers) else 0), mean, mix=mix)


def mean_name(mix: Shares, layers: int) -> str:
    """The name of a mean: each format with its number of layers, or with its part of elements where `layers` is 0."""
    if layers:
        return f"{', '.join(f'{form.name} in {share * layers}' for form, share in mix)} of {layers} layers"
    return ", ".join(f"{form.name} in {float(100 * share):.4g} %" for form, share in mix)
