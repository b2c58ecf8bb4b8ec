"""The format that each kind of element is stored in, and where it is given; plain data."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.dtypes import Format, format_of, operand_formats, product_formats
from symroof.errors import UnknownName
from symroof.records import frozen

if TYPE_CHECKING:
    from symroof.quantization.methods import Scheme

# Role -> the width symbols it sets. A quantised checkpoint may have a different format for each of the DETAILS.
ROLES = {
    "weights": ("b_w", "b_o", "b_m", "b_f", "b_sh", "b_r", "b_emb", "b_head", "b_n"),
    "experts": ("b_e",),
    "activations": ("b_a",),
    "cache": ("b_c",),
    "states": ("b_s",),
}
DETAILS = {
    "attention": ("b_w", "b_o"),
    "attention_output": ("b_o",),
    "recurrence": ("b_m",),
    "feed_forward": ("b_f",),
    "shared_experts": ("b_sh",),
    "head": ("b_head",),
}
WITHIN = {"attention_output": "attention"}  # a detail -> the one whose format it has by default


@frozen
class Precision:
    """Format and origin of each role of `ROLES` and `DETAILS`, and the part of the config that they override."""

    formats: Mapping[str, Format]
    origin: Mapping[str, str]
    set_aside: str = ""

    def widths(self) -> dict[str, Fraction]:
        """Bytes per element, by name of the width symbol."""
        return {x: form.bytes for x, form in self._by_width().items()}

    def product_formats(self, width: str) -> dict[str, Fraction]:
        """The formats that matmuls with weights of a width run in, and their shares; those with the cache for ""."""
        return product_formats(self._by_width()[width or "b_c"], self.formats["activations"])

    def operand_formats(self, operands: Iterable[str]) -> list[tuple[tuple[str, ...], Fraction]]:
        """The formats that meet in matmuls of activations with elements of these widths, and the share of each case."""
        by_width = self._by_width()
        return operand_formats([self.formats["activations"], *(by_width[x] for x in operands)])

    def _by_width(self) -> dict[str, Format]:
        """The format of each width symbol; those of details override those of roles."""
        symbols = {**ROLES, **DETAILS}
        return {x: form for role, form in self.formats.items() for x in symbols[role]}


def precision(
    config: Config,
    architecture: Architecture,
    recurrent: bool = True,
    dtype: str | None = None,
    weights: str | None = None,
    experts: str | None = None,
    activations: str | None = None,
    cache: str | None = None,
    states: str | None = None,
) -> Precision:
    """The format of every role: the one given for it, else `dtype`, else the config's; experts have that of weights.

    A quantization_config sets those of weights and cache unless they are given. Recurrent states are fp32 unless given;
    a model that is not `recurrent` has none. Raises ConfigError where neither config nor caller names a format.
    """
    given = {"dtype": dtype, "weights": weights, "experts": experts, "activations": activations, "cache": cache}
    scheme = None if dtype or weights else load_scheme(config)
    formats, origin = {}, {}
    for role in ("weights", "experts", "activations", "cache"):
        formats[role], origin[role] = role_format(config, role, given, bool(scheme))
    if scheme:
        quantised = quantised_formats(scheme, architecture, formats["weights"], given)
        formats |= quantised
        origin |= dict.fromkeys(quantised, f"quantization_config: {scheme.method}")
    if recurrent:
        formats["states"] = format_of(states or "fp32")
        origin["states"] = "given as states" if states else "recurrences keep fp32"
    overridden = "" if scheme else config.quantization()
    return Precision(formats, origin, f"quantization_config ({overridden})" if overridden else "")


def role_format(config: Config, role: str, given: Mapping[str, str | None], quantised: bool) -> tuple[Format, str]:
    """The format of a role before quantization, and its origin."""
    options = [x for x in (role, "weights" if role == "experts" else role, "dtype") if given[x]]
    if options:
        return format_of(str(given[options[0]])), f"given as {options[0]}"
    return unquantised_format(config, quantised), "the config's dtype" if config.dtype() else UNNAMED


def quantised_formats(
    scheme: "Scheme", architecture: Architecture, weights: Format, given: Mapping[str, str | None]
) -> dict[str, Format]:
    """The formats that a scheme sets: those that are not given and differ from the default of their role."""
    from symroof.quantization.quantization_config import role_formats

    formats = role_formats(scheme, architecture, weights.name)
    formats |= {"cache": format_of(scheme.cache)} if scheme.cache else {}
    default = {role: formats.get(WITHIN.get(role, ""), weights) for role in formats}
    return {role: form for role, form in formats.items() if not given.get(role) and form != default[role]}


def load_scheme(config: Config) -> "Scheme | None":
    """The scheme of the config's quantization_config; the modules of schemes are imported only if there is one."""
    if all(part.data.get("quantization_config") is None for part in config.parts()):
        return None
    from symroof.quantization.quantization_config import config_scheme

    return config_scheme(config)


UNNAMED = "what quantised checkpoints leave as it is; the config names no dtype"


def unquantised_format(config: Config, quantised: bool) -> Format:
    """The format of elements that are not quantised: the config's dtype; bf16 in quantised checkpoints without one."""
    name = config.dtype() or ("bf16" if quantised else "")
    if not name:
        raise config.fail("names no dtype (key 'dtype' or 'torch_dtype'): give --dtype, such as --dtype bf16")
    try:
        return format_of(name)
    except UnknownName as error:
        raise config.fail(f"dtype: {error}; override it with --dtype") from error
