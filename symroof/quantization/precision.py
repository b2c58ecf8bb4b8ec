"""Which format each kind of element is kept in, and where that was said; plain data."""

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from symroof.architecture.structure import Architecture
from symroof.config.config import Config
from symroof.dtypes import Format, format_of, multiplied
from symroof.errors import UnknownName
from symroof.records import frozen

if TYPE_CHECKING:
    from symroof.quantization.methods import Scheme

# Role -> the width symbols it sets; a quantised checkpoint has the DETAILS besides, each its own.
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
WITHIN = {"attention_output": "attention"}  # a detail -> the one it has the format of where it has none of its own


@frozen
class Precision:
    """Format and origin for each role of `ROLES` and `DETAILS`, and what of the config was set aside for them."""

    formats: Mapping[str, Format]
    origin: Mapping[str, str]
    set_aside: str = ""

    def widths(self) -> dict[str, Fraction]:
        """Bytes an element, by width symbol's name."""
        return {x: form.bytes for x, form in self._by_width().items()}

    def multiplied(self, width: str) -> dict[str, Fraction]:
        """The types that an operator with weights of that width multiplies in, and shares; of cached keys without."""
        return multiplied(self._by_width()[width or "b_c"], self.formats["activations"])

    def _by_width(self) -> dict[str, Format]:
        named = {**ROLES, **DETAILS}
        return {x: form for role, form in self.formats.items() for x in named[role]}


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
    """The formats in force: the one given for a role, else `dtype`, else the config's; experts follow weights.

    A quantization_config says what weights and cache are kept in unless they are given. Recurrent states are fp32
    unless given; a model that is not `recurrent` has none. Raises ConfigError where nobody says.
    """
    given = {"dtype": dtype, "weights": weights, "experts": experts, "activations": activations, "cache": cache}
    scheme = None if dtype or weights else scheme_of(config)
    formats, origin = {}, {}
    for role in ("weights", "experts", "activations", "cache"):
        asked = [x for x in (role, "weights" if role == "experts" else role, "dtype") if given[x]]
        formats[role] = format_of(str(given[asked[0]])) if asked else rest(config, bool(scheme))
        origin[role] = f"given as {asked[0]}" if asked else "the config's dtype" if config.dtype() else UNNAMED
    if scheme:
        from symroof.quantization.quantization import roles

        told = roles(scheme, architecture, formats["weights"].name)
        told |= {"cache": format_of(scheme.cache)} if scheme.cache else {}
        named = {
            role: form
            for role, form in told.items()
            if not given.get(role) and form != told.get(WITHIN.get(role, ""), formats["weights"])
        }
        formats |= named
        origin |= dict.fromkeys(named, f"quantization_config: {scheme.method}")
    if recurrent:
        formats["states"] = format_of(states or "fp32")
        origin["states"] = "given as states" if states else "recurrences keep fp32"
    aside = "" if scheme else config.quantization()
    return Precision(formats, origin, f"quantization_config ({aside})" if aside else "")


def scheme_of(config: Config) -> "Scheme | None":
    """The scheme of the config's quantization_config; the modules that know schemes are loaded where there is one."""
    if all(part.data.get("quantization_config") is None for part in config.parts()):
        return None
    from symroof.quantization.quantization import quantization

    return quantization(config)


UNNAMED = "what quantised checkpoints leave as it is; the config names no dtype"


def rest(config: Config, quantised: bool) -> Format:
    """The format of what is not quantised: the config's dtype; bf16 in quantised checkpoints that name none."""
    name = config.dtype() or ("bf16" if quantised else "")
    if not name:
        raise config.fail("names no dtype (key 'dtype' or 'torch_dtype'): give --dtype, such as --dtype bf16")
    try:
        return format_of(name)
    except UnknownName as error:
        raise config.fail(f"dtype: {error}; override it with --dtype") from error
